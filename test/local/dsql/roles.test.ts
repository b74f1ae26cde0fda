import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalDsql, startLocalDsql } from "../../support/local-dsql.ts";
import {
  accessDenied,
  assume,
  connect,
  createCluster,
  OPERATOR,
  policyOf,
  query,
  rejection,
  roleArn,
  temporaryDirectory,
} from "./clients.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let local: LocalDsql;
let cluster: Awaited<ReturnType<typeof createCluster>>;

beforeAll(async () => {
  directory = await temporaryDirectory();
  local = await startLocalDsql({ directory: directory.path });
  cluster = await createCluster(local.ready);
});

afterAll(async () => {
  await local.stop();
  await directory.remove();
});

/** Runs it as admin. */
function run(sql: string): Promise<Record<string, unknown>[]> {
  return query(local.ready, cluster.endpoint, sql);
}

async function createRole(name: string, ...arns: string[]): Promise<void> {
  await run(`create role ${name} with login`);
  for (const arn of arns) await run(`AWS IAM GRANT ${name} TO '${arn}'`);
}

/** Runs it as a role, with credentials of an IAM role. */
async function runAs(user: string, iamRole: string, sql: string): Promise<Record<string, unknown>[]> {
  const credentials = await assume(local.ready, iamRole);
  return query(local.ready, cluster.endpoint, sql, { user, credentials });
}

const code = (code: string, message: string | RegExp) => ({
  code,
  message: typeof message === "string" ? message : expect.stringMatching(message),
});

describe("AWS IAM GRANT", () => {
  it("lets sessions of the IAM role in as the database role", async () => {
    await createRole("app", roleArn("app"));
    expect(await runAs("app", "app", "select session_user as role")).toEqual([{ role: "app" }]);
  });

  it("lets nobody else in", async () => {
    await createRole("closed", roleArn("owner"));
    const refusal = await rejection(runAs("closed", "stranger", "select 1"));
    expect(refusal).toMatchObject(
      accessDenied(
        /^The role closed is not granted to arn:aws:iam::000000000000:role\/stranger in this cluster/,
      ),
    );
  });

  it("lets nobody in without the action DbConnect", async () => {
    await createRole("narrow", roleArn("narrow"));
    const policy = policyOf({ Action: "dsql:DbConnectAdmin" });
    const credentials = await assume(local.ready, "narrow", policy);
    const refusal = await rejection(connect(local.ready, cluster.endpoint, { user: "narrow", credentials }));
    expect(refusal).toMatchObject(accessDenied(/not authorized to perform: dsql:DbConnect on resource/));
  });

  it("leaves it to Postgres to refuse a setting", async () => {
    await createRole("abroad", OPERATOR);
    const options = "-c timezone=nowhere";
    const refusal = await rejection(connect(local.ready, cluster.endpoint, { user: "abroad", options }));
    expect(refusal).toMatchObject(code("22023", /invalid value for parameter "TimeZone"/));
  });

  it("counts in its own cluster only", async () => {
    await createRole("local_role", OPERATOR);
    const other = await createCluster(local.ready);
    await query(local.ready, other.endpoint, "create role local_role with login");
    const refusal = await rejection(connect(local.ready, other.endpoint, { user: "local_role" }));
    expect(refusal).toMatchObject(accessDenied(/is not granted/));
  });

  it("is shown by the catalog, with who granted it", async () => {
    await createRole("shown", roleArn("path/shown"), "arn:aws:iam::000000000000:user/someone");
    const rows = await run(
      "select iam_oid, arn, pg_role_name, grantor_pg_role_name, pg_role_oid = 'shown'::regrole as role_fits, grantor_pg_role_oid = 'admin'::regrole as grantor_fits from sys.iam_pg_role_mappings where pg_role_name = 'shown' order by arn",
    );
    expect(rows).toEqual(
      [roleArn("path/shown"), "arn:aws:iam::000000000000:user/someone"].map((arn) => ({
        ...{ iam_oid: expect.anything(), arn, pg_role_name: "shown", grantor_pg_role_name: "admin" },
        ...{ role_fits: true, grantor_fits: true },
      })),
    );
  });

  it("is a statement with a tag of its own, in both protocols, for quoted names too", async () => {
    await run('create role "Odd ""Name" with login');
    const session = await connect(local.ready, cluster.endpoint);
    const sql = `/* who */ aws iam grant "Odd ""Name" to '${OPERATOR}' -- why`;
    const simple = await session.query(sql);
    const extended = await session.query({ text: sql, name: "prepared" });
    await session.end();
    for (const { rows, command } of [simple, extended])
      expect({ rows, command }).toEqual({ rows: [], command: "AWS" });
    const rows = await query(local.ready, cluster.endpoint, "select 1 as one", { user: 'Odd "Name' });
    expect(rows).toEqual([{ one: 1 }]);
  });

  it("is one change of the schema in a transaction", async () => {
    await createRole("ddl");
    const session = await connect(local.ready, cluster.endpoint);
    await session.query("begin");
    await session.query("create table ddl_table (id int)");
    const refusal = await rejection(session.query(`aws iam grant ddl to '${OPERATOR}'`));
    await session.end();
    expect(refusal).toMatchObject(code("0A000", "multiple ddl statements not supported in a transaction"));
  });

  it("goes with its transaction", async () => {
    await createRole("undecided");
    const session = await connect(local.ready, cluster.endpoint);
    await session.query("begin");
    await session.query(`aws iam grant undecided to '${OPERATOR}'`);
    await session.query("rollback");
    await session.end();
    const refusal = await rejection(connect(local.ready, cluster.endpoint, { user: "undecided" }));
    expect(refusal).toMatchObject(accessDenied(/is not granted/));
  });

  it.each([
    [
      "a role that does not exist",
      "nobody_there",
      OPERATOR,
      code("42704", 'role "nobody_there" does not exist'),
    ],
    ["a role without login", "group_role", OPERATOR, code("22023", "role must have the LOGIN attribute")],
    [
      "what is no IAM ARN",
      "wrong_arn",
      "arn:aws:s3:::bucket",
      code("22023", "IAM role must look like an IAM ARN"),
    ],
    [
      "the ARN of a session",
      "wrong_arn",
      "arn:aws:sts::000000000000:assumed-role/a/b",
      code("22023", /look like/),
    ],
    ["admin", "admin", OPERATOR, code("0A000", "Role admin not supported")],
  ])("is refused for %s", async (_what, role, arn, expected) => {
    if (role === "group_role") await run("create role group_role");
    if (role === "wrong_arn") await run("create role wrong_arn with login").catch(() => {});
    expect(await rejection(run(`aws iam grant ${role} to '${arn}'`))).toMatchObject(expected);
  });

  it("is refused to a role that may not create roles", async () => {
    await createRole("plain", OPERATOR);
    const refusal = await rejection(
      query(local.ready, cluster.endpoint, `aws iam grant plain to '${OPERATOR}'`, { user: "plain" }),
    );
    expect(refusal).toMatchObject(code("42501", "permission denied to grant IAM trust with role"));
  });

  it("is a syntax error in another form", async () => {
    for (const sql of [
      "aws iam grant app",
      "aws iam grant app from 'x'",
      "aws s3 ls",
      "aws iam grant 'app' to 'x'",
    ]) {
      expect(await rejection(run(sql))).toMatchObject({ code: "42601" });
    }
  });
});

describe("AWS IAM REVOKE", () => {
  it("ends what was granted, for new connections", async () => {
    await createRole("revoked", roleArn("one"), roleArn("two"));
    await run(`AWS IAM REVOKE revoked FROM '${roleArn("one")}'`);
    const refusal = await rejection(runAs("revoked", "one", "select 1"));
    expect(refusal).toMatchObject(accessDenied(/is not granted/));
    expect(await runAs("revoked", "two", "select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("has to come before the role is dropped", async () => {
    await createRole("dropped", roleArn("one"));
    const refusal = await rejection(run("drop role dropped"));
    await run(`AWS IAM REVOKE dropped FROM '${roleArn("one")}'`);
    await run("drop role dropped");
    expect(refusal).toMatchObject(code("2BP01", /cannot be dropped because some objects depend on it/));
  });
});

describe("a role of the application", () => {
  it("reads what it was granted, and creates nothing in the schema public", async () => {
    await createRole("reader", roleArn("reader"));
    await run("create schema shop");
    await run("create table shop.item (id int primary key)");
    await run("insert into shop.item values (1)");
    await run("grant usage on schema shop to reader");
    await run("grant select on all tables in schema shop to reader");
    const rows = await runAs("reader", "reader", "select id from shop.item");
    const write = await rejection(runAs("reader", "reader", "insert into shop.item values (2)"));
    const create = await rejection(runAs("reader", "reader", "create table public.mine (id int)"));
    expect(rows).toEqual([{ id: 1 }]);
    expect(write).toMatchObject(code("42501", /permission denied/));
    expect(create).toMatchObject(code("42501", "permission denied for schema public"));
  });

  it("keeps its grants over a SIGKILL", async () => {
    await createRole("lasting", roleArn("lasting"));
    await local.kill();
    local = await startLocalDsql({ directory: directory.path });
    expect(await runAs("lasting", "lasting", "select 1 as one")).toEqual([{ one: 1 }]);
  });

  it.each([
    ["grant usage on schema public to public", "feature not supported on system entity"],
    ["grant usage on schema app, public to x", "feature not supported on system entity"],
    ["revoke create on schema sys from x", "feature not supported on system entity"],
    ["grant connect on database postgres to x", "unsupported object type in GRANT"],
  ])("%s is refused", async (sql, message) => {
    expect(await rejection(run(sql))).toMatchObject(code("0A000", message));
  });
});
