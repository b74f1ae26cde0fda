import { type OuterEpoch, readInner } from "../../service/domain/epoch.ts";
import { EPOCH_ADVANCE_MS, EPOCH_FOLLOW_MS } from "../../service/domain/limits.ts";
import { type BrakeContext, createBrake, readBrake, releaseBrake } from "../../service/handlers/brake.ts";
import type { Store, StoreTransaction } from "../../service/handlers/ports-store.ts";
import { NOW } from "../domain/builders.ts";
import { quiet } from "./scene.ts";

/** What happens around the processes, in the order of a scenario. */
export type Happening =
  | "pass" // The time until the next advance.
  | "backup"
  | "restore"
  | "other store" // The backup in a cluster of its own, which the processes reach from then on.
  | "confirm"
  | "kill"; // The first process that is in the middle of a look.

/** Looks of one process, one after the other. */
export interface Scenario {
  readonly looks: readonly number[];
  readonly happenings: readonly Happening[];
  /** How often the epoch has advanced before. */
  readonly advanced: number;
}

/** Chooses one of `count` next steps. */
export type Choose = (count: number) => number;

/** What a whole look found, and what held when it began and when it ended. */
export interface Seen {
  readonly engaged: boolean;
  readonly begun: Phase;
  readonly ended: Phase;
}
/** `restored` only if the outside names another store, or went on since the backup: else nothing tells them apart. */
export interface Phase {
  readonly name: "intact" | "unnoticeable" | "restored" | "confirmed";
}

/**
 * The brake's own code over ports whose every call waits to be chosen, so that all orders of two processes, a backup, a
 * restore, a confirmation and a kill can be played. A transaction is one step, as the store makes it.
 */
export async function play(
  { looks, happenings, advanced }: Scenario,
  choose: Choose,
): Promise<readonly Seen[]> {
  const world = createWorld();
  for (let i = 0; i < advanced; i += 1) {
    await createBrake(world.context(null)).engaged();
    world.pass();
  }
  const waiting = new Map<number, Waiting>();
  const seen: Seen[] = [];
  const run = async (id: number, count: number) => {
    for (let look = 0; look < count; look += 1) {
      const begun = world.phase();
      const found = await createBrake(world.context(gate(waiting, id)))
        .engaged()
        .catch(nothingKnown);
      if (found !== UNKNOWN) seen.push({ engaged: found !== null, begun, ended: world.phase() });
    }
  };
  looks.forEach((count, id) => void run(id, count));
  const left = [...happenings];
  for (;;) {
    await new Promise(setImmediate);
    const ids = [...waiting.keys()].sort((a, b) => a - b);
    const next = left[0] && canHappen(left[0], waiting, world) ? left[0] : null;
    const count = ids.length + (next ? 1 : 0);
    if (count === 0) break;
    const chosen = choose(count);
    const id = ids[chosen];
    if (id !== undefined) {
      const { go } = waiting.get(id) ?? { go: () => {} };
      waiting.delete(id);
      go();
    } else if (next) {
      left.shift();
      await happen(world, next, waiting);
    }
  }
  const begun = world.phase();
  const engaged = (await createBrake(world.context(null)).engaged()) !== null;
  return [...seen, { engaged, begun, ended: begun }];
}

const UNKNOWN = "unknown";

/** Too much happened during the look: it throws, and whoever looked does nothing. */
function nothingKnown(error: unknown): typeof UNKNOWN {
  if (Object(error).reason !== "epoch_unavailable") throw error;
  return UNKNOWN;
}

interface Waiting {
  readonly call: string;
  readonly store: string;
  readonly go: () => void;
}
type Gate = (call: string, store: string) => Promise<void>;

function gate(waiting: Map<number, Waiting>, id: number): Gate {
  return (call, store) => new Promise((resolve) => waiting.set(id, { call, store, go: resolve }));
}

/** What was sent in time arrives in time: a write that is on its way does not outlast the time until the next advance. */
function canHappen(happening: Happening, waiting: ReadonlyMap<number, Waiting>, world: World): boolean {
  const calls = [...waiting.values()];
  if (happening === "pass") return calls.every(({ call }) => call !== "write");
  // As the runbook says, processes on the former store are ended first.
  if (happening === "confirm") return calls.every(({ store }) => store === world.storeName());
  return true;
}

type World = ReturnType<typeof createWorld>;

async function happen(world: World, happening: Happening, waiting: Map<number, Waiting>): Promise<void> {
  const [first] = waiting.keys();
  if (happening === "pass") world.pass();
  else if (happening === "backup") world.backup();
  else if (happening === "confirm") await world.confirm();
  else if (happening === "kill") waiting.delete(first ?? -1);
  else world.restore(happening === "restore" ? "first" : "second");
}

function createWorld() {
  let nowMs = NOW.getTime();
  /** By the name of the store: a process goes on with the one that it began its look with. */
  const marks = new Map<string, string | null>();
  let outer: OuterEpoch | null = null;
  let saved: string | null = null;
  let storeName = "first";
  let phase: Phase = { name: "intact" };
  const context = (gate: Gate | null): BrakeContext => {
    const own = storeName;
    const reach = async (call: string) => gate?.(call, own);
    const tx = {
      mark: async () => marks.get(own) ?? null,
      putMark: async (_name: string, value: string) => void marks.set(own, value),
    } as unknown as StoreTransaction;
    const store: Pick<Store, "mark" | "transaction"> = {
      async mark() {
        await reach("mark");
        return marks.get(own) ?? null;
      },
      async transaction(work) {
        await reach("transaction");
        return work(tx);
      },
    };
    const keeper = {
      async read() {
        await reach("read");
        return outer;
      },
      async write(epoch: OuterEpoch) {
        await reach("write");
        outer = epoch;
      },
      close: () => {},
    };
    return { store, keeper, storeName: own, clock: { now: () => new Date(nowMs) }, log: quiet };
  };
  return {
    context,
    phase: () => phase,
    storeName: () => storeName,
    pass() {
      nowMs += EPOCH_ADVANCE_MS;
    },
    backup() {
      saved = marks.get(storeName) ?? null;
    },
    restore(into: string) {
      const back = readInner(saved)?.epoch ?? 0;
      const isTold = outer !== null && (outer.store !== into || outer.epoch > back);
      // Putting another store's data in the place of this one takes longer than a look may.
      nowMs += EPOCH_FOLLOW_MS + 1;
      marks.set(into, saved);
      storeName = into;
      phase = { name: isTold ? "restored" : "unnoticeable" };
    },
    /** As the command does it, and nobody in between: a process that looks meanwhile changes nothing. */
    async confirm() {
      const state = await readBrake(context(null));
      if (state.why === null) return;
      await releaseBrake(context(null), state.epoch);
      phase = { name: "confirmed" };
    },
  };
}
