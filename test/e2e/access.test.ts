import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { programFile } from "../../local/demo/process.ts";
import { openPull, type PullClient, waitFor, waitForReport } from "../../local/demo/pull.ts";
import { type Stack, startStack } from "../../local/demo/stack.ts";
import { callLocal } from "../support/local-github.ts";
import { runJob } from "../support/runner.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const SHOP = "acme/shop";

let stack: Stack;
let directory = "";
let pull: PullClient;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-access-"));
  stack = await startStack({ directory });
  const files = { "migrations/0003_seen.sql": "CREATE TABLE seen (id bigint PRIMARY KEY);\n" };
  pull = await openPull(stack.github.pageUrl, SHOP, {
    author: "wendy",
    title: "Seen",
    branch: "seen",
    files,
  });
});
afterAll(async () => {
  await stack?.stop();
  await rm(directory, { recursive: true, force: true });
});

const jobOf = (number: number) => {
  const asked = { event: "pull_request", number };
  return callLocal<Record<string, string>>(stack.github, "POST", `/repositories/${SHOP}/jobs`, asked);
};

function offshoot(args: readonly string[], env: Record<string, string>) {
  const base = { PATH: process.env["PATH"] ?? "", XDG_CONFIG_HOME: directory };
  const child = spawn(process.execPath, [programFile("service/cli.ts"), ...args], {
    env: { ...base, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const ended = Promise.all([child.stdout.toArray(), once(child, "close")]).then(([out]) => ({
    code: child.exitCode,
    out: out.join(""),
  }));
  return { child, ended };
}

it("runs the sample workflow on the pull request's own database, which it waits for", async () => {
  const workflow = await readFile(join(ROOT, "docs", "workflow.yml"), "utf8");
  const job = await jobOf(pull.number);
  const result = await runJob(workflow, job, (inputs) => ({ ...inputs, url: stack.serviceUrl }));
  expect(result.steps[0]).toMatchObject({ code: 0, outputs: { skipped: "false", user: "admin" } });
  expect(result.steps[1]).toMatchObject({ code: 0, log: "1\n" });
  expect(result.masks).toContain(result.env["PGPASSWORD"]);
  // What the tests of the pull request would find: its migrations.
  const tests = workflow.replace("select 1", "select count(*) from seen");
  const again = await runJob(tests, await jobOf(pull.number), (inputs) => ({
    ...inputs,
    url: stack.serviceUrl,
  }));
  expect(again.steps[1]).toMatchObject({ code: 0, log: "0\n" });
});

it("gives a command of a job its database, by the job's identity alone", async () => {
  const job = await jobOf(pull.number);
  const { child, ended } = offshoot(
    ["run", "--", "psql", "-XAtc", "insert into seen values (7) returning id"],
    {
      ...job,
      OFFSHOOT_URL: stack.serviceUrl,
    },
  );
  child.stdin.end();
  expect(await ended).toMatchObject({ code: 0, out: expect.stringContaining("7") });
});

it.each([
  [
    "who may write",
    "wendy",
    "insert into seen values (8);\nselect id from seen order by id;\n",
    /7\n8\n|7\s+8/,
    0,
  ],
  [
    "who may read",
    "rita",
    "select id from seen order by id;\ninsert into seen values (9);\n",
    /7[\s\S]*42501/,
    1,
  ],
] as const)("opens a prompt for %s, who signs in with GitHub", async (_name, login, sql, shown, code) => {
  await waitForReport(pull, /Database ready/);
  const url = `${stack.serviceUrl}/${SHOP}/pull/${pull.number}`;
  const { child, ended } = offshoot(["connect", url, "--plain"], { XDG_CONFIG_HOME: join(directory, login) });
  let told = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    told += text;
  });
  const see = async () => /code ([\w-]+)/.exec(told)?.[1] ?? null;
  const userCode = await waitFor("a code to type", 20_000, see, async () => told);
  await callLocal(stack.github, "POST", "/login/device", { userCode, login, approve: true });
  child.stdin.end(sql);
  const { code: seen, out } = await ended;
  expect([seen, out], told).toEqual([code, expect.stringMatching(shown)]);
});

it("refuses the job of a closed pull request", async () => {
  const job = await jobOf(pull.number);
  await pull.close("alice");
  await waitForReport(pull, /Closed/);
  const workflow = await readFile(join(ROOT, "docs", "workflow.yml"), "utf8");
  const { steps } = await runJob(workflow, job, (inputs) => ({ ...inputs, url: stack.serviceUrl }));
  expect(steps[0]).toMatchObject({ code: 0, outputs: { skipped: "true" } });
  expect(steps[1]?.code).toBeNull();
});
