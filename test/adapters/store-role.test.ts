import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backupStore } from "../../service/adapters/store/backup.ts";
import { createDatabase } from "../../service/adapters/store/database.ts";
import { restoreStore } from "../../service/adapters/store/restore.ts";
import { checkStoreRole } from "../../service/adapters/store/role.ts";
import { checkStoreVersion } from "../../service/adapters/store/schema.ts";
import type { SqlText } from "../../service/adapters/store/sql.ts";
import { createStore } from "../../service/adapters/store/store.ts";
import { findingsOf } from "../../service/cli/findings.ts";
import { storeRoleChecks } from "../../service/cli/operator/doctor-store.ts";
import type { Io } from "../../service/cli/terminal.ts";
import { openPool, prepareStore } from "../../service/compose-parts.ts";
import { readStoreConfig } from "../../service/config.ts";
import { environmentOf, NOW } from "../domain/builders.ts";
import { assume, createCluster, OPERATOR, query, rejection, roleArn } from "../local/dsql/clients.ts";
import { type LocalDsql, startLocalDsql } from "../support/local-dsql.ts";
import { collectStatements } from "../support/statements.ts";

const ROLE = "offshoot_service";
/** As the commands read them, for the key `local`. */
const CREDENTIALS = { AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" };

let directory: string;
let local: LocalDsql;
let env: Readonly<Record<string, string>>;
let host: string;
const pools: pg.Pool[] = [];

beforeAll(async () => {
  Object.assign(process.env, CREDENTIALS);
  directory = await mkdtemp(join(tmpdir(), "offshoot-role-"));
  local = await startLocalDsql({ directory });
  const { region, accountId, frontAddress, frontPort, caFile } = local.ready;
  host = (await createCluster(local.ready)).endpoint;
  env = {
    AWS_REGION: region,
    OFFSHOOT_AWS_ACCOUNT: accountId,
    OFFSHOOT_DSQL_CONNECT_TO: `${frontAddress}:${frontPort}`,
    OFFSHOOT_DSQL_CA_FILE: caFile,
    OFFSHOOT_STORE_URL: `dsql://${host}`,
    OFFSHOOT_STORE_ROLE: ROLE,
    OFFSHOOT_STORE_IAM_ROLES: [OPERATOR, roleArn("wake")].join(),
  };
  await prepareStore(readStoreConfig(env));
}, 60_000);
afterAll(async () => {
  for (const pool of pools) await pool.end();
  await local?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** The service's pool, as its role unless other variables say so. */
function open(change: Readonly<Record<string, string>> = {}): pg.Pool {
  const pool = openPool(readStoreConfig({ ...env, ...change }), 2);
  pool.on("error", () => undefined);
  pools.push(pool);
  return pool;
}
/** The statements that the role may not run. Without ANALYZE nothing is done, and rights are checked all the same. */
async function refusedOf(statements: readonly SqlText[]): Promise<readonly string[]> {
  const client = await open().connect();
  const refused: string[] = [];
  for (const { name, text } of statements) {
    const values = Array(new Set(text.match(/\$\d+/g)).size).fill("null");
    await client.query(`prepare one as ${text}`);
    const explain = `explain execute one${values.length > 0 ? `(${values.join(", ")})` : ""}`;
    await client.query(explain).catch((error: Error & { code?: string }) => {
      if (error.code !== "42501") throw error;
      refused.push(name);
    });
    await client.query("deallocate all");
  }
  client.release();
  return refused;
}
const asAdmin = { OFFSHOOT_STORE_ROLE: "", OFFSHOOT_STORE_IAM_ROLES: "" };
const changesOf = async () =>
  (
    await query(
      local.ready,
      host,
      `select count(*)::int as mapped, (select relacl::text from pg_class where relname = 'wakeup') as rights,
       (select xmin::text from pg_class where relname = 'wakeup') as version from sys.iam_pg_role_mappings`,
    )
  )[0];

describe("the service's role on the store", () => {
  it("has a right to everything that each of the store's statements does", async () => {
    await checkStoreVersion(open());
    const statements = await collectStatements();
    expect(statements.length).toBeGreaterThan(80);
    expect(await refusedOf(statements)).toEqual([]);
  });

  it("has no more after a right was taken from it, until the deploy step gives it back", async () => {
    const statements = (await collectStatements()).filter(({ name }) => name.startsWith("label_"));
    await open(asAdmin).query(`revoke delete on label from ${ROLE}`);
    expect(await refusedOf(statements)).toEqual(["label_remove"]);
    await prepareStore(readStoreConfig(env));
    expect(await refusedOf(statements)).toEqual([]);
  });

  it("writes, backs up and restores", async () => {
    const store = createStore(createDatabase(open()));
    await store.transaction(async (tx) => {
      await tx.insertEnvironment(environmentOf({ id: "env_1", labels: { plan: "gold" } }));
      await tx.putMark("swept", NOW.toISOString());
    });
    const lines: string[] = [];
    for await (const line of backupStore(open(), () => NOW)) lines.push(JSON.stringify(line));
    await open().query("delete from label");
    await open().query("delete from environment");
    const again = async function* () {
      yield* lines;
    };
    expect(await restoreStore(open(), again, NOW)).toEqual({ environment: 1, label: 1 });
  });

  it.each([
    "create table more (id int primary key)",
    "drop table wakeup",
    "alter table wakeup add column more text",
    "create index async wakeup_more on wakeup (key)",
    "create role another with login",
    `aws iam grant ${ROLE} to '${roleArn("stranger")}'`,
    "create schema more",
    "set role admin",
  ])("may not: %s", async (text) => {
    const refused = await rejection(open().query(text));
    expect(refused).toMatchObject({ code: "42501" });
    expect(String(refused)).toMatch(/permission denied|must be owner/);
  });

  it("may not pass on what it may", async () => {
    // Postgres warns and goes on.
    await open().query("grant select on wakeup to public");
    const { rights } = (await changesOf()) as { rights: string };
    expect(rights).toMatch(new RegExp(`[{,]${ROLE}=arwd/admin[,}]`));
    expect(rights).not.toMatch(/[{,]=/);
  });

  it("is given to the named IAM roles and to nobody else", async () => {
    const as = async (iamRole: string, user: string) =>
      query(local.ready, host, "select key from meta limit 1", {
        user,
        credentials: await assume(local.ready, iamRole),
      });
    expect(await as("wake", ROLE)).toHaveLength(1);
    expect(await rejection(as("stranger", ROLE))).toMatchObject({ code: "08006" });
  });
});

describe("the deploy step", () => {
  it("changes nothing that is there already", async () => {
    const before = await changesOf();
    expect(await prepareStore(readStoreConfig(env))).toEqual([]);
    expect(await changesOf()).toEqual(before);
  });

  it("gives the role its rights on tables that are new, and until then its check names them", async () => {
    const admin = open(asAdmin);
    await admin.query("create table later (id text primary key)");
    await expect(checkStoreRole(open(), ROLE)).rejects.toMatchObject({
      reason: "store_role",
      message: expect.stringContaining("lacks rights on later. Run `offshoot store migrate`"),
    });
    await prepareStore(readStoreConfig(env));
    await checkStoreRole(open(), ROLE);
    await admin.query("drop table later");
  });

  it("takes the role from IAM roles that are not named any more", async () => {
    await prepareStore(readStoreConfig({ ...env, OFFSHOOT_STORE_IAM_ROLES: OPERATOR }));
    const rows = await query(local.ready, host, "select arn from sys.iam_pg_role_mappings");
    expect(rows).toEqual([{ arn: OPERATOR }]);
  });

  it("refuses a role that may do more than it shall", async () => {
    const admin = open(asAdmin);
    await admin.query("create role builder with login createrole");
    const change = { ...env, OFFSHOOT_STORE_ROLE: "builder" };
    await expect(prepareStore(readStoreConfig(change))).rejects.toMatchObject({
      reason: "store_role",
      message: expect.stringContaining("builder may change more than rows"),
    });
  });

  it("asks for the IAM roles before it takes the role from everybody", async () => {
    const change = { ...env, OFFSHOOT_STORE_IAM_ROLES: "" };
    await expect(prepareStore(readStoreConfig(change))).rejects.toMatchObject({ reason: "configuration" });
    await checkStoreVersion(open());
  });
});

it("a service whose role was never made is told what to run", async () => {
  const refused = checkStoreVersion(open({ OFFSHOOT_STORE_ROLE: "unmade" }));
  await expect(refused).rejects.toMatchObject({
    reason: "store_denied",
    message: expect.stringMatching(/access denied.*OFFSHOOT_STORE_ROLE and OFFSHOOT_STORE_IAM_ROLES/),
  });
});

it("offshoot doctor tells as whom the service works, and what is wrong with that", async () => {
  const tell = async (change: Readonly<Record<string, string>>) =>
    (await findingsOf(storeRoleChecks({ env: { ...env, ...change } } as Io)))[0];
  expect(await tell({})).toMatchObject({ ok: true, text: expect.stringContaining(`${ROLE}, which reads`) });
  expect(await tell(asAdmin)).toMatchObject({
    ok: true,
    text: expect.stringContaining("OFFSHOOT_STORE_ROLE"),
  });
  const unmade = await tell({ OFFSHOOT_STORE_ROLE: "unmade" });
  expect(unmade).toMatchObject({ ok: false, text: expect.stringContaining("access denied") });
});
