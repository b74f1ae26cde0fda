import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LOCAL } from "../local/dsql/clients.ts";
import { runCli } from "../support/cli-process.ts";
import { type LocalDsql, startLocalDsql } from "../support/local-dsql.ts";

const HOUR_MS = 3_600_000;

let directory = "";
let dsql: LocalDsql;
let client: SecretsManagerClient;
let env: Record<string, string> = {};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-code-"));
  dsql = await startLocalDsql({ directory, flags: { "no-engines": true } });
  const { region, neighboursUrl: endpoint } = dsql.ready;
  client = new SecretsManagerClient({ region, endpoint, credentials: LOCAL });
  const { ARN = "" } = await client.send(new CreateSecretCommand({ Name: "offshoot", SecretString: "{}" }));
  env = {
    ...{
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: LOCAL.accessKeyId,
      AWS_SECRET_ACCESS_KEY: LOCAL.secretAccessKey,
    },
    ...{ OFFSHOOT_SECRETS_ARN: ARN, OFFSHOOT_SECRETS_ENDPOINT: endpoint },
    OFFSHOOT_PUBLIC_URL: "https://offshoot.example/live/",
  };
});
afterAll(async () => {
  client?.destroy();
  await dsql?.stop();
  await rm(directory, { recursive: true, force: true });
});

async function secret(): Promise<Record<string, string>> {
  const found = await client.send(new GetSecretValueCommand({ SecretId: "offshoot" }));
  return JSON.parse(found.SecretString ?? "") as Record<string, string>;
}

describe("setup-code", () => {
  it("prints a link alone, and keeps its digest and its end in the secret", async () => {
    const { code, out, err } = await runCli(["setup-code", "--hours", "2"], env);
    const [, setupCode = ""] =
      /^https:\/\/offshoot\.example\/live\/setup\?code=([\w-]{43})\n$/.exec(out) ?? [];
    expect([code, err]).toEqual([0, expect.stringMatching(/within 2 hours/)]);
    const { OFFSHOOT_SETUP_CODE_SHA256: digest, OFFSHOOT_SETUP_CODE_EXPIRES: end, ...rest } = await secret();
    expect([digest, rest]).toEqual([createHash("sha256").update(setupCode).digest("hex"), {}]);
    const leftMs = Date.parse(end ?? "") - Date.now();
    expect(leftMs > HOUR_MS && leftMs <= 2 * HOUR_MS).toBe(true);
  });

  it("ends the link before", async () => {
    const before = (await secret())["OFFSHOOT_SETUP_CODE_SHA256"];
    const { link } = JSON.parse((await runCli(["setup-code", "--json"], env)).out) as { link: string };
    expect(link).toMatch(/^https:\/\/offshoot\.example\/live\/setup\?code=/);
    expect((await secret())["OFFSHOOT_SETUP_CODE_SHA256"]).not.toBe(before);
  });

  it.each<[string, string[], Record<string, string>, RegExp]>([
    ["without a place for secrets", [], { OFFSHOOT_SECRETS_ARN: "" }, /OFFSHOOT_SECRETS_FILE/],
    ["with two places", [], { OFFSHOOT_SECRETS_FILE: "/x" }, /both set/],
    ["without an address", [], { OFFSHOOT_PUBLIC_URL: "offshoot.example" }, /OFFSHOOT_PUBLIC_URL/],
    ["for a time that is none", ["--hours", "0"], {}, /from 1 to 168/],
  ])("is refused %s, and says what to do", async (_, args, more, message) => {
    const { code, out, err } = await runCli(["setup-code", ...args], { ...env, ...more });
    expect([code === 0, out, err]).toEqual([false, "", expect.stringMatching(message)]);
  });

  it("is refused once there is an App", async () => {
    const SecretString = JSON.stringify({ OFFSHOOT_GITHUB_APP_ID: "7" });
    await client.send(new PutSecretValueCommand({ SecretId: "offshoot", SecretString }));
    const { code, out, err } = await runCli(["setup-code"], env);
    expect([code, out, err]).toEqual([1, "", expect.stringMatching(/^This Offshoot is set up/)]);
    expect(await secret()).toEqual({ OFFSHOOT_GITHUB_APP_ID: "7" });
  });
});
