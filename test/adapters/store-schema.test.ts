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

  it("of a newer version is refused", async () => {
    await pool.query("insert into meta (key, value) values ('migration:9999_later.sql', 'applied')");
    await expect(checkStoreVersion(pool)).rejects.toMatchObject({
      reason: "store_version",
      message: expect.stringContaining("9999_later.sql"),
    });
  });
});
