import { describe, expect, it } from "vitest";
import type { OuterEpoch } from "../../service/domain/epoch.ts";
import { Retryable } from "../../service/domain/errors.ts";
import { BRAKE_LOOK_MS, EPOCH_ADVANCE_MS } from "../../service/domain/limits.ts";
import { createApiHandlers } from "../../service/handlers/api.ts";
import { createBrake, readBrake, releaseBrake } from "../../service/handlers/brake.ts";
import type { Context } from "../../service/handlers/context.ts";
import { workOnHints } from "../../service/handlers/hints.ts";
import type { Held } from "../../service/handlers/ports-store.ts";
import { tick } from "../../service/handlers/tick.ts";
import { claimDue, runHeld } from "../../service/handlers/worker.ts";
import { ago, SEEN } from "../domain/builders.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { KEY as API_KEY, by, createApiScene, everything, HOUR_MS, reasonOf, SHOP } from "./api-scene.ts";
import { createScene, KEY, POLICY, quiet, type Scene } from "./scene.ts";

let base: TestStore;
let scene: Scene;
let outer: OuterEpoch | null;
let keeperError: Error | null;
let removed: string[];
eachStore((empty) => {
  base = empty;
  scene = createScene(base);
  [outer, keeperError, removed] = [null, null, []];
  const remove = async (identifier: string) => {
    removed.push(identifier);
    return { kind: "removing" };
  };
  Object.assign(scene.context.control, { remove });
});

function brakeContext({ clock }: Pick<Context, "clock"> = scene.context) {
  const keeper = {
    async read() {
      if (keeperError) throw keeperError;
      return outer;
    },
    async write(epoch: OuterEpoch) {
      outer = epoch;
    },
    close: () => {},
  };
  return { store: base.store, clock, log: quiet, keeper, storeName: "first.example" };
}

/** A process that begins now. */
function process(context: Context = scene.context) {
  const brake = createBrake(brakeContext(context));
  return { ...context, brake };
}

/** The epoch of the store as it is now, to be put back by a restore. */
const backup = async () => String(await base.store.mark("epoch"));
const restore = (saved: string) => base.store.transaction((tx) => tx.putMark("epoch", saved));

/** A store that was restored after it had gone on. */
async function restored(context: Context = scene.context): Promise<void> {
  await process(context).brake.engaged();
  const saved = await backup();
  scene.pass(EPOCH_ADVANCE_MS);
  await createBrake(brakeContext()).engaged();
  await restore(saved);
}

async function confirm(): Promise<void> {
  const { epoch } = await readBrake(brakeContext());
  await releaseBrake(brakeContext(), epoch);
}

/** Time for one step: the clock of a scene stands still. */
function short() {
  let looks = 1;
  return { remainingMs: () => POLICY.leaseMs * (looks-- > 0 ? 10 : 1) };
}

/** A cluster whose removal is due. */
async function removalDue(): Promise<void> {
  const old = { statusSince: ago(HOUR_MS), absentSince: ago(HOUR_MS) };
  await scene.given({ wanted: "absent" }, { ...SEEN, ...old, status: "available", use: "remove" });
  const now = scene.context.clock.now();
  await base.store.transaction((tx) => tx.wake([{ topic: "cluster", key: "cl_1", dueAt: now }], now));
}

describe("after a restore", () => {
  it("nothing is taken, and everything once a person has confirmed", async () => {
    await restored();
    await removalDue();
    expect(await claimDue(process(), 10)).toEqual([]);
    await confirm();
    const context = process();
    for (const held of await claimDue(context, 10)) await runHeld(context, held);
    expect(removed).toEqual([SEEN.identifier]);
  });

  it("functions do nothing with their hints, and the schedule sends none", async () => {
    await restored();
    await removalDue();
    const sent: unknown[] = [];
    const queue = { send: async (hints: readonly unknown[]) => void sent.push(...hints) };
    const dueAt = scene.context.clock.now();
    const plenty = { remainingMs: () => POLICY.leaseMs * 10 };
    const hint = { topic: "cluster", key: "cl_1", dueAt } as const;
    expect(await workOnHints(process(), queue, [hint], plenty)).toEqual([]);
    await tick(process(), queue, plenty);
    expect([removed, sent]).toEqual([[], []]);
    await confirm();
    await tick(process(), queue, plenty);
    expect(sent).toContainEqual(hint);
    await workOnHints(process(), queue, [hint], short());
    expect(removed).toEqual([SEEN.identifier]);
  });

  it("deliveries are still taken down, and worked on afterwards", async () => {
    await restored();
    await scene.deliver();
    expect(await claimDue(process(), 10)).toEqual([]);
    expect(await scene.outcomes()).toEqual([null]);
    await confirm();
    await scene.run("intake", KEY);
    expect(await scene.outcomes()).toEqual(["applied"]);
  });

  it("requests may read, and learn why they may change nothing", async () => {
    const api = createApiScene(base);
    const { id } = await api.given();
    await api.work();
    await restored();
    const { brake } = process();
    const handlers = createApiHandlers({ ...api.context, brake });
    const want = { repository: SHOP.repositoryName, gitBranch: "main" };
    expect(await reasonOf(handlers.createEnvironment(by(API_KEY), want, null))).toBe("paused_after_restore");
    expect(await reasonOf(handlers.destroyEnvironment(by(API_KEY), id))).toBe("paused_after_restore");
    expect((await handlers.listEnvironments(API_KEY, everything())).items).toHaveLength(1);
    expect(brake.known()).toMatch(/^Paused after a restore: .*`offshoot store confirm`/);
  });
});

describe("a process that lives through a restore", () => {
  /** It has taken the removal when the store is restored, with the very same lease in it. */
  async function taken(): Promise<{ context: Context; held: Held; saved: string }> {
    await removalDue();
    const context = process();
    const saved = await (async () => {
      await context.brake?.engaged();
      return backup();
    })();
    scene.pass(EPOCH_ADVANCE_MS);
    const [held] = await claimDue(context, 10);
    if (!held) throw new Error("Nothing could be taken.");
    return { context, held, saved };
  }

  it("removes nothing with a key that it took before, not even while its last look still holds", async () => {
    const { context, held, saved } = await taken();
    await restore(saved);
    await runHeld(context, held);
    expect(removed).toEqual([]);
    expect(await claimDue(context, 10)).toEqual([]);
    await confirm();
    scene.pass(EPOCH_ADVANCE_MS);
    expect(await context.brake?.engaged()).toBeNull();
  });

  it("goes on with it if there was none", async () => {
    const { context, held } = await taken();
    await runHeld(context, held);
    expect(removed).toEqual([SEEN.identifier]);
  });

  it("notices it within one look's time", async () => {
    const { context, saved } = await taken();
    await restore(saved);
    scene.pass(BRAKE_LOOK_MS);
    expect(await context.brake?.engaged()).toMatch(/the store is at epoch 1, and 2 was reached before/);
  });
});

describe("while the epoch cannot be read", () => {
  it("nothing is taken and no request changes anything", async () => {
    await removalDue();
    keeperError = new Retryable("epoch_unavailable", "no answer");
    const context = process();
    await expect(claimDue(context, 10)).rejects.toBe(keeperError);
    await expect(context.brake.refuse()).rejects.toBe(keeperError);
    const dueAt = scene.context.clock.now();
    const hint = { topic: "cluster", key: "cl_1", dueAt } as const;
    const failed = await workOnHints(context, { send: async () => {} }, [hint], {
      remainingMs: () => POLICY.leaseMs * 10,
    });
    expect(failed).toEqual([hint]);
    expect(removed).toEqual([]);
  });
});

describe("a confirmation", () => {
  it("is refused if the store was restored again, or confirmed, since it was asked for", async () => {
    await restored();
    const { epoch } = await readBrake(brakeContext());
    await confirm();
    expect(await reasonOf(releaseBrake(brakeContext(), epoch))).toBe("changed");
    expect((await readBrake(brakeContext())).why).toBeNull();
  });

  it("is refused while a restore by our own command has not ended", async () => {
    const restored = { backupAt: ago(HOUR_MS).toISOString(), isWhole: false };
    await restore(JSON.stringify({ epoch: 4, at: ago(HOUR_MS), restored }));
    const { epoch, isWhole } = await readBrake(brakeContext());
    expect(isWhole).toBe(false);
    expect(await reasonOf(releaseBrake(brakeContext(), epoch))).toBe("changed");
    expect(await createBrake(brakeContext()).engaged()).toMatch(/has not ended/);
  });

  it("names another store from then on", async () => {
    await process().brake.engaged();
    const other = { ...brakeContext(), storeName: "second.example" };
    expect(await createBrake(other).engaged()).toMatch(/the store is second\.example, and first\.example/);
    await releaseBrake(other, (await readBrake(other)).epoch);
    expect(await createBrake(other).engaged()).toBeNull();
    expect(await createBrake(brakeContext()).engaged()).toMatch(/second\.example worked last/);
  });
});
