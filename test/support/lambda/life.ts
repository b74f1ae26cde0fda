import type pg from "pg";
import { createJournal } from "../../../service/adapters/store/journal.ts";
import type { Context, Policy } from "../../../service/handlers/context.ts";
import { answerMessages } from "../../../service/handlers/messages.ts";
import type { Queue } from "../../../service/handlers/ports-queue.ts";
import { receive } from "../../../service/handlers/receive.ts";
import { LEASE_MS, POLICY } from "../../handlers/scene.ts";
import { createAws } from "../../simulation/aws.ts";
import { createBaton } from "../../simulation/baton.ts";
import { createCustomers } from "../../simulation/customers.ts";
import { createDeliveries } from "../../simulation/deliveries.ts";
import { createGitHubWorld, inSeconds, keyOf, type PullRequest } from "../../simulation/github.ts";
import { checkPromises } from "../../simulation/invariants.ts";
import { createLeaseWatch } from "../../simulation/leases.ts";
import type { Mutation } from "../../simulation/mutations.ts";
import { checkAgreement } from "../../simulation/quiescence.ts";
import { EMPTY, readSnapshot, type Snapshot, TABLE_NAMES } from "../../simulation/snapshot.ts";
import { createStacks } from "../../simulation/stacks.ts";
import { createStage } from "../../simulation/stage.ts";
import { contextOf } from "../../simulation/workers.ts";
import type { World } from "../../simulation/world.ts";
import type { TestStore } from "../store.ts";
import { doom } from "./doomed.ts";

const SEED = 1;
const HOUR_MS = 3_600_000;
const GRACE = { previewMs: HOUR_MS, tenantMs: HOUR_MS };
/** What is due later than this is none of the work under way. */
const REST_MS = 10 * 60_000;
/** A life has some two hundred invocations; without an end it is stuck. */
const INVOCATIONS_MAX = 2_000;
const SLOTS = 3;

/** Every message that is sent is lost: the schedule finds what is due, and what was under way is delivered again. */
const lossy: Queue = { send: async () => {} };

/**
 * One pull request in the simulation's AWS and GitHub, without their faults, whose work is done by invocations of the
 * function behind the queue, in environments that die where `deaths` says.
 */
export function createLife(
  { store, database, pool }: TestStore,
  setting: Partial<Policy>,
  deaths: Deaths,
  mutation: Mutation = {},
) {
  const stage = createStage(SEED, null);
  stage.faultsOff();
  const world = createWorld(stage);
  const pull = openPull(world);
  const policy: Policy = { ...POLICY, ...setting, maxClusters: SLOTS, grace: GRACE };
  const context = createContext(world, policy, mutation, store);
  const journal = createJournal(database, stage);
  // Without a name for the statement: that of all tables is longer than Postgres takes.
  const observer = { query: ({ text }: { text: string }) => pool.query(text) } as unknown as pg.Client;

  const look = async (): Promise<Snapshot> => {
    const seen = await readSnapshot(observer, TABLE_NAMES, EMPTY);
    await checkPromises(world, seen);
    if (stage.broken) throw stage.broken;
    return seen;
  };
  const invoke = async ({ topic, key }: { readonly topic: string; readonly key: string }) => {
    const one = doom(context, lossy, deaths.of(topic));
    const messages = [{ id: "message", body: JSON.stringify({ topic, key }) }];
    await Promise.race([answerMessages(one.context, one.queue, messages, oneRound()), one.died]);
    if (!one.isDead()) return;
    await one.buried();
    stage.advanceTo(stage.now().getTime() + LEASE_MS);
    await look();
  };
  return {
    ...{ world, pull, policy },
    /** Whatever was sent is in the journal then. */
    async tell(event: string, action: string) {
      world.deliveries.emit(pull, event, action);
      for (let at = world.deliveries.nextAt(); at !== null; at = world.deliveries.nextAt()) {
        stage.advanceTo(at);
        for (const envelope of world.deliveries.take()) {
          const received = receive(envelope);
          if (received.kind === "wanted") await journal.append(received.row);
        }
      }
    },
    pass: (ms: number) => stage.advanceTo(stage.now().getTime() + ms),
    /** Invokes until nothing is due soon, and store, AWS and GitHub tell one story. Throws Broken. */
    async rest(): Promise<Snapshot> {
      for (let count = 0; count < INVOCATIONS_MAX; count += 1) {
        world.aws.advance();
        world.stacks.advance();
        const [due] = await store.due(stage.now(), 1);
        const next = (await store.nextDue())?.getTime() ?? Number.POSITIVE_INFINITY;
        if (due) await invoke(due);
        else if (next <= stage.now().getTime() + REST_MS) stage.advanceTo(Math.max(next, nextChange(world)));
        else {
          const seen = await look();
          await checkAgreement(world, context, seen);
          return seen;
        }
      }
      throw new Error("The life does not come to rest.");
    },
  };
}

/** Time for what the messages name, and none for what their steps wake: that is found when it is due. */
export function oneRound() {
  let looks = 0;
  return {
    remainingMs() {
      looks += 1;
      return looks === 1 ? 2 * LEASE_MS : 0;
    },
  };
}

/** Where the function's environments die. A place is a topic with the calls of its step so far. */
export interface Deaths {
  /** For one invocation. */
  of(topic: string): (call: string) => boolean;
  /** Where they did. */
  readonly places: readonly (readonly string[])[];
}

/** At every place, when it is come to for the `visit`th time. */
export function createDeaths(visit: number): Deaths {
  const visits = new Map<string, number>();
  const places: string[][] = [];
  return {
    places,
    of(topic) {
      const path = [topic];
      return (call) => {
        path.push(call);
        const count = (visits.get(path.join()) ?? 0) + 1;
        visits.set(path.join(), count);
        if (count === visit) places.push([...path]);
        return count === visit;
      };
    },
  };
}

/** When something is done at AWS; to look before that shows nothing new, and a function may always be late. */
function nextChange({ aws, stage }: World): number {
  const now = stage.now().getTime();
  const clusters = [...aws.clusters.values()];
  const moving = clusters.filter(({ status }) => status === "CREATING" || status === "DELETING");
  const jobs = clusters.flatMap((cluster) => [...cluster.jobs.values()]);
  const ends = [...moving.map(({ changesAt }) => changesAt), ...jobs.map(({ endsAt }) => endsAt)];
  const coming = ends.filter((at) => at > now);
  return coming.length === 0 ? now : Math.min(...coming);
}

function createContext(world: World, policy: Policy, mutation: Mutation, store: Context["store"]): Context {
  const { stage } = world;
  const actor = { name: "wake", stage, turn: async () => {}, lockedTurn: async () => {} };
  const service = {
    ...{ world, policy, mutation, baton: createBaton(), watch: createLeaseWatch(stage) },
    ...{ committed: () => {}, due: () => 0, looking: new Set<string>() },
  };
  return contextOf(service, actor, store);
}

function createWorld(stage: World["stage"]): World {
  const aws = createAws(stage, SLOTS + 2);
  const github = createGitHubWorld(stage);
  return {
    ...{ stage, aws, stacks: createStacks(stage, aws), github, maxClusters: SLOTS },
    deliveries: createDeliveries(stage),
    people: { nextAt: () => null, act: () => {}, goHome: () => {} },
    customers: createCustomers(stage),
  };
}

function openPull({ github, stage }: World): PullRequest {
  const repository = {
    ...{ id: 7, name: "acme/shop", formerNames: new Set<string>(), hidden: false, suspended: false },
    permissions: new Map(),
  };
  github.repositories.push(repository);
  github.setPermission(repository, "ann", "write");
  const pull: PullRequest = {
    ...{ key: keyOf(repository, 1), repository, number: 1, author: "ann", authorIsBot: false, fork: false },
    ...{ createdAt: inSeconds(stage.now()), state: "open", merged: false, closedAt: null, headSha: "" },
    ...{ commentDeleted: false, files: new Map() },
  };
  github.pulls.push(pull);
  return pull;
}
