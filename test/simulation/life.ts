import type pg from "pg";
import type { Database } from "../../service/adapters/store/sql.ts";
import { createStore } from "../../service/adapters/store/store.ts";
import type { Policy } from "../../service/handlers/context.ts";
import { createAws } from "./aws.ts";
import { createBaton, type Turn } from "./baton.ts";
import { createApiProcess } from "./clients.ts";
import { createCustomers } from "./customers.ts";
import { createDeliveries } from "./deliveries.ts";
import { createGitHubWorld, HOST } from "./github.ts";
import { checkPromises } from "./invariants.ts";
import { createKeeper } from "./keeper.ts";
import { createLeaseWatch } from "./leases.ts";
import type { Mutation } from "./mutations.ts";
import { createPeople } from "./people.ts";
import { checkAgreement, isAsleep, isMoving } from "./quiescence.ts";
import { EMPTY, readSnapshot, type Snapshot, TABLE_NAMES, type Table, tablesOf } from "./snapshot.ts";
import { createStacks } from "./stacks.ts";
import { Broken, createStage, type Stage } from "./stage.ts";
import { contextOf, createDoor, createWorker, type Process, type Service } from "./workers.ts";
import type { World } from "./world.ts";

const LEASE_MS = 60_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** A life has some 1,500 steps; without an end it is stuck. */
const STEPS_MAX = 40_000;
/** Creating takes 20 minutes at worst, removing 70, a limit of GitHub 40: after this nothing may still be under way. */
const QUIESCENCE_MS = 6 * HOUR_MS;
/** Settled for so long: every environment that waits for a slot has looked twice. */
const CALM_MS = 65_000;

/** The connections of a life: each process has its own. */
export interface Connections {
  readonly workers: readonly pg.Client[];
  readonly api: readonly pg.Client[];
  readonly door: pg.Client;
  readonly observer: pg.Client;
  /** For the comparison at the end. */
  readonly database: Database;
}

export interface LifeOptions {
  readonly seed: number;
  readonly mutation?: Mutation;
  readonly print?: (line: string) => void;
}

export interface LifeResult {
  readonly seed: number;
  readonly hash: string;
  readonly steps: number;
  readonly lines: number;
  readonly broken: { readonly invariant: string; readonly message: string } | null;
}

/** Plays one life on empty tables; the same seed gives the same hash. Never throws for a broken promise. */
export async function playLife(connections: Connections, options: LifeOptions): Promise<LifeResult> {
  const stage = createStage(options.seed, options.print ?? null);
  const life = createLife(connections, stage, options.mutation ?? {});
  let broken: Broken | null = null;
  try {
    await life.play();
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    broken = error;
  } finally {
    await life.bury();
  }
  const { seed } = options;
  const told = broken && { invariant: broken.invariant, message: broken.message };
  return { seed, hash: stage.hash(), steps: life.steps(), lines: stage.lines, broken: told };
}

function createLife(connections: Connections, stage: Stage, mutation: Mutation) {
  const world = createWorld(stage);
  const policy = policyOf(stage, world.maxClusters);
  const keeper = createKeeper(world, policy.grace);
  const baton = createBaton();
  let seen = EMPTY;
  let stale = new Set<Table>();
  let steps = 0;
  const nextDue = () => Date.parse(seen.wakeup[0]?.due_at ?? "") || Number.POSITIVE_INFINITY;
  const service: Service = {
    world,
    baton,
    watch: createLeaseWatch(stage),
    policy,
    mutation,
    committed(writes) {
      for (const table of writes.flatMap(tablesOf)) stale.add(table);
    },
    due: () => seen.wakeup.filter((row) => Date.parse(row.due_at) <= stage.now().getTime()).length,
    looking: new Set(),
  };
  const processes = new Map<string, Process>([["door", createDoor(service, connections.door)]]);
  for (const [i, client] of connections.workers.entries()) {
    processes.set(`w${i}`, createWorker(service, `w${i}`, client));
  }
  for (const [i, client] of connections.api.entries()) {
    processes.set(`api${i}`, createApiProcess(service, `api${i}`, client));
  }
  const look = async () => {
    await baton.settle();
    if (stage.broken) throw stage.broken;
    world.aws.advance();
    world.stacks.advance();
    const tables = TABLE_NAMES.filter((table) => stale.has(table));
    stale = new Set();
    seen = await readSnapshot(connections.observer, tables, seen);
    await checkPromises(world, seen);
    keeper.check(seen);
    return seen;
  };
  const left = () => pending(seen);
  const scene: Scene = { stage, world, baton, processes, nextDue, left };
  return {
    steps: () => steps,
    async play() {
      for (const process of processes.values()) process.start(0);
      const ending = createEnding(world);
      for (let now = await look(); !ending.reached(now); now = await look()) {
        steps += 1;
        if (steps > STEPS_MAX) throw new Broken("no quiescence", `after ${STEPS_MAX} steps`);
        await takeStep(scene, ending.calmAt());
      }
      const observer = { name: "observer", stage, turn: async () => {}, lockedTurn: async () => {} };
      const context = contextOf(service, observer, createStore(connections.database));
      await checkAgreement(world, context, await look());
    },
    async bury() {
      for (const process of processes.values()) await process.bury();
    },
  };
}

interface Scene {
  readonly stage: Stage;
  readonly world: World;
  readonly baton: ReturnType<typeof createBaton>;
  readonly processes: ReadonlyMap<string, Process>;
  readonly nextDue: () => number;
  /** What is still under way. */
  readonly left: () => string;
}

/** Somebody's turn: a person, one of the processes, or time. */
async function takeStep(scene: Scene, calmAt: number | null): Promise<void> {
  const { stage, world, baton } = scene;
  const now = stage.now().getTime();
  const person = world.people.nextAt();
  if (person !== null && person <= now) return world.people.act();
  const ready = baton.waiting().filter((turn) => turn.until <= now && turn.ready());
  const later = moments(scene, calmAt).filter((at) => at > now);
  if (ready.length === 0 || (later.length > 0 && stage.fault(0.003))) return jump(scene, later);
  const turn = stage.random.pick(ready);
  stage.advanceTo(now + stage.random.between(0, 15));
  if (turn.crashable && stage.fault(turn.task.startsWith("api") ? 0.02 : 0.003)) return crash(scene, turn);
  if (turn.pausable && stage.fault(0.005)) {
    stage.say(`${turn.task} pauses`);
    turn.until = now + stage.random.between(0, 2 * LEASE_MS);
    return;
  }
  baton.pass(turn);
}

/** Nobody can go on, or everybody is slow: to the next moment at which something happens. */
function jump({ stage, left }: Scene, later: readonly number[]): void {
  if (later.length === 0) throw new Broken("no quiescence", `nothing will ever happen again: ${left()}`);
  stage.advanceTo(Math.min(...later));
}

function moments({ world, baton, nextDue }: Scene, calmAt: number | null): readonly number[] {
  const plans = [
    nextDue(),
    world.people.nextAt(),
    world.deliveries.nextAt(),
    world.aws.nextArrival(),
    world.customers.nextAt(),
    calmAt,
  ];
  const pauses = baton.waiting().map((turn) => turn.until);
  return [...plans, ...pauses].filter((at) => at !== null && Number.isFinite(at)) as number[];
}

async function crash({ stage, baton, processes }: Scene, turn: Turn): Promise<void> {
  stage.say(`${turn.task} dies`);
  baton.drop(turn);
  const process = processes.get(turn.task);
  await process?.bury();
  process?.start(stage.now().getTime() + stage.random.between(0, 30_000));
}

/** Faults end when the people have gone home; then everything must come to rest, and stay there. */
function createEnding(world: World) {
  const { stage, people, deliveries, customers, github } = world;
  let quietAt: number | null = null;
  let calmAt: number | null = null;
  return {
    calmAt: () => calmAt,
    reached(seen: Snapshot): boolean {
      const now = stage.now().getTime();
      if (quietAt === null) {
        const next = [people.nextAt(), deliveries.nextAt(), customers.nextAt()];
        if (next.some((at) => at !== null)) return false;
        quietAt = now;
        stage.say("faults off");
        stage.faultsOff();
        people.goHome();
        deliveries.redeliver(github.pulls);
      }
      if (now > quietAt + QUIESCENCE_MS) throw new Broken("no quiescence", pending(seen));
      if (isMoving(world, seen)) calmAt = null;
      else calmAt ??= now + CALM_MS;
      return calmAt !== null && now >= calmAt && isAsleep(world, seen);
    },
  };
}

function pending(seen: Snapshot): string {
  const clusters = seen.cluster.filter((row) => row.status !== "gone");
  return JSON.stringify({ wakeups: seen.wakeup, clusters, reports: seen.report });
}

function createWorld(stage: Stage): World {
  const { random } = stage;
  const maxClusters = random.between(1, 6);
  const aws = createAws(stage, maxClusters + random.between(0, 2));
  const github = createGitHubWorld(stage);
  const deliveries = createDeliveries(stage);
  for (let n = random.between(0, 1); n > 0; n -= 1) aws.addForeign();
  const people = createPeople({ stage, aws, github, deliveries });
  const customers = createCustomers(stage);
  return { stage, aws, stacks: createStacks(stage, aws), github, deliveries, people, customers, maxClusters };
}

function policyOf({ random }: Stage, maxClusters: number): Policy {
  return {
    account: "111122223333",
    region: "us-east-1",
    maxClusters,
    quota: maxClusters + random.between(0, 2),
    reserve: random.between(0, 1),
    caps: { perAuthor: random.between(1, 3), perRepository: random.between(2, 3) },
    leaseMs: LEASE_MS,
    grace: {
      previewMs: random.pick([0, 10 * MINUTE_MS, 24 * HOUR_MS]),
      tenantMs: random.pick([10 * MINUTE_MS, 24 * HOUR_MS, 168 * HOUR_MS]),
    },
    idleMs: random.pick([2 * HOUR_MS, 72 * HOUR_MS]),
    ageMs: 14 * 24 * HOUR_MS,
    migrationsDirectory: "migrations",
    webUrl: `https://${HOST}`,
    connect: { to: null, command: null, environment: null, signInUrl: null },
    access: { rules: [], tokenRoleArn: null },
    // Every other life, without a throw of the dice of its own: the seeds keep their lives.
    stacks: { for: maxClusters % 2 === 0 ? "all" : "none", prefix: "offshoot-" },
    parameterPrefix: null,
  };
}
