import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createDatabase, isConflict } from "../../service/adapters/store/database.ts";
import { sql } from "../../service/adapters/store/row.ts";
import { Retryable } from "../../service/domain/errors.ts";
import { startStore, type TestStore } from "../support/store.ts";

const PUT = sql(
  "test_put",
  `insert into region (account, region, version, paused_until) values ($1, 'r', $2, $3)
   on conflict (account, region) do update set version = excluded.version`,
);
const READ = sql("test_read", "select version from region where account = $1");
const FAIL = sql("test_fail", "select 1 / 0");

const EPOCH = new Date(0);
const conflict = () => Object.assign(new Error("OC000"), { code: "40001" });

let started: TestStore;
beforeAll(async () => {
  started = await startStore();
});
afterAll(() => started?.stop());
beforeEach(() => started.clear());

async function versionOf(account: string): Promise<number | null> {
  const { rows } = await started.database.query<{ version: string }>(READ, [account]);
  return rows[0] ? Number(rows[0].version) : null;
}

describe("a transaction", () => {
  it("commits what it wrote and returns its result", async () => {
    const result = await started.database.transaction(async (tx) => {
      await tx.query(PUT, ["a", 1, EPOCH]);
      return "done";
    });
    expect(result).toBe("done");
    expect(await versionOf("a")).toBe(1);
  });

  it("leaves nothing when it fails", async () => {
    const failing = started.database.transaction(async (tx) => {
      await tx.query(PUT, ["a", 1, EPOCH]);
      throw new Error("stop");
    });
    await expect(failing).rejects.toThrow("stop");
    expect(await versionOf("a")).toBeNull();
  });

  it("is repeated whole after a conflict, wherever the code hides", async () => {
    let tries = 0;
    await started.database.transaction(async (tx) => {
      tries += 1;
      await tx.query(PUT, ["a", tries, EPOCH]);
      if (tries === 1) throw conflict();
      if (tries === 2) throw new Error("wrapped", { cause: conflict() });
    });
    expect(tries).toBe(3);
    expect(await versionOf("a")).toBe(3);
  });

  it("is repeated when another one changed what it read", async () => {
    await started.database.query(PUT, ["a", 1, EPOCH]);
    let tries = 0;
    await started.database.transaction(async (tx) => {
      tries += 1;
      const { rows } = await tx.query<{ version: string }>(READ, ["a"]);
      if (tries === 1) await started.database.query(PUT, ["a", 10, EPOCH]);
      await tx.query(PUT, ["a", Number(rows[0]?.version) + 1, EPOCH]);
    });
    expect(tries).toBe(2);
    expect(await versionOf("a")).toBe(11);
  });

  it("is not repeated for an error of its own", async () => {
    let tries = 0;
    const failing = started.database.transaction(async (tx) => {
      tries += 1;
      await tx.query(FAIL, []);
    });
    await expect(failing).rejects.toThrow("division by zero");
    expect(tries).toBe(1);
  });

  it("gives up as store_busy when it meets conflicts only", async () => {
    const endless = started.database.transaction(async () => {
      throw conflict();
    });
    await expect(endless).rejects.toMatchObject({ name: "Retryable", reason: "store_busy" });
  });
});

describe("a store that goes away", () => {
  it("is unavailable, and answers again on a new connection", async () => {
    const pool = new pg.Pool({ connectionString: started.url, max: 1 });
    const database = createDatabase(pool);
    const cut = database.transaction(async (tx) => {
      const { rows } = await tx.query<{ pid: number }>(sql("test_pid", "select pg_backend_pid() as pid"), []);
      await started.pool.query("select pg_terminate_backend($1)", [rows[0]?.pid]);
      await tx.query(READ, ["a"]);
    });
    await expect(cut).rejects.toMatchObject({ reason: "store_unavailable" });
    expect((await database.query(READ, ["a"])).rowCount).toBe(0);
    await database.close();
  });

  it("is unavailable when nobody listens", async () => {
    const pool = new pg.Pool({ host: "127.0.0.1", port: 1, max: 1 });
    const database = createDatabase(pool);
    await expect(database.query(READ, ["a"])).rejects.toBeInstanceOf(Retryable);
    await database.close();
  });
});

describe("a conflict", () => {
  it.each([
    ["a serialization failure", { code: "40001" }, true],
    ["a deadlock", { code: "40P01" }, true],
    ["a lock that was not to be had", { code: "55P03" }, true],
    ["a broken constraint", { code: "23505" }, false],
  ])("%s: %o is one: %s", (_, fields, expected) => {
    expect(isConflict(Object.assign(new Error("x"), fields))).toBe(expected);
  });

  it("is known by DSQL's own words too", () => {
    expect(isConflict(new Error("change conflicts with another transaction, please retry: (OC000)"))).toBe(
      true,
    );
    expect(isConflict("OC000")).toBe(false);
  });
});
