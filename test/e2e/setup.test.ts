import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runToEnd } from "../../local/demo/process.ts";
import { openPull, waitFor, waitForReport } from "../../local/demo/pull.ts";
import { type Stack, startStack } from "../../local/demo/stack.ts";
import { callLocal } from "../support/local-github.ts";
import { BROWSER, install, walkBack, walkToGitHub } from "../support/setup-walk.ts";

const SHOP = "acme/shop";

let stack: Stack;
let directory = "";
let secretsFile = "";

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-setup-"));
  secretsFile = join(directory, "secrets.json");
  stack = await startStack({ directory, noApp: true, serviceEnv: { OFFSHOOT_SECRETS_FILE: secretsFile } });
});
afterAll(async () => {
  await stack?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Runs `offshoot setup-code` as an operator does. Out: the link, which alone is on standard output. */
async function setupLink(): Promise<string> {
  const logFile = join(directory, "log", "cli.log");
  const what = { script: "service/cli.ts", args: ["setup-code"], env: stack.serviceEnv, logFile };
  return /^http\S+$/m.exec(await runToEnd(what))?.[0] ?? "";
}

const ready = () => fetch(`${stack.serviceUrl}/readyz`);
const log = () => readFile(join(directory, "log", "service.log"), "utf8");

it("has nothing but its set-up before there is an App, and says what to do", async () => {
  const answer = await ready();
  expect([answer.status, await answer.json()]).toEqual([
    503,
    expect.objectContaining({ reason: "setup_open", detail: expect.stringContaining("offshoot setup-code") }),
  ]);
  expect((await fetch(`${stack.serviceUrl}/healthz`)).status).toBe(200);
  expect((await fetch(`${stack.serviceUrl}/v1/environments`)).status).toBe(404);
  const refused = await fetch(`${stack.serviceUrl}/setup?code=${"x".repeat(43)}`);
  expect([refused.status, await refused.json()]).toEqual([
    403,
    expect.objectContaining({ reason: "setup_code" }),
  ]);
});

it("refuses a way back whose code GitHub does not know any more, and goes on from the link", async () => {
  const link = await setupLink();
  const { back, cookie } = await walkToGitHub(link);
  const strange = await walkBack(back, "");
  expect([strange.status, await strange.text()]).toEqual([403, expect.stringContaining("this browser")]);
  const wrong = new URL(back);
  wrong.searchParams.set("code", "0".repeat(40));
  const refused = await walkBack(wrong, cookie);
  expect([refused.status, await refused.text()]).toEqual([
    403,
    expect.stringContaining("does not know its code"),
  ]);
  expect(JSON.parse(await readFile(secretsFile, "utf8"))).not.toHaveProperty("OFFSHOOT_GITHUB_APP_ID");

  const done = await walkBack(back, cookie);
  const page = await done.text();
  expect([done.status, page]).toEqual([200, expect.stringContaining("test delivery arrived here")]);
  expect(page).not.toContain("lacks");
  // For a moment nobody listens: the set-up ends, and the service begins at the same address.
  const isReady = () =>
    ready().then(
      ({ status }) => (status === 200 ? true : null),
      () => null,
    );
  await waitFor("the service", 30_000, isReady, log);

  // The same link, the same way back, and a link made now: all used up.
  for (const url of [link, back.href]) {
    const again = await fetch(url, { headers: { ...BROWSER, cookie } });
    expect([again.status, await again.text()]).toEqual([410, expect.stringContaining("set up")]);
  }
  await expect(setupLink()).rejects.toThrow(/is set up/);

  expect((await install(page)).status).toBe(303);
}, 120_000);

it("works then: a pull request gets its database", async () => {
  const files = { "migrations/0003_found.sql": "CREATE TABLE found (id bigint PRIMARY KEY);\n" };
  const change = { author: "wendy", title: "Found", branch: "found", files };
  const pull = await openPull(stack.github.pageUrl, SHOP, change);
  const { body } = await waitForReport(pull, /Database ready/);
  expect(body).toContain("psql");
}, 120_000);

it("names a permission that is taken away, in one line of its log and at /readyz", async () => {
  const permissions = { contents: "read", issues: "read", metadata: "read" };
  await callLocal(stack.github, "PATCH", "/app", { permissions, events: ["push"] });
  await stack.killService();
  await stack.startService();
  const warned = await waitFor(
    "the warning",
    30_000,
    async () => {
      const { status, warnings } = (await (await ready()).json()) as { status: string; warnings?: string[] };
      return status === "ready" && warnings ? warnings : null;
    },
    log,
  );
  expect(warned).toEqual([
    expect.stringMatching(
      /^The GitHub App offshoot-local lacks checks: write, issues: write, pull_requests: write, event issue_comment, event pull_request\. .*\/settings\/apps\/offshoot-local\/permissions$/,
    ),
  ]);
  const lines = (await log()).split("\n").filter((line) => line.includes("lacks checks: write"));
  expect(lines).toHaveLength(1);
}, 120_000);

it("keeps the secrets for itself: a file of its owner's, and nothing of them in any log", async () => {
  expect((await stat(secretsFile)).mode & 0o777).toBe(0o600);
  const pairs = JSON.parse(await readFile(secretsFile, "utf8")) as Record<string, string>;
  expect(Object.keys(pairs).sort()).toEqual([
    ...["OFFSHOOT_GITHUB_APP_ID", "OFFSHOOT_GITHUB_CLIENT_ID"],
    ...["OFFSHOOT_GITHUB_PRIVATE_KEY", "OFFSHOOT_GITHUB_WEBHOOK_SECRETS"],
  ]);
  const text = await log();
  const key = (pairs["OFFSHOOT_GITHUB_PRIVATE_KEY"] ?? "").split("\n")[1] ?? "";
  for (const secret of [key, pairs["OFFSHOOT_GITHUB_WEBHOOK_SECRETS"] ?? "", "code=", "/setup?"]) {
    expect(secret.length).toBeGreaterThan(4);
    expect(text).not.toContain(secret);
  }
  expect(text).toContain("GitHub App made and its secrets kept");
});

it("ends in order while it waits to be set up", async () => {
  const empty = join(directory, "empty.json");
  const other = await startStack({
    directory: await mkdtemp(join(directory, "other-")),
    noApp: true,
    serviceEnv: { OFFSHOOT_SECRETS_FILE: empty },
  });
  await other.stop();
  const text = await readFile(join(other.directory, "log", "service.log"), "utf8");
  expect(text).toContain('"msg":"closed"');
}, 120_000);
