import { randomBytes } from "node:crypto";
import { createJournal } from "../../service/adapters/store/journal.ts";
import type { Grant } from "../../service/domain/access.ts";
import {
  APP_EVENTS,
  APP_PERMISSIONS,
  type InstallationGrants,
} from "../../service/domain/app-permissions.ts";
import type { Cluster } from "../../service/domain/cluster.ts";
import type { Environment } from "../../service/domain/environment.ts";
import { pullKey } from "../../service/domain/owner.ts";
import type { Context } from "../../service/handlers/context.ts";
import type {
  ClusterControl,
  ClusterTags,
  Databases,
  DeliveryRow,
  GitHub,
  JobOutcome,
  Log,
  Permission,
  Pull,
  PullComment,
  StatementOutcome,
} from "../../service/handlers/ports.ts";
import type { Checks, NewCheck, SentCheck } from "../../service/handlers/ports-checks.ts";
import type { StackControl } from "../../service/handlers/ports-stack.ts";
import type { Topic } from "../../service/handlers/ports-store.ts";
import { runHeld } from "../../service/handlers/worker.ts";
import { clusterOf, environmentOf, NOW, SEEN } from "../domain/builders.ts";
import { lineSplitter } from "../simulation/splitter.ts";
import type { TestStore } from "../support/store.ts";

export const REF = { host: "github.test", repositoryId: 7, number: 1 };
export const KEY = pullKey(REF);
export const PULL_ROW = { ...REF, installationId: 5001, repositoryName: "acme/shop", baseRef: "main" };
export const LEASE_MS = 60_000;

export const PULL: Pull = {
  number: 1,
  repositoryId: 7,
  repositoryName: "acme/shop",
  state: "open",
  merged: false,
  closedAt: null,
  createdAt: NOW,
  headSha: "1".repeat(40),
  headRef: "topic",
  baseRef: "main",
  fork: false,
  author: "wendy",
  authorIsBot: false,
};

export const GRANTS: InstallationGrants = {
  ...{ account: "acme", url: "https://github.test/acme/installations/1" },
  ...{ permissions: APP_PERMISSIONS, events: APP_EVENTS },
};

export const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** GitHub as a test sets it up; `fail` makes a call throw, `calls` are the calls that had an effect. */
export function createFakeGitHub() {
  const state = {
    pull: PULL as Pull | null,
    /** Names under which the repository is found. */
    names: ["acme/shop"],
    comments: new Map<number, PullComment>(),
    permissions: new Map<string, Permission>([["wendy", "write"]]),
    migrations: "create table a (id int)\ncreate table b (id int)\n",
    posted: [] as { id: number; body: string }[],
    reactions: [] as string[],
    checks: [] as (NewCheck & { id: number; annotations: string[] })[],
    grants: GRANTS as InstallationGrants | null,
    calls: [] as string[],
    fail: new Map<keyof GitHub, Error>(),
  };
  const call = async <T>(name: keyof GitHub, work: () => T): Promise<T> => {
    state.calls.push(name);
    const error = state.fail.get(name);
    if (error) throw error;
    return work();
  };
  const port: Omit<GitHub, keyof Checks> = {
    readGrants: () => call("readGrants", () => state.grants),
    readPull: ({ repositoryName }) =>
      call("readPull", () => (state.names.includes(repositoryName) ? state.pull : null)),
    readComment: (_target, id) => call("readComment", () => state.comments.get(id) ?? null),
    readPermission: (_target, login) => call("readPermission", () => state.permissions.get(login) ?? "none"),
    readMigrations: () =>
      call("readMigrations", () => [{ path: "migrations/1.sql", text: state.migrations }]),
    findRepository: () => call("findRepository", () => null),
    readBranch: () => call("readBranch", () => null),
    findComments: (_target, marker) =>
      call("findComments", () => state.posted.filter(({ body }) => body.includes(marker))),
    createComment: (_target, body) =>
      call("createComment", () => {
        const id = 900 + state.posted.length;
        state.posted.push({ id, body });
        return { id };
      }),
    editComment: (_target, id, body) =>
      call("editComment", () => {
        const comment = state.posted.find((one) => one.id === id);
        if (comment) comment.body = body;
        return comment ? "edited" : "absent";
      }),
    deleteComment: (_target, id) =>
      call("deleteComment", () => {
        state.posted = state.posted.filter((one) => one.id !== id);
      }),
    react: (_target, id, content) =>
      call("react", () => {
        state.reactions.push(`${id} ${content}`);
        return "done";
      }),
  };
  return { state, port: { ...port, ...fakeChecks(state, call) } };
}

type Call = <T>(name: keyof GitHub, work: () => T) => Promise<T>;

function fakeChecks(
  { checks }: { readonly checks: (NewCheck & { id: number; annotations: string[] })[] },
  call: Call,
): Checks {
  const noted = ({ annotation }: SentCheck) => (annotation ? [`${annotation.path}:${annotation.line}`] : []);
  return {
    findChecks: (_target, sha, externalId) =>
      call("findChecks", () => checks.filter((one) => one.sha === sha && one.externalId === externalId)),
    createCheck: (_target, check) =>
      call("createCheck", () => {
        const id = 500 + checks.length;
        checks.push({ ...check, id, annotations: noted(check) });
        return { id };
      }),
    updateCheck: (_target, id, check) =>
      call("updateCheck", () => {
        const found = checks.find((one) => one.id === id);
        if (found) Object.assign(found, check, { annotations: [...found.annotations, ...noted(check)] });
        return found ? "updated" : "absent";
      }),
  };
}

/** Clusters that answer each statement with the next outcome, and with "applied" when none is left. */
export function createFakeDatabases() {
  const state = {
    outcomes: [] as StatementOutcome[],
    jobs: [] as JobOutcome[],
    ran: [] as string[],
    /** Called before each statement is answered. */
    before: async (_sql: string): Promise<void> => {},
    openError: null as Error | null,
    verifyErrors: [] as Error[],
    verified: [] as (readonly Grant[])[],
    mapped: [] as { grants: readonly Grant[]; formerRoles: readonly string[] }[],
    mapError: null as Error | null,
    readers: [] as string[],
    readError: null as Error | null,
    closed: 0,
  };
  const port: Databases = {
    async open() {
      if (state.openError) throw state.openError;
      return {
        async run({ sql }) {
          state.ran.push(sql);
          await state.before(sql);
          return state.outcomes.shift() ?? { kind: "applied" };
        },
        job: async () => state.jobs.shift() ?? { kind: "completed" },
        async mapRoles(grants, formerRoles) {
          if (state.mapError) throw state.mapError;
          state.mapped.push({ grants, formerRoles });
        },
        async grantReads(role) {
          if (state.readError) throw state.readError;
          state.readers.push(role);
        },
        async close() {
          state.closed += 1;
        },
      };
    },
    async verify(_endpoint, grants) {
      state.verified.push(grants);
      const error = state.verifyErrors.shift();
      if (error) throw error;
    },
  };
  return { state, port };
}

const CONTROL: ClusterControl = {
  create: async (_request: { clientToken: string; tags: ClusterTags }) => ({ kind: "creating", ...SEEN }),
  observe: async () => ({ kind: "usable", ...SEEN }),
  find: async () => ({ kind: "absent" }),
  remove: async () => ({ kind: "removing" }),
  protect: async () => ({ kind: "done" }),
  readPolicy: async () => ({ kind: "seen", text: null, version: null }),
  putPolicy: async () => ({ kind: "done" }),
  inventory: async () => [],
  identifiers: async () => [],
};

const STACKS: StackControl = {
  create: async () => ({ kind: "made" }),
  describe: async () => ({ kind: "absent" }),
  update: async () => ({ kind: "done" }),
  remove: async () => ({ kind: "removing" }),
  guard: async () => ({ kind: "done" }),
  others: async () => [],
};

export const POLICY: Context["policy"] = {
  account: "111122223333",
  region: "us-east-1",
  maxClusters: 10,
  quota: 20,
  reserve: 2,
  caps: { perAuthor: 3, perRepository: 10 },
  leaseMs: LEASE_MS,
  grace: { previewMs: 0, tenantMs: 0 },
  idleMs: 72 * 3_600_000,
  ageMs: 14 * 86_400_000,
  migrationsDirectory: "migrations",
  webUrl: "https://github.test",
  connect: { to: null, command: null, environment: null, signInUrl: null },
  access: { rules: [], tokenRoleArn: null },
  stacks: { for: "none", prefix: "offshoot-" },
  parameterPrefix: null,
};

/** The production handlers and SQL on a store of the test's own; time stands still unless `pass` moves it. */
export function createScene({ store, database, pool }: TestStore) {
  let nowMs = NOW.getTime();
  let count = 0;
  const clock = { now: () => new Date(nowMs) };
  const github = createFakeGitHub();
  const databases = createFakeDatabases();
  const context: Context = {
    store,
    brake: null,
    clock,
    chance: { number: () => 0, bytes: randomBytes },
    control: { ...CONTROL },
    stacks: { ...STACKS },
    databases: databases.port,
    splitter: lineSplitter,
    github: github.port,
    parameters: null,
    redelivery: {
      appId: 1,
      failed: async () => ({ attempts: [], next: null, oldest: null, now: null }),
      again: async () => "asked",
    },
    log: quiet,
    measure: { put: () => {} },
    nudge: { nudge: () => {} },
    policy: POLICY,
  };
  const journal = createJournal(database, clock);
  return {
    context,
    github: github.state,
    databases: databases.state,
    pass(ms: number) {
      nowMs += ms;
    },
    async deliver(change: Partial<DeliveryRow> = {}) {
      count += 1;
      const common = { appId: 1, guid: `guid-${String(count).padStart(6, "0")}`, pullKey: KEY };
      const event = { event: "pull_request", action: "opened", commentId: null, sender: "wendy" };
      const { installationId, repositoryId, repositoryName, number } = PULL_ROW;
      await journal.append({
        ...common,
        ...event,
        installationId,
        repositoryId,
        repositoryName,
        number,
        ...change,
      });
    },
    /** Takes the key and runs its step, as the worker does at this try. */
    async run(topic: Topic, key: string, attempts = 1) {
      await store.transaction((tx) => tx.wake([{ topic, key, dueAt: clock.now() }], clock.now()));
      await pool.query(
        "update wakeup set attempts = $3, due_at = $4, lease = null, lease_until = null where topic = $1 and key = $2",
        [topic, key, attempts - 1, clock.now()],
      );
      const due = await store.due(clock.now(), 64);
      const until = new Date(nowMs + LEASE_MS);
      count += 1;
      const mine = due.filter((one) => one.topic === topic && one.key === key);
      const [held] = await store.claim(mine, `lease_${count}`, clock.now(), until);
      if (!held) throw new Error(`${topic} ${key} could not be taken.`);
      await runHeld(context, held);
    },
    /** In how many milliseconds a key is looked at; null if only when woken. */
    async dueInMs(topic: Topic, key: string): Promise<number | null> {
      const { rows } = await pool.query<{ due_at: Date }>(
        "select due_at from wakeup where topic = $1 and key = $2",
        [topic, key],
      );
      return rows[0] ? rows[0].due_at.getTime() - nowMs : null;
    },
    /** Writes an environment with its pull request, and its clusters. */
    async given(environment: Partial<Environment>, ...clusters: readonly Partial<Cluster>[]) {
      const row = environmentOf({ pullKey: KEY, ownerKey: `${KEY}:shop`, database: "shop", ...environment });
      await store.transaction(async (tx) => {
        await tx.putPull(PULL_ROW, "open", NOW);
        await tx.insertEnvironment(row);
        for (const cluster of clusters) await tx.insertCluster(clusterOf(cluster));
      });
      return row;
    },
    async outcomes(): Promise<readonly (string | null)[]> {
      const { rows } = await pool.query<{ outcome: string | null }>(
        "select outcome from delivery order by guid",
      );
      return rows.map((row) => row.outcome);
    },
  };
}

export type Scene = ReturnType<typeof createScene>;
