import type pg from "pg";
import { createJournal } from "../../service/adapters/store/journal.ts";
import type { SqlText } from "../../service/adapters/store/sql.ts";
import { createStore } from "../../service/adapters/store/store.ts";
import type { Context, Policy } from "../../service/handlers/context.ts";
import { claimDue, runHeld } from "../../service/handlers/worker.ts";
import type { Actor } from "./actor.ts";
import { createActor } from "./actor.ts";
import type { Baton } from "./baton.ts";
import { createSimulatedControl } from "./control.ts";
import { createSimulatedDatabase, type Rewrite } from "./database.ts";
import { createSimulatedDatabases } from "./databases.ts";
import { openDoor } from "./deliveries.ts";
import { createSimulatedGitHub } from "./github-port.ts";
import type { LeaseWatch } from "./leases.ts";
import type { Mutation } from "./mutations.ts";
import { lineSplitter } from "./splitter.ts";
import { createSimulatedStacks } from "./stacks.ts";
import { Broken } from "./stage.ts";
import type { World } from "./world.ts";

/** Keys that a worker takes at once, at most. */
const TAKE = 2;

/** What all processes of the service share. */
export interface Service {
  readonly world: World;
  readonly baton: Baton;
  readonly watch: LeaseWatch;
  readonly policy: Policy;
  readonly mutation: Mutation;
  readonly committed: (writes: readonly SqlText[]) => void;
  /** How many wakeups are due. */
  readonly due: () => number;
  /** Workers that look for work; more of them than there is work would only cost time. */
  readonly looking: Set<string>;
}

/** One process of the service: it can die at any turn, and another one takes its place. */
export interface Process {
  /** Comes up at the given moment. */
  start(atMs: number): void;
  /** What the operating system and Postgres clean up after it. */
  bury(): Promise<void>;
}

export function createWorker(service: Service, name: string, client: pg.Client): Process {
  const { baton, world, looking } = service;
  const actor = createActor(baton, world.stage, name);
  const database = databaseOf(service, actor, client);
  return {
    start(atMs) {
      const context = contextOf(service, actor, createStore(database));
      baton.spawn(async () => {
        await baton.turn(name, { until: atMs });
        for (;;) {
          await baton.turn(name, { ready: () => service.due() > looking.size });
          looking.add(name);
          await workOnce(context, actor, () => looking.delete(name));
        }
      });
    },
    bury() {
      looking.delete(name);
      return database.abandon();
    },
  };
}

async function workOnce(context: Context, actor: Actor, looked: () => void): Promise<void> {
  try {
    const claimed = await claimDue(context, actor.stage.random.between(1, TAKE)).finally(looked);
    for (const held of claimed) await runHeld(context, held);
  } catch (error) {
    if (error instanceof Broken) throw error;
    actor.stage.say(`${actor.name} ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function createDoor(service: Service, client: pg.Client): Process {
  const { baton, world } = service;
  const actor = createActor(baton, world.stage, "door");
  const database = databaseOf(service, actor, client);
  return {
    start: (atMs) => openDoor({ ...world, baton }, createJournal(database, world.stage), atMs),
    async bury() {
      world.deliveries.hangUp();
      await database.abandon();
    },
  };
}

/** The store as one process reaches it. */
export function databaseOf({ watch, mutation, committed }: Service, actor: Actor, client: pg.Client) {
  const rewrite: Rewrite = mutation.rewrite ?? ((statement) => statement);
  return createSimulatedDatabase({ client, actor, watch, rewrite, committed });
}

/** The production handlers' context, with every port simulated. */
export function contextOf(service: Service, actor: Actor, store: Context["store"]): Context {
  const { world, policy, mutation } = service;
  const { stage, aws, github } = world;
  const control = createSimulatedControl(aws, actor);
  return {
    store,
    brake: null,
    clock: stage,
    chance: stage.random,
    control: mutation.control?.(control, stage.random) ?? control,
    databases: createSimulatedDatabases(aws, actor),
    splitter: lineSplitter,
    github: createSimulatedGitHub(github, actor),
    stacks: createSimulatedStacks(world, actor),
    parameters: null,
    redelivery: {
      appId: 1,
      failed: async () => ({ attempts: [], next: null, oldest: null, now: null }),
      again: async () => "asked",
    },
    log: logOf(actor),
    measure: { put: () => {} },
    nudge: { nudge: () => {} },
    policy,
  };
}

/** A step that fails by anything but Retryable or Refused is a bug. */
function logOf({ name, stage }: Actor): Context["log"] {
  const say = (fields: Readonly<Record<string, unknown>>, message: string) =>
    stage.say(`${name} ${message} ${fields["topic"] ?? ""} ${fields["cause"] ?? fields["reason"] ?? ""}`);
  return {
    info: say,
    warn: say,
    error(fields, message) {
      say(fields, message);
      if (message === "step failed") {
        stage.fail(new Broken("bug", `${fields["topic"]} ${fields["key"]}: ${fields["stack"]}`));
      }
    },
  };
}
