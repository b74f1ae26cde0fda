import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Instance, startInstance } from "../../local/dsql/engine.ts";
import { checkStoreVersion, migrateStore } from "../../service/adapters/store/schema.ts";

let directory: string;
let instance: Instance;
let pool: pg.Pool;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-schema-"));
  instance = await startInstance({ directory, settings: { fsync: "off" } });
  pool = new pg.Pool({ connectionString: instance.url, max: 4 });
  // Postgres may end before its clients have said goodbye.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
});
afterAll(async () => {
  await pool?.end();
  await instance?.stop();
  await rm(directory, { recursive: true, force: true });
});

// The tests tell one story, in this order.
describe("the schema of the store", () => {
  it("is missing at first, and the message says what to run", async () => {
    await expect(checkStoreVersion(pool)).rejects.toMatchObject({
      reason: "store_version",
      message: expect.stringContaining("offshoot store migrate"),
    });
  });

  it("is applied once, also by two who start together", async () => {
    const both = await Promise.all([1, 2].map(() => migrateStore(pool, "postgres")));
    expect(new Set(both.flat()).size).toBeGreaterThan(10);
    expect(await migrateStore(pool, "postgres")).toEqual([]);
    await checkStoreVersion(pool);
  });

  it("takes a statement for done that a killed starter left without its record", async () => {
    await pool.query("delete from meta where key like 'migration:0001%'");
    expect(await migrateStore(pool, "postgres")).toEqual([expect.stringMatching(/^0001/)]);
  });

  it("of a later version is accepted as long as that only added, and tells what is new", async () => {
    await pool.query("insert into meta (key, value) values ('migration:9998_later.sql', 'applied')");
    expect(await checkStoreVersion(pool)).toEqual(["9998_later.sql"]);
  });

  it("of a later version that broke with this one is refused", async () => {
    await pool.query("update meta set value = '9999_breaking.sql' where key = 'compatible_from'");
    await expect(checkStoreVersion(pool)).rejects.toMatchObject({
      reason: "store_version",
      message: expect.stringContaining("9998_later.sql"),
    });
  });

  it("is not made older by this version's migrations", async () => {
    expect(await migrateStore(pool, "postgres")).toEqual([]);
    const { rows } = await pool.query("select value from meta where key = 'compatible_from'");
    expect(rows).toEqual([{ value: "9999_breaking.sql" }]);
  });

  it("of a later version that said nothing about this one is refused", async () => {
    await pool.query("delete from meta where key = 'compatible_from'");
    await expect(checkStoreVersion(pool)).rejects.toMatchObject({ reason: "store_version" });
  });
});
