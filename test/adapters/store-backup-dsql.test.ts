import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createDsqlPool } from "../../service/adapters/dsql-connection.ts";
import { backupStore } from "../../service/adapters/store/backup.ts";
import { createDatabase } from "../../service/adapters/store/database.ts";
import { restoreStore } from "../../service/adapters/store/restore.ts";
import { migrateStore } from "../../service/adapters/store/schema.ts";
import { createStore } from "../../service/adapters/store/store.ts";
import { clusterOf, NOW } from "../domain/builders.ts";
import { createCluster } from "../local/dsql/clients.ts";
import { localPlace } from "../support/contract-dsql.ts";
import { type LocalDsql, startLocalDsql } from "../support/local-dsql.ts";

/** More than one transaction of DSQL takes. */
const CLUSTERS = 3_500;

let directory: string;
let local: LocalDsql | undefined;
const pools: pg.Pool[] = [];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-backup-dsql-"));
  local = await startLocalDsql({ directory });
});
afterAll(async () => {
  for (const pool of pools) await pool.end();
  await local?.stop();
  await rm(directory, { recursive: true, force: true });
});

async function emptyStore(place: LocalDsql): Promise<pg.Pool> {
  const { endpoint: host } = await createCluster(place.ready);
  const pool = createDsqlPool({ ...localPlace(place).connection, host, max: 2 });
  pools.push(pool);
  await migrateStore(pool, "dsql");
  return pool;
}

async function* linesOf(pool: pg.Pool): AsyncGenerator<string> {
  for await (const line of backupStore(pool, () => NOW)) yield JSON.stringify(line);
}

it("a store on DSQL is copied into another cluster within what one transaction may write", async () => {
  if (!local) throw new Error("There is no DSQL.");
  const full = await emptyStore(local);
  const store = createStore(createDatabase(full));
  await store.transaction((tx) => tx.insertCluster(clusterOf({ id: "cl_0000" })));
  for (let from = 1; from < CLUSTERS; from += 500) {
    await full.query(
      `insert into cluster select ('cl_' || lpad(n::text, 4, '0')) as id, ${await restOf(full)}
       from cluster c, generate_series($1::int, $2::int) n where c.id = 'cl_0000'`,
      [from, Math.min(from + 499, CLUSTERS - 1)],
    );
  }
  const empty = await emptyStore(local);
  expect(await restoreStore(empty, () => linesOf(full), NOW)).toEqual({ cluster: CLUSTERS });
  const content = "select * from cluster order by id";
  expect((await empty.query(content)).rows).toEqual((await full.query(content)).rows);
}, 120_000);

/** The columns of a cluster's row but its id, in their order. */
async function restOf(pool: pg.Pool): Promise<string> {
  const { fields } = await pool.query("select * from cluster limit 0");
  return fields
    .slice(1)
    .map(({ name }) => `c.${name}`)
    .join(", ");
}
