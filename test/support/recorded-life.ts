/** A life of the service as the store sees it: every statement with its values and its answer, to be played to another schema. */
import { createHash } from "node:crypto";
import type pg from "pg";
import type { Database, Sql, SqlResult, SqlText } from "../../service/adapters/store/sql.ts";
import { createStore } from "../../service/adapters/store/store.ts";
import { runHeld } from "../../service/handlers/worker.ts";
import { SEEN } from "../domain/builders.ts";
import { by, createApiScene, everything, HOUR_MS, KEY } from "../handlers/api-scene.ts";
import { createScene, type Scene } from "../handlers/scene.ts";
import type { TestStore } from "./store.ts";

/** One statement: its name, its values as JSON has them, how many rows it answered or changed, and a digest of the rows. */
export type Recorded = readonly [name: string, values: readonly unknown[], rowCount: number, rows: string];

const DAY_MS = 24 * HOUR_MS;
const SETTLE_MS = 5 * 60_000;
const STEPS_MAX = 100;
const PULL = "pull:github.test:7:1";
const START = new Date("2026-11-23T12:00:00Z");

/** Lives of a customer, of a pull request and of credentials, by the service's own handlers, one step after the other. */
export async function recordLife(base: TestStore): Promise<readonly Recorded[]> {
  const life: Recorded[] = [];
  const database = { ...recording(base.database, life), close: () => base.database.close() };
  const recorded = { ...base, database, store: createStore(database) };
  await playCustomer(recorded);
  await playPull(recorded);
  await playCredentials(recorded);
  await playRest(recorded);
  return life;
}

/** Plays a life with the given texts. Out: the first statement whose answer is another one, in words; null if none is. */
export async function replayLife(
  pool: pg.Pool,
  texts: ReadonlyMap<string, string>,
  life: readonly Recorded[],
): Promise<string | null> {
  for (const [index, [name, values, rowCount, rows]] of life.entries()) {
    const where = `${name}, statement ${index + 1} of ${life.length}`;
    try {
      const answer = await pool.query(String(texts.get(name)), [...values]);
      if ((answer.rowCount ?? 0) !== rowCount)
        return `${where}: ${answer.rowCount} rows, and ${rowCount} before`;
      if (digest(answer.rows) !== rows) return `${where}: other rows`;
    } catch (error) {
      return `${where}: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return null;
}

function recording(database: Database, life: Recorded[]): Database {
  const into = (sql: Sql, list: Recorded[]): Sql => ({
    async query<Row>(statement: SqlText, values: readonly unknown[]): Promise<SqlResult<Row>> {
      const answer = await sql.query<Row>(statement, values);
      const plain = JSON.parse(JSON.stringify(values)) as unknown[];
      list.push([statement.name, plain, answer.rowCount, digest(answer.rows)]);
      return answer;
    },
  });
  return {
    ...into(database, life),
    transaction: (work) =>
      database.transaction(async (sql) => {
        const mine: Recorded[] = [];
        const result = await work(into(sql, mine));
        life.push(...mine);
        return result;
      }),
  };
}

/** Of the rows in whatever order: RETURNING has none. */
function digest(rows: readonly unknown[]): string {
  const texts = rows.map((row) => JSON.stringify(row)).sort();
  return createHash("sha256").update(texts.join("\n")).digest("base64url").slice(0, 12);
}

async function playCustomer(base: TestStore): Promise<void> {
  const scene = createApiScene(base);
  const { api } = scene;
  const put = { labels: { plan: "gold" }, limits: { graceHours: 1 }, protected: false };
  await scene.readyTenant("acme", put);
  await api.patchTenant(by(KEY, "patch"), "acme", { labels: { plan: null, team: "red" } }, null);
  await api.listTenants(KEY, everything({ labels: { team: "red" } }));
  await api.migrateTenant(
    by(KEY),
    "acme",
    { files: [{ path: "1.sql", sql: "create table t (id int)" }] },
    null,
  );
  await scene.work();
  await api.deleteTenant(by(KEY), "acme", null, null);
  await scene.work();
  await api.restoreTenant(by(KEY), "acme", null);
  await scene.work();
  await api.patchTenant(by(KEY), "acme", { protected: false }, null);
  await api.deleteTenant(by(KEY), "acme", null, null);
  await scene.work(30 * HOUR_MS);
  await api.tenantEvents(KEY, "acme", { limit: 50, cursor: null });
}

async function playPull(base: TestStore): Promise<void> {
  const scene = createScene(base);
  let isRemoved = false;
  Object.assign(scene.context.control, {
    observe: async () => (isRemoved ? { kind: "absent" } : { kind: "usable", ...SEEN }),
    remove: async () => {
      isRemoved = true;
      return { kind: "removing" };
    },
  });
  scene.pass(60 * DAY_MS);
  await scene.deliver({ action: "opened" });
  await settle(scene, base);
  const { github } = scene;
  github.pull = github.pull && { ...github.pull, headSha: "2".repeat(40) };
  await scene.deliver({ action: "synchronize" });
  await settle(scene, base);
  github.pull = github.pull && { ...github.pull, state: "closed", closedAt: scene.context.clock.now() };
  await scene.deliver({ action: "closed" });
  await settle(scene, base);
  // What is kept for a while after the close goes.
  scene.pass(2 * DAY_MS);
  await settle(scene, base);
}

/** Runs what is due within some minutes, in its order. */
async function settle(scene: Scene, { store }: TestStore): Promise<void> {
  const { context } = scene;
  const endMs = context.clock.now().getTime() + SETTLE_MS;
  for (let steps = 0; steps < STEPS_MAX; steps += 1) {
    const next = await store.nextDue();
    if (!next || next.getTime() > endMs) return;
    scene.pass(Math.max(1, next.getTime() - context.clock.now().getTime()));
    const now = context.clock.now();
    const due = await store.due(now, 1);
    for (const held of await store.claim(due, `lease_${steps}`, now, new Date(now.getTime() + 60_000))) {
      await runHeld(context, held);
    }
  }
}

async function playCredentials({ store }: TestStore): Promise<void> {
  const later = new Date(START.getTime() + DAY_MS);
  await store.transaction(async (tx) => {
    const key = { id: "key_1", digest: "d", name: "ci", scopes: ["read"] as const, selector: {} };
    await tx.addKey({ ...key, createdAt: START, expiresAt: null, revokedAt: null, usedAt: null });
    const subject = { kind: "person", host: "github.test", login: "ada" } as const;
    await tx.addSession({ id: "ses_1", digest: "d", subject, createdAt: START, expiresAt: later });
    await tx.useOidcToken("issuer", "jti", later);
    await tx.putAnswer("key_1", "k", { digest: "d", status: 200, body: "{}" }, START);
  });
  await store.apiKey("key_1");
  await store.apiKeys(10);
  await store.session("ses_1");
  await store.answer("key_1", "k", START);
  await store.transaction(async (tx) => {
    await tx.markKeyUsed("key_1", later, START);
    await tx.revokeKey("key_1", later);
    await tx.forgetExpired(new Date(later.getTime() + 1), later, 100);
  });
}

/** What these lives did not come to. */
async function playRest({ store }: TestStore): Promise<void> {
  const [customer] = await store.listEnvironments({ after: "", limit: 10, kind: "tenant" });
  const id = String(customer?.id);
  const [account, region] = ["111122223333", "us-east-1"];
  await store.listEnvironments({ after: "", limit: 10 });
  await store.listEnvironments({ after: "", limit: 10, repositoryId: 7 });
  await store.environmentsOfBranch("branch:github.test:7:main");
  await store.findEnvironments(id);
  await store.events(id);
  await store.holders();
  await store.pullKeysNamed("acme/shop", 1);
  await store.clustersIn(account, region, "", 10);
  await store.oldestRetired(account, region, START);
  await store.repository("github.test", 7);
  await store.repositories([7]);
  await store.repositoryNamed("github.test", "acme/shop");
  const command = { commentId: 11, verb: "status", author: "wendy", commentedAt: START } as const;
  await store.transaction(async (tx) => {
    await tx.addCommand(PULL, { ...command, outcome: "accepted", reaction: null });
    await tx.markReacted(PULL, 11, START);
    await tx.pauseRegion(account, region, START);
    await tx.pauseInstallation("github.test", 5001, START);
    await tx.setProtected("cl_none", true);
    await tx.putClusterAccess({ clusterId: "cl_none", roles: ["app"], digest: null });
    await tx.forgetUnfinished("cl_none");
  });
  await store.knownComments(PULL, [11, 12]);
}
