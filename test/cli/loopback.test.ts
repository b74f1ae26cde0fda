import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DsqlSigner } from "@aws-sdk/dsql-signer";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { programFile } from "../../local/demo/process.ts";
import { type Loopback, openLoopback } from "../../service/cli/loopback.ts";
import { CANCEL_REQUEST, firstPacket } from "../../service/cli/wire.ts";
import type { Token } from "../../service/client/client.ts";
import { createCluster } from "../local/dsql/clients.ts";
import { ended } from "../support/cli-process.ts";
import { FAKE_KEY, type FakeApi, fakeEnvironment, startFakeApi } from "../support/fake-api.ts";
import { type LocalDsql, startLocalDsql } from "../support/local-dsql.ts";

const ID = `env_${"a".repeat(22)}`;

let directory = "";
let local: LocalDsql;
let endpoint = "";
const bundle = programFile("service/cli.ts");

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-loopback-"));
  local = await startLocalDsql({ directory: join(directory, "dsql") });
  ({ endpoint } = await createCluster(local.ready));
});
afterAll(async () => {
  await local.stop();
  await rm(directory, { recursive: true, force: true });
});

/** A token of the local cluster, as the API would give it. */
async function realToken(change: Partial<Token> = {}): Promise<Token> {
  const { region, frontAddress: address, frontPort: port, caFile } = local.ready;
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const signer = new DsqlSigner({ hostname: endpoint, region, credentials, expiresIn: 900 });
  const token = await signer.getDbConnectAdminAuthToken();
  const expiresAt = new Date(Date.now() + 900_000).toISOString();
  return {
    ...{ token, role: "owner", host: endpoint, port: 5432, user: "admin", database: "postgres", region },
    ...{ expiresAt, connectTo: { address, port, caFile }, environment: {} },
    ...change,
  };
}

async function query(url: string | undefined, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: "array" })).rows;
  } finally {
    await client.end();
  }
}

describe("the loopback", () => {
  let loopback: Loopback | null = null;

  afterEach(async () => {
    vi.restoreAllMocks();
    await loopback?.close();
    loopback = null;
  });

  const open = async (first: Token, token = vi.fn(() => realToken())) => {
    loopback = await openLoopback(first, { token });
    return { url: loopback.environment["DATABASE_URL"], token, environment: loopback.environment };
  };

  it("takes a tool to the cluster without TLS and with a password of its own", async () => {
    const { url, environment } = await open(await realToken());
    expect(await query(url, "select 1 + 1")).toEqual([[2]]);
    expect(environment).toMatchObject({ PGHOST: "127.0.0.1", PGUSER: "admin", PGSSLMODE: "disable" });
    expect(environment["PGPASSWORD"]).toMatch(/^[\w-]{32}$/);
  });

  it("carries much data both ways", async () => {
    const { url } = await open(await realToken());
    const rows = await query(url, "select repeat('x', 1000) from generate_series(1, 2900)");
    expect(rows).toHaveLength(2_900);
  });

  it("refuses another password", async () => {
    const { url = "" } = await open(await realToken());
    const wrong = url.replace(/:[\w-]+@/, ":wrong@");
    await expect(query(wrong, "select 1")).rejects.toMatchObject({ code: "28P01" });
  });

  it("asks for a new token when the shared one is no longer new, and shares it among a pool", async () => {
    const { url, token } = await open(await realToken({ token: "over" }));
    await expect(query(url, "select 1")).rejects.toThrow(/access denied|unable to accept/i);
    expect(token).not.toHaveBeenCalled();
    const now = Date.now();
    vi.spyOn(Date, "now").mockImplementation(() => now + 31_000);
    const answers = await Promise.all(Array.from({ length: 5 }, () => query(url, "select 1")));
    expect(answers).toEqual(Array(5).fill([[1]]));
    expect(token).toHaveBeenCalledTimes(1);
  });

  it("tells the tool why it cannot go on", async () => {
    const nowhere = await realToken({ connectTo: { ...(await realToken()).connectTo!, port: 1 } });
    const { url } = await open(nowhere);
    await expect(query(url, "select 1")).rejects.toThrow(/ECONNREFUSED/);
  });

  it("does not trust a cluster whose certificate has another name", async () => {
    const { url } = await open(await realToken({ host: "example.com" }));
    await expect(query(url, "select 1")).rejects.toThrow(/altnames/);
  });

  it("passes a cancel on", async () => {
    const { url, environment } = await open(await realToken());
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => undefined);
    await client.connect();
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
    const body = Buffer.alloc(8);
    body.writeInt32BE(processID, 0);
    body.writeInt32BE(secretKey, 4);
    const slow = client.query("select count(*) from generate_series(1, 1000000000)");
    setTimeout(() => {
      net.connect(Number(environment["PGPORT"]), "127.0.0.1").end(firstPacket(CANCEL_REQUEST, body));
    }, 300);
    await expect(slow).rejects.toMatchObject({ code: "57014" });
    await client.end();
  });
});

describe("offshoot run and connect, as a bundle", () => {
  let api: FakeApi;
  let env: Record<string, string>;

  beforeAll(async () => {
    api = await startFakeApi();
    api.environments.set(ID, fakeEnvironment());
    const { role: _, ...token } = await realToken();
    api.token = token;
    env = {
      PATH: process.env["PATH"] ?? "",
      OFFSHOOT_URL: api.url,
      OFFSHOOT_KEY: FAKE_KEY,
      XDG_CONFIG_HOME: directory,
      // Of another database: must not lead there.
      PGHOSTADDR: "192.0.2.1",
      PGSERVICE: "other",
    };
  });
  afterAll(() => api.close());

  async function offshoot(args: readonly string[], input = "") {
    const child = spawn(process.execPath, [bundle, ...args], { env, stdio: ["pipe", "pipe", "pipe"] });
    child.stdin.end(input);
    return ended(child);
  }

  const script = (text: string) => ["run", "--env", ID, "--", process.execPath, "-e", text];

  it("gives the command its variables, and not our key", async () => {
    const { out } = await offshoot(script("console.log(process.env.DATABASE_URL, process.env.OFFSHOOT_KEY)"));
    expect(out).toMatch(
      /^postgresql:\/\/admin:[\w-]{32}@127\.0\.0\.1:\d+\/postgres\?sslmode=disable undefined\n$/,
    );
  });

  it.skipIf(spawnSync("psql", ["--version"]).status !== 0)("lets psql query", async () => {
    const { code, out, err } = await offshoot(["run", "--env", ID, "--", "psql", "-XAtc", "select 6 * 7"]);
    expect([code, out, err]).toEqual([0, "42\n", ""]);
    expect(await offshoot(["connect", ID], "select 'in psql';\n")).toMatchObject({
      code: 0,
      out: expect.stringContaining("in psql"),
    });
  });

  it("ends with the command's own code", async () => {
    expect((await offshoot(script("process.exit(7)"))).code).toBe(7);
    expect((await offshoot(script("process.kill(process.pid, 'SIGTERM')"))).code).toBe(143);
    expect((await offshoot(["run", "--env", ID, "--", "no-such-command"])).code).toBe(127);
  });

  it("passes signals on", async () => {
    const text =
      "process.on('SIGTERM', () => process.exit(9)); console.log('up'); setInterval(() => {}, 1000)";
    const child = spawn(process.execPath, [bundle, ...script(text)], {
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    const [code] = await once(child, "exit");
    expect(code).toBe(9);
  });

  it("has a prompt of its own", async () => {
    const sql = [
      "create table t (a int, b text);",
      "insert into t values (1, 'a;b'),",
      "(2, null);",
      "\\d t",
      "select * from t order by a;",
      "select nonsense;",
      "\\q",
    ];
    const { code, out } = await offshoot(["connect", ID, "--plain"], `${sql.join("\n")}\n`);
    expect(out).toMatch(/CREATE\nINSERT 2\n/);
    expect(out).toMatch(/a +integer/);
    expect(out).toMatch(/1 {2}a;b\n2 {2}∅\n\(2 rows\)/);
    expect(out).toContain("ERROR 42703");
    expect(code).toBe(1);
  });

  it("falls back to the reader where the owner is refused", async () => {
    api.faults.push(null, { status: 403, reason: "forbidden" });
    const { code, err } = await offshoot(["connect", ID, "--plain"], "select 1;\n");
    expect([code, err]).toEqual([0, expect.stringContaining("(reader)")]);
  });
});
