import { spawn } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { programFile } from "../../local/demo/process.ts";
import { createCluster } from "../local/dsql/clients.ts";
import { ended } from "../support/cli-process.ts";
import { type LocalDsql, startLocalDsql } from "../support/local-dsql.ts";

let directory = "";
let bundle = "";
let local: LocalDsql;
let env: Record<string, string>;

beforeAll(async () => {
  // Outside the checkout, so that nothing of its node_modules can be found.
  directory = await mkdtemp(join(tmpdir(), "offshoot-bundle-"));
  bundle = join(directory, "offshoot.cjs");
  await copyFile(programFile("service/cli.ts"), bundle);
  local = await startLocalDsql({ directory: join(directory, "dsql") });
  const { region, accountId, controlUrl, frontAddress, frontPort, caFile } = local.ready;
  const { endpoint } = await createCluster(local.ready);
  env = {
    ...{ PATH: process.env["PATH"] ?? "", XDG_CONFIG_HOME: directory },
    ...{ AWS_REGION: region, AWS_ACCESS_KEY_ID: "local", AWS_SECRET_ACCESS_KEY: "local" },
    ...{ OFFSHOOT_AWS_ACCOUNT: accountId, OFFSHOOT_DSQL_ENDPOINT: controlUrl, OFFSHOOT_DSQL_CA_FILE: caFile },
    ...{ OFFSHOOT_DSQL_CONNECT_TO: `${frontAddress}:${frontPort}`, OFFSHOOT_STORE_URL: `dsql://${endpoint}` },
  };
});
afterAll(async () => {
  await local.stop();
  await rm(directory, { recursive: true, force: true });
});

async function offshoot(...args: string[]) {
  const child = spawn(process.execPath, [bundle, ...args], {
    cwd: directory,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  return ended(child);
}

describe("the one file of the command line", () => {
  it("knows its version", async () => {
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, "../../package.json"), "utf8"));
    expect(await offshoot("--version")).toEqual({ code: 0, out: `${version}\n`, err: "" });
  });

  it("has the store's migrations in it", async () => {
    expect((await offshoot("keys", "list")).err).toMatch(/store migrate/);
    expect((await offshoot("store", "migrate")).out).toMatch(/^Applied 0001_wakeup\.sql, /);
    expect((await offshoot("store", "migrate")).out).toBe("The store is up to date.\n");
  });

  it("makes, lists and ends keys", async () => {
    const made = await offshoot(
      "keys",
      "create",
      "ci",
      "--scope",
      "read",
      "--label",
      "plan=pro",
      "--until",
      "90d",
    );
    expect(made.out).toMatch(/^ofk_[0-9a-z]{22}_[\w-]{43}\n$/);
    const [key] = JSON.parse((await offshoot("keys", "list", "--json")).out);
    expect(key).toMatchObject({ name: "ci", scopes: ["read"], selector: { plan: "pro" }, revokedAt: null });
    expect((await offshoot("keys", "list")).out).not.toContain(made.out.trim());
    expect((await offshoot("keys", "revoke", key.id)).out).toMatch(/revoked 20/);
    expect((await offshoot("keys", "revoke", "key_x")).code).toBe(3);
    expect((await offshoot("keys", "create", "ci")).err).toMatch(/needs scopes out of read/);
  });

  it("tells why of nothing that it does not know", async () => {
    const { code, err } = await offshoot("why", "env_x");
    expect([code, err]).toEqual([3, expect.stringContaining("No environment is known")]);
  });

  it("checks what an operator has set", async () => {
    const { code, out } = await offshoot("doctor");
    expect([code, out]).toEqual([
      1,
      expect.stringMatching(/FAILED {2}configuration[\s\S]*ok {6}store: dsql answers/),
    ]);
  });
});
