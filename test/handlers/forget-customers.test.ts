import { expect, it } from "vitest";
import { CUSTOMER_KEPT_DAYS } from "../../service/domain/limits.ts";
import { forget } from "../../service/handlers/forget.ts";
import type { Store } from "../../service/handlers/ports-store.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { type ApiScene, by, createApiScene, everything, HOUR_MS, KEY } from "./api-scene.ts";

const PARTS = ["cluster", "event", "operation", "label"];
const PUT = { labels: { plan: "gold" }, limits: { graceHours: 0 }, protected: false };
/** Of one transaction, as the handler has it. */
const ROWS_MAX = 500;
const COMMITS_MAX = 20;

let base: TestStore;
let scene: ApiScene;
eachStore((empty) => {
  base = empty;
});

/** A customer who ended more than a month ago, with as many rows as one transaction deletes, but the environment's own. */
async function ended(): Promise<string> {
  scene = createApiScene(base);
  const id = await scene.readyTenant("acme", PUT);
  await scene.api.deleteTenant(by(KEY), "acme", null, null);
  await scene.work(HOUR_MS);
  const counts = await Promise.all(PARTS.map((table) => scene.count(table)));
  const missing = ROWS_MAX - counts.reduce((sum, count) => sum + count, 0);
  await base.pool.query(
    `insert into event (environment_id, id, at, kind) select $1, 'evt_0' || n, $2, 'kept' from generate_series(1, $3::int) n`,
    [id, scene.now(), missing],
  );
  scene.pass(CUSTOMER_KEPT_DAYS * 24 * HOUR_MS + 1);
  return id;
}

/** Forgets with a process that dies after so many commits. Out: whether it died. */
async function forgetUntil(commits: number): Promise<boolean> {
  const { store } = scene.context;
  let left = commits;
  const mortal: Store = {
    ...store,
    transaction(work) {
      left -= 1;
      if (left < 0) throw new Error("killed");
      return store.transaction(work);
    },
  };
  return forget({ ...scene.context, store: mortal }).then(
    () => false,
    () => true,
  );
}

const eventsOf = async (id: string) =>
  (await base.pool.query("select 1 from event where environment_id = $1", [id])).rowCount ?? 0;

async function orphans(): Promise<number> {
  const counts = PARTS.map(async (table) => {
    const of = `select 1 from ${table} where environment_id not in (select id from environment)`;
    return (await base.pool.query(of)).rowCount ?? 0;
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

it("a customer whose key is put again is whole, wherever the forgetting of the former one broke off", async () => {
  for (let commits = 0; commits < COMMITS_MAX; commits += 1) {
    await base.clear();
    const id = await ended();
    const history = await eventsOf(id);
    const died = await forgetUntil(commits);
    const { body } = await scene.api.putTenant(by(KEY), "acme", PUT, null);
    await scene.work();
    await forget(scene.context);
    await scene.work();
    const { items } = await scene.api.listTenants(KEY, everything({ labels: PUT.labels }));
    expect(items, `after ${commits} commits`).toMatchObject([
      { id: body.environment.id, phase: "ready", labels: PUT.labels },
    ]);
    // The former history is there as a whole, or not at all.
    const left = await eventsOf(id);
    expect(left === 0 || left >= history, `${left} events of ${history} after ${commits} commits`).toBe(true);
    expect(await orphans()).toBe(0);
    if (!died) return;
  }
  throw new Error("It never came to its end.");
});

it("a customer is forgotten as a whole, whenever somebody looks", async () => {
  for (let commits = 0; commits < COMMITS_MAX; commits += 1) {
    await base.clear();
    const id = await ended();
    const history = await eventsOf(id);
    const died = await forgetUntil(commits);
    const seen = await base.store.environment(id);
    if (seen) {
      expect([await eventsOf(id), await scene.count("label")]).toEqual([history, 1]);
    } else {
      await scene.work();
      expect(await orphans()).toBe(0);
    }
    if (!died) return;
  }
  throw new Error("It never came to its end.");
});
