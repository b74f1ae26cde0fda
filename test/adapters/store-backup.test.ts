import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Instance, startInstance } from "../../local/dsql/engine.ts";
import { type BackupLine, backupStore, tablesOf } from "../../service/adapters/store/backup.ts";
import { createDatabase } from "../../service/adapters/store/database.ts";
import { restoreStore } from "../../service/adapters/store/restore.ts";
import { migrateStore } from "../../service/adapters/store/schema.ts";
import { createStore } from "../../service/adapters/store/store.ts";
import { clusterOf, environmentOf, NOW } from "../domain/builders.ts";

let directory: string;
let instance: Instance;
let count = 0;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-backup-"));
  instance = await startInstance({ directory, settings: { fsync: "off" } });
  const pool = await createDatabaseOf("store", "template1");
  await migrateStore(pool, "postgres");
  await pool.end();
});
const pools: pg.Pool[] = [];
afterAll(async () => {
  for (const pool of pools) await pool.end();
  await instance?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** A new database, as a copy of another one. */
async function createDatabaseOf(name: string, template: string): Promise<pg.Pool> {
  const url = new URL(instance.url);
  const admin = new pg.Client({ connectionString: instance.url });
  await admin.connect();
  await admin.query(`create database ${name} template ${template}`);
  await admin.end();
  url.pathname = `/${name}`;
  const pool = new pg.Pool({ connectionString: url.href, max: 2 });
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** An empty store with this version's schema. */
async function emptyStore(): Promise<pg.Pool> {
  count += 1;
  const pool = await createDatabaseOf(`store_${count}`, "store");
  pools.push(pool);
  return pool;
}

async function linesOf(pool: pg.Pool, now = () => NOW): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of backupStore(pool, now)) lines.push(JSON.stringify(line));
  return lines;
}

const each = (lines: readonly string[]) =>
  async function* () {
    yield* lines;
  };

/** Lines that can be read once to their end, and break off the next time after so many. */
function breaking(lines: readonly string[], after: number) {
  let reads = 0;
  return async function* () {
    reads += 1;
    yield* reads === 1 ? lines : lines.slice(0, after);
    if (reads > 1) throw new Error("killed");
  };
}

async function contentOf(pool: pg.Pool): Promise<Record<string, unknown[]>> {
  const content: Record<string, unknown[]> = {};
  for (const { table, key } of await tablesOf(pool)) {
    content[table] = (await pool.query(`select * from ${table} order by ${key.join(", ")}`)).rows;
  }
  return content;
}

let full: pg.Pool;
beforeAll(async () => {
  full = await emptyStore();
  const store = createStore(createDatabase(full));
  await store.transaction(async (tx) => {
    await tx.insertEnvironment(
      environmentOf({ id: "env_1", ownerKey: "one", labels: { plan: 'gold\n"x"' } }),
    );
    for (let i = 0; i < 450; i += 1) {
      await tx.insertCluster(clusterOf({ id: `cl_${String(i).padStart(3, "0")}`, environmentId: "env_1" }));
    }
    await tx.wake([{ topic: "environment", key: "env_1", dueAt: new Date(NOW.getTime() + 0.5) }], NOW);
    await tx.putMark("epoch", JSON.stringify({ epoch: 7, at: NOW, restored: null }));
  });
}, 60_000);

/** Nothing is ever written into it. */
let bare: pg.Pool;
beforeAll(async () => {
  bare = await emptyStore();
});

const epochOf = async (pool: pg.Pool) =>
  JSON.parse((await createStore(createDatabase(pool)).mark("epoch")) ?? "null");

describe("a backup", () => {
  it("brings every row back as it was, and the brake is on", async () => {
    const empty = await emptyStore();
    const rows = await restoreStore(empty, each(await linesOf(full)), NOW);
    expect(rows).toMatchObject({ environment: 1, cluster: 450, wakeup: 1 });
    expect(await contentOf(empty)).toEqual(await contentOf(full));
    expect(await epochOf(empty)).toMatchObject({
      epoch: 7,
      restored: { backupAt: NOW.toISOString(), isWhole: true },
    });
  });

  it("is of one moment, whatever is written meanwhile", async () => {
    const reading = backupStore(full, () => NOW);
    const first = (await reading.next()).value as BackupLine;
    expect(first).toMatchObject({ epoch: 7 });
    await full.query(
      "insert into wakeup (topic, key, due_at, not_before, seq, attempts) values ('report', 'late', $1, $1, 1, 0)",
      [NOW],
    );
    const rest: BackupLine[] = [];
    for await (const line of reading) rest.push(line);
    await full.query("delete from wakeup where key = 'late'");
    expect(rest.at(-1)).toMatchObject({ end: { rows: { wakeup: 1 }, snapshots: 1 } });
  });

  it("that takes longer than a transaction of DSQL may says how many moments it is of", async () => {
    const empty = await emptyStore();
    let ms = NOW.getTime();
    const lines = await linesOf(full, () => {
      ms += 3 * 60_000;
      return new Date(ms);
    });
    const { end } = JSON.parse(lines.at(-1) ?? "") as { end: { snapshots: number } };
    expect(end.snapshots).toBeGreaterThan(1);
    await restoreStore(empty, each(lines), NOW);
    expect(await contentOf(empty)).toEqual(await contentOf(full));
  });
});

describe("a restore", () => {
  it("goes on after an interruption, and until then says that it is not whole", async () => {
    const empty = await emptyStore();
    const lines = await linesOf(full);
    // The last one has written rows.
    for (const after of [20, lines.length - 2]) {
      await expect(restoreStore(empty, breaking(lines, after), NOW)).rejects.toThrow("killed");
      expect(await epochOf(empty)).toMatchObject({ restored: { isWhole: false } });
    }
    await restoreStore(empty, each(lines), NOW);
    expect(await contentOf(empty)).toEqual(await contentOf(full));
    expect(await epochOf(empty)).toMatchObject({ restored: { isWhole: true } });
  });

  it("that was interrupted takes no other backup", async () => {
    const empty = await emptyStore();
    const lines = await linesOf(full);
    await expect(restoreStore(empty, breaking(lines, lines.length - 2), NOW)).rejects.toThrow("killed");
    const other = await linesOf(full, () => new Date(NOW.getTime() + 1));
    await expect(restoreStore(empty, each(other), NOW)).rejects.toMatchObject({ reason: "store_not_empty" });
  });

  it.each([
    ["without its end", (lines: readonly string[]) => lines.slice(0, -1)],
    ["that ends in the middle", (lines: readonly string[]) => lines.slice(0, 300)],
    ["of a header alone", (lines: readonly string[]) => lines.slice(0, 1)],
    ["that lacks a row", (lines: readonly string[]) => lines.toSpliced(200, 1)],
    ["with a row twice", (lines: readonly string[]) => lines.toSpliced(200, 0, lines[200] ?? "")],
    ["that goes on after its end", (lines: readonly string[]) => [...lines, ...lines.slice(1)]],
  ])("writes nothing of a backup %s", async (_name, change) => {
    const lines = change(await linesOf(full));
    await expect(restoreStore(bare, each(lines), NOW)).rejects.toMatchObject({
      reason: "backup_incomplete",
    });
    expect(await epochOf(bare)).toBeNull();
    expect(Object.values(await contentOf(bare)).flat()).toEqual([]);
  });

  it("takes no store that has rows", async () => {
    const empty = await emptyStore();
    const lines = await linesOf(full);
    await restoreStore(empty, each(lines), NOW);
    await expect(restoreStore(empty, each(lines), NOW)).rejects.toMatchObject({ reason: "store_not_empty" });
  });

  it("takes no store of another version", async () => {
    const empty = await emptyStore();
    const lines = await linesOf(full);
    await empty.query("insert into meta (key, value) values ('migration:9999_later.sql', 'applied')");
    await expect(restoreStore(empty, each(lines), NOW)).rejects.toMatchObject({
      reason: "store_version",
      message: expect.stringContaining("9999_later.sql"),
    });
    expect(await epochOf(empty)).toBeNull();
  });

  it.each([
    ["nothing", () => []],
    ["no JSON", () => ["hello"]],
    ["another header", () => ['{"offshoot":"store","format":2,"migrations":[]}']],
    [
      "a foreign table",
      (lines: string[]) => [...lines.slice(0, 1), '{"table":"pg_class","columns":["oid"],"key":["oid"]}'],
    ],
    [
      "a foreign column",
      (lines: string[]) => [...lines.slice(0, 1), '{"table":"label","columns":["x\\" text"],"key":[]}'],
    ],
    ["a row before its table", (lines: string[]) => [...lines.slice(0, 1), '["x"]']],
  ])("takes no file with %s", async (_name, change) => {
    const lines = change(await linesOf(full));
    await expect(restoreStore(bare, each(lines), NOW)).rejects.toMatchObject({ reason: "backup_invalid" });
  });
});
