import { createHash } from "node:crypto";
import type { Caller } from "../../service/domain/caller.ts";
import type { SeenCluster } from "../../service/domain/cluster.ts";
import { type Environment, newEnvironment } from "../../service/domain/environment.ts";
import { Refused } from "../../service/domain/errors.ts";
import { FENCE_POLICY, isFence } from "../../service/domain/fence.ts";
import { ownerKey, pullKey } from "../../service/domain/owner.ts";
import { createApiHandlers } from "../../service/handlers/api.ts";
import type { Write } from "../../service/handlers/api-types.ts";
import { newId } from "../../service/handlers/context.ts";
import type { ClusterControl, Log, RepositoryTarget } from "../../service/handlers/ports.ts";
import type { ApiContext } from "../../service/handlers/ports-api.ts";
import { runHeld } from "../../service/handlers/worker.ts";
import { keyCaller } from "../support/api.ts";
import type { TestStore } from "../support/store.ts";
import { sha256 } from "./credentials-scene.ts";
import { createScene, POLICY } from "./scene.ts";

export const HOST = "github.test";
export const HOUR_MS = 3_600_000;
export const SHOP: RepositoryTarget = {
  ...{ host: HOST, repositoryId: 7, repositoryName: "acme/shop", installationId: 5001 },
};
export const SHA = "a".repeat(40);
/** A key of all scopes. */
export const KEY = keyCaller();
/** What the fake signer makes; nothing else looks like it. */
export const TOKEN = "fake-token-that-must-stay-secret";
const STEPS_MAX = 2_000;

export function personCaller(login: string, host = HOST): Caller {
  return { kind: "person", id: `ses_${login}`, host, login, expiresAt: new Date("2027-01-01T00:00:00Z") };
}

export function jobCaller(place: Extract<Caller, { kind: "job" }>["place"]): Caller {
  return {
    kind: "job",
    id: "ses_job",
    name: "acme/shop run 9",
    place,
    expiresAt: new Date("2027-01-01T00:00:00Z"),
  };
}

export const pullPlace = (number: number, repositoryId = SHOP.repositoryId, host = HOST) =>
  ({ kind: "pull", host, repositoryId, number }) as const;
export const branchPlace = (gitBranch: string, repositoryId = SHOP.repositoryId, host = HOST) =>
  ({ kind: "branch", host, repositoryId, gitBranch }) as const;

/** A write by the caller; with a key it is one that may be repeated, and `body` tells requests apart. */
export function by(caller: Caller, key: string | null = null, body: unknown = null): Write {
  return { caller, repeat: key === null ? null : { key, digest: sha256(JSON.stringify(body)) } };
}

export const page = (limit = 50, cursor: string | null = null) => ({ limit, cursor });
export const everything = (change: object = {}) => ({
  ...{ owner: null, id: null, repository: null, number: null, gitBranch: null, labels: {} },
  ...page(),
  ...change,
});

/** The reason with which it is refused; fails if it is not. */
export async function reasonOf(promise: Promise<unknown>): Promise<string> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ("value" in outcome) throw new Error(`It was not refused: ${JSON.stringify(outcome.value)}`);
  if (outcome.error instanceof Refused) return outcome.error.reason;
  throw outcome.error;
}

interface FakeCluster extends SeenCluster {
  readonly token: string;
  readonly tags: Readonly<Record<string, string>>;
  deletionProtected: boolean;
  fenced: boolean;
  status: "usable" | "deleting" | "gone";
}

/** AWS with clusters that are usable at once and gone at the look after their removal. */
export function createFakeAws() {
  const clusters = new Map<string, FakeCluster>();
  const port: ClusterControl = {
    async create({ clientToken, tags, deletionProtected = false }) {
      const known = [...clusters.values()].find(({ token }) => token === clientToken);
      if (known) return { kind: "usable", ...known };
      const identifier = createHash("sha256").update(clientToken).digest("hex").slice(0, 26);
      const seen = {
        identifier,
        arn: `arn:aws:dsql:us-east-1:111122223333:cluster/${identifier}`,
        endpoint: `${identifier}.dsql.us-east-1.on.aws`,
        deletionProtected,
      };
      clusters.set(identifier, { ...seen, token: clientToken, tags, fenced: false, status: "usable" });
      return { kind: "usable", ...seen };
    },
    async observe(identifier) {
      const cluster = clusters.get(identifier);
      if (!cluster || cluster.status === "gone") return { kind: "absent" };
      if (cluster.status === "usable") return { kind: "usable", ...cluster };
      cluster.status = "gone";
      return { kind: "deleting", ...cluster };
    },
    find: async () => ({ kind: "absent" }),
    async remove(identifier) {
      const cluster = clusters.get(identifier);
      if (!cluster || cluster.status === "gone") return { kind: "absent" };
      if (cluster.deletionProtected) return { kind: "protected" };
      cluster.status = "deleting";
      return { kind: "removing" };
    },
    async protect(identifier, on) {
      const cluster = clusters.get(identifier);
      if (cluster) cluster.deletionProtected = on;
      return { kind: "done" };
    },
    async readPolicy(identifier) {
      const text = clusters.get(identifier)?.fenced ? FENCE_POLICY : null;
      return { kind: "seen", text, version: null };
    },
    async putPolicy(identifier, text) {
      const cluster = clusters.get(identifier);
      if (cluster) cluster.fenced = isFence(text);
      return { kind: "done" };
    },
    inventory: async () => null,
    identifiers: async () => [...clusters].flatMap(([id, { status }]) => (status === "gone" ? [] : [id])),
  };
  return { port, clusters };
}

/** The API's handlers on a real store, with the workers' steps in the hands of the test; time stands unless it passes. */
export function createApiScene(base: TestStore) {
  const { pool, store } = base;
  const scene = createScene(base);
  const aws = createFakeAws();
  const lines: string[] = [];
  const write = (fields: object, message: string) => void lines.push(JSON.stringify({ ...fields, message }));
  const errors: string[] = [];
  const log: Log = {
    info: write,
    warn: write,
    error(fields, message) {
      write(fields, message);
      errors.push(lines.at(-1) ?? "");
    },
  };
  const github = {
    ...scene.github,
    repositories: new Map([[SHOP.repositoryName, SHOP]]),
    branches: new Map([["main", SHA]]),
  };
  const signed: { arn: string; endpoint: string; user: string; seconds: number }[] = [];
  const context: ApiContext = {
    ...scene.context,
    control: aws.port,
    log,
    github: {
      ...scene.context.github,
      findRepository: async (name) => github.repositories.get(name) ?? null,
      readBranch: async (_target, gitBranch) => {
        const sha = github.branches.get(gitBranch);
        return sha === undefined ? null : { sha };
      },
    },
    policy: { ...POLICY, grace: { previewMs: 24 * HOUR_MS, tenantMs: 168 * HOUR_MS } },
    signer: {
      async sign(request) {
        signed.push(request);
        const expiresAt = new Date(context.clock.now().getTime() + request.seconds * 1_000);
        return { token: `${TOKEN}-${signed.length}`, expiresAt };
      },
    },
    jobTokens: null,
    signIn: null,
    publicUrl: "https://offshoot.example",
    host: HOST,
    secrets: { digest: sha256, same: (one, other) => one === other },
  };
  const dueIn = async () => {
    const { rows } = await pool.query<{ due: Date | null }>(
      "select min(due_at) as due from wakeup where topic in ('environment', 'cluster')",
    );
    const due = rows[0]?.due;
    return due ? due.getTime() - context.clock.now().getTime() : null;
  };
  return {
    context,
    api: createApiHandlers(context),
    aws,
    github,
    databases: scene.databases,
    signed,
    lines,
    pass: scene.pass,
    now: () => context.clock.now(),
    in: (ms: number) => new Date(context.clock.now().getTime() + ms),
    /** Runs the one step that is due first. */
    async step(): Promise<void> {
      const now = context.clock.now();
      const due = (await store.due(now, 256)).filter(({ topic }) => topic !== "report");
      const until = new Date(now.getTime() + 60_000);
      for (const held of await store.claim(due.slice(0, 1), newId(context, "lease"), now, until)) {
        await runHeld({ ...scene.context, ...context }, held);
      }
      scene.pass(1);
      if (errors.length > 0) throw new Error(errors.join("\n"));
    },
    /** Runs every step of environments and clusters that is due within the time; throws if one fails by a bug. */
    async work(withinMs = 60_000): Promise<void> {
      const end = context.clock.now().getTime() + withinMs;
      for (let steps = 0; steps < STEPS_MAX; steps += 1) {
        const now = context.clock.now();
        const due = (await store.due(now, 256)).filter(({ topic }) => topic !== "report");
        const lease = newId(context, "lease");
        for (const held of await store.claim(due.slice(0, 8), lease, now, new Date(now.getTime() + 60_000))) {
          await runHeld({ ...scene.context, ...context }, held);
          scene.pass(1);
        }
        if (errors.length > 0) throw new Error(errors.join("\n"));
        if (due.length > 0) continue;
        const ms = await dueIn();
        if (ms === null || context.clock.now().getTime() + ms > end) return;
        scene.pass(Math.max(0, ms));
      }
      throw new Error("The steps do not come to rest.");
    },
    /** An environment as the intake of a pull request, or a request, would make it. */
    async given(change: Partial<Environment> = {}): Promise<Environment> {
      const { number = 1 } = change;
      const ref = { host: HOST, repositoryId: SHOP.repositoryId, number: number ?? 1 };
      const owner = {
        id: newId(context, "env"),
        kind: "pull",
        ...{ ownerKey: ownerKey(ref, "shop"), pullKey: pullKey(ref) },
        ...{ repositoryId: SHOP.repositoryId, number, database: "shop", author: "wendy" },
        wanted: "present",
        wantedReason: "pull_open",
        ...{ headSha: SHA, until: null },
      } as const;
      const environment: Environment = { ...newEnvironment(owner, context.clock.now()), ...change };
      await store.transaction(async (tx) => {
        await tx.putRepository(SHOP, context.clock.now());
        if (environment.kind === "pull") {
          await tx.putPull({ ...SHOP, number: ref.number, baseRef: "main" }, "open", context.clock.now());
        }
        await tx.insertEnvironment(environment);
        const wake = { topic: "environment", key: environment.id, dueAt: context.clock.now() } as const;
        await tx.wake([wake], context.clock.now());
      });
      return environment;
    },
    /** A customer whose database is ready. */
    async readyTenant(key: string, put: object = { protected: false }): Promise<string> {
      const { body } = await this.api.putTenant(by(KEY), key, put, null);
      await this.work();
      return body.environment.id;
    },
    async events(environmentId: string) {
      return store.events(environmentId);
    },
    async count(table: string): Promise<number> {
      return Number((await pool.query(`select count(*) as n from ${table}`)).rows[0].n);
    },
    /** Every row of every table, as text. */
    async dump(): Promise<string> {
      const { rows } = await pool.query<{ name: string }>(
        "select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
      );
      const texts = rows.map(async ({ name }) =>
        JSON.stringify((await pool.query(`select * from ${name}`)).rows),
      );
      return (await Promise.all(texts)).join("\n");
    },
  };
}

export type ApiScene = ReturnType<typeof createApiScene>;
