import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canReach } from "../../../local/dsql/account.ts";
import { openEngine, startInstance } from "../../../local/dsql/engine.ts";

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(os.tmpdir(), "offshoot-engine-"));
});

afterAll(() => rm(root, { recursive: true, force: true }));

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe("an instance", () => {
  it("is Postgres 16 with UTF8, C collation, UTC and repeatable read", async () => {
    const instance = await startInstance({ directory: join(root, "identity") });
    const rows = await query(
      instance.url,
      `select current_setting('server_version') as version, current_setting('transaction_isolation') as isolation,
        current_setting('TimeZone') as zone, pg_encoding_to_char(encoding) as encoding, datcollate as collation
      from pg_database where datname = current_database()`,
    );
    await instance.stop();
    expect(rows).toEqual([
      {
        version: expect.stringMatching(/^16\./),
        isolation: "repeatable read",
        zone: "UTC",
        encoding: "UTF8",
        collation: "C",
      },
    ]);
  });

  it("keeps its data when it stops and starts again", async () => {
    const directory = join(root, "kept");
    const first = await startInstance({ directory });
    await query(first.url, "create table kept as select 42 as answer");
    await first.stop();
    const second = await startInstance({ directory });
    const rows = await query(second.url, "select answer from kept");
    await second.stop();
    expect(rows).toEqual([{ answer: 42 }]);
  });

  it("keeps what was committed when Postgres is killed", async () => {
    const directory = join(root, "killed");
    const first = await startInstance({ directory });
    await query(first.url, "create table kept as select 42 as answer");
    process.kill(first.pid, "SIGKILL");
    await first.ended;
    const second = await startInstance({ directory });
    const rows = await query(second.url, "select answer from kept");
    await second.stop();
    expect(rows).toEqual([{ answer: 42 }]);
  });

  it("replaces an instance that a killed process left running on the directory", async () => {
    const directory = join(root, "orphan");
    const orphan = await startInstance({ directory });
    const successor = await startInstance({ directory });
    await orphan.ended;
    const rows = await query(successor.url, "select 1 as one");
    await successor.stop();
    expect(rows).toEqual([{ one: 1 }]);
  });

  it("answers on loopback TCP, and only to the password in its url", async () => {
    const instance = await startInstance({ directory: join(root, "tcp"), listen: true });
    const rows = await query(instance.url, "select 1 as one");
    const guess = new URL(instance.url);
    guess.password = "guess";
    const refusal = await query(guess.href, "select 1").catch((error: unknown) => error);
    await instance.stop();
    expect(guess.hostname).toBe("127.0.0.1");
    expect(rows).toEqual([{ one: 1 }]);
    expect(refusal).toMatchObject({ code: "28P01" });
  });

  it("takes settings on top of the template's", async () => {
    const instance = await startInstance({
      directory: join(root, "settings"),
      settings: { max_connections: "7" },
    });
    const rows = await query(instance.url, "show max_connections");
    await instance.stop();
    expect(rows).toEqual([{ max_connections: "7" }]);
  });

  it("works in a directory whose path is too long for a socket", async () => {
    const instance = await startInstance({ directory: join(root, "deep".repeat(30)) });
    const rows = await query(instance.url, "select 1 as one");
    await instance.stop();
    expect(rows).toEqual([{ one: 1 }]);
    await expect(readdir(instance.socketDirectory)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("lets admin create tables and roles, but is no superuser's playground", async () => {
    const instance = await startInstance({ directory: join(root, "admin") });
    const url = instance.url.replace("postgres@", "admin@");
    await query(url, "create table mine (id int); create schema app; create role reader login");
    const refusal = await query(url, "copy mine from program 'true'").catch((error: unknown) => error);
    await instance.stop();
    expect(refusal).toMatchObject({ code: "42501" });
  });
});

describe("the template", () => {
  it("is built once when two engines open an empty cache at the same time", async () => {
    const cache = join(root, "cache");
    await Promise.all([openEngine(cache), openEngine(cache)]);
    const names = await readdir(cache);
    expect(names.filter((name) => name.startsWith("template-"))).toHaveLength(1);
    expect(names.filter((name) => name.startsWith("partial-"))).toEqual([]);
  });
});

const asRoot = process.getuid?.() === 0;
const nobody = { uid: 65534, gid: 65534 };
// A checkout below a closed home cannot be run by anybody else.
const othersReadThis = asRoot && (await canReach(import.meta.dirname, nobody));

describe("started by root", () => {
  it.skipIf(!asRoot)("Postgres runs as an ordinary user", async () => {
    const instance = await startInstance({ directory: join(root, "lent") });
    const { stdout } = await promisify(execFile)("ps", ["-o", "uid=", "-p", String(instance.pid)]);
    await instance.stop();
    expect(Number(stdout)).toBe(nobody.uid);
  });

  it.skipIf(!othersReadThis)("an ordinary user's process starts its own instance", async () => {
    const home = await mkdtemp(join(os.tmpdir(), "offshoot-ordinary-"));
    await chown(home, nobody.uid, nobody.gid);
    await chmod(home, 0o700);
    const script = `
      const { openEngine } = await import(${JSON.stringify(new URL("../../../local/dsql/engine.ts", import.meta.url).href)});
      const engine = await openEngine(${JSON.stringify(join(home, "cache"))});
      const instance = await engine.start({ directory: ${JSON.stringify(join(home, "data"))} });
      process.stdout.write("started");
      await instance.stop();`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      ...nobody,
      env: { ...process.env, TMPDIR: os.tmpdir() },
      cwd: "/",
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += String(text)));
    await once(child, "close");
    await rm(home, { recursive: true, force: true });
    expect(output).toBe("started");
  });
});
