import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openPull, waitForReport } from "../../local/demo/pull.ts";
import { LOCAL_CREDENTIALS, type ServiceStart, type Stack, startStack } from "../../local/demo/stack.ts";
import { runCli } from "../support/cli-process.ts";
import { buildBundles, startLambdaService } from "../support/lambda/service.ts";
import { BROWSER, install, walkBack, walkToGitHub } from "../support/setup-walk.ts";

let bundles = "";
let directory = "";
let stack: Stack;
let secrets: SecretsManagerClient;
let secretsEnv: Record<string, string> = {};

/** Makes the empty secret that a deploy leaves, and starts the functions on it. */
async function startFunctions({ env, ...rest }: ServiceStart) {
  const endpoint = env["OFFSHOOT_SSM_ENDPOINT"] ?? "";
  secrets = new SecretsManagerClient({
    region: env["AWS_REGION"] ?? "",
    endpoint,
    credentials: LOCAL_CREDENTIALS,
  });
  const made = await secrets.send(new CreateSecretCommand({ Name: "offshoot", SecretString: "{}" }));
  secretsEnv = { OFFSHOOT_SECRETS_ARN: made.ARN ?? "", OFFSHOOT_SECRETS_ENDPOINT: endpoint };
  return startLambdaService({ ...rest, env: { ...env, ...secretsEnv } }, { bundles });
}

beforeAll(async () => {
  bundles = await buildBundles(await mkdtemp(join(tmpdir(), "offshoot-bundles-")));
  directory = await mkdtemp(join(tmpdir(), "offshoot-setup-"));
  const serviceEnv = { OFFSHOOT_LEASE_SECONDS: "3" };
  stack = await startStack({ directory, noApp: true, serviceEnv, runService: startFunctions });
}, 120_000);
afterAll(async () => {
  secrets?.destroy();
  await stack?.stop();
  for (const made of [directory, bundles]) await rm(made, { recursive: true, force: true });
});

it("is set up through the functions, keeps the App in the secret, and works from then on", async () => {
  expect((await fetch(`${stack.serviceUrl}/readyz`)).status).toBe(503);
  const { out } = await runCli(["setup-code"], { ...stack.serviceEnv, ...secretsEnv });
  const { back, cookie } = await walkToGitHub(out.trim());
  const done = await walkBack(back, cookie);
  const page = await done.text();
  // The ping went to another function than the one that answers here, and was answered from the same secret.
  expect([done.status, page]).toEqual([200, expect.stringContaining("test delivery arrived here")]);
  const { SecretString = "" } = await secrets.send(new GetSecretValueCommand({ SecretId: "offshoot" }));
  expect(Object.keys(JSON.parse(SecretString)).sort()).toEqual([
    ...["OFFSHOOT_GITHUB_APP_ID", "OFFSHOOT_GITHUB_CLIENT_ID"],
    ...["OFFSHOOT_GITHUB_PRIVATE_KEY", "OFFSHOOT_GITHUB_WEBHOOK_SECRETS"],
  ]);
  expect((await fetch(`${stack.serviceUrl}/readyz`)).status).toBe(200);
  for (const url of [out.trim(), back.href]) {
    expect((await fetch(url, { headers: { ...BROWSER, cookie } })).status).toBe(410);
  }

  await install(page);
  const files = { "migrations/0003_found.sql": "CREATE TABLE found (id bigint PRIMARY KEY);\n" };
  const change = { author: "wendy", title: "Found", branch: "found", files };
  const pull = await openPull(stack.github.pageUrl, "acme/shop", change);
  await waitForReport(pull, /Database ready/);
  const log = await readFile(join(directory, "log", "service.log"), "utf8");
  expect(log).not.toMatch(/PRIVATE KEY|code=/);
}, 180_000);
