import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetParameterCommand, ParameterNotFound, SSMClient } from "@aws-sdk/client-ssm";
import { sign } from "@octokit/webhooks-methods";
import { afterAll, beforeAll, expect, it } from "vitest";
import { queryOnce, readConnection } from "../../local/demo/connection.ts";
import { runToEnd } from "../../local/demo/process.ts";
import { openPull, type PullClient, waitFor, waitForCheck, waitForReport } from "../../local/demo/pull.ts";
import { LOCAL_CREDENTIALS, type Stack, startStack } from "../../local/demo/stack.ts";
import { listClusters } from "../../local/demo/story.ts";
import { commentPayload, pullPayload } from "../support/payloads.ts";

const SHOP = "acme/shop";
const SHOP_ID = 4001;

let stack: Stack;
let directory = "";
let opened = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-e2e-"));
  // Three previews at most: the store is the fourth cluster, and nothing is kept in reserve.
  const slots = { OFFSHOOT_CLUSTER_QUOTA: "4", OFFSHOOT_SLOT_RESERVE: "0", OFFSHOOT_MAX_CLUSTERS: "3" };
  // Nothing is kept after a close, so that each test ends with its slots free.
  const serviceEnv = { ...slots, OFFSHOOT_GRACE_HOURS: "0" };
  stack = await startStack({ directory, dsqlArgs: ["--quota", "4"], serviceEnv });
});

afterAll(async () => {
  await stack?.stop();
  await rm(directory, { recursive: true, force: true });
});

function open(files: Readonly<Record<string, string>>, author = "wendy"): Promise<PullClient> {
  opened += 1;
  return openPull(stack.github.pageUrl, SHOP, {
    author,
    title: `Change ${opened}`,
    branch: `change-${opened}`,
    files,
  });
}

async function closed(pull: PullClient): Promise<void> {
  await pull.close("alice");
  await waitForReport(pull, /Database destroyed|No database/);
}

/** A webhook with a valid signature that GitHub never sent. */
async function forge(event: string, payload: unknown): Promise<number> {
  const body = JSON.stringify(payload);
  const headers = {
    "content-type": "application/json",
    "x-github-event": event,
    "x-github-delivery": randomUUID(),
    "x-hub-signature-256": await sign(stack.github.webhookSecret, body),
  };
  const url = `${stack.serviceUrl}/webhooks/github`;
  return (await fetch(url, { method: "POST", headers, body })).status;
}

const ours = { repository: { id: SHOP_ID, full_name: SHOP }, installation: { id: 5001 } };

it("shows file, line, statement and message of a failed migration, and the next push repairs it", async () => {
  const file = "migrations/0003_bad.sql";
  const good = "CREATE TABLE fine (id bigint PRIMARY KEY);\n\n";
  const pull = await open({ [file]: `${good}INSERT INTO missing VALUES (1);\n` });
  const failed = await waitForReport(pull, /Migration failed/);
  expect(failed.body).toContain(`${file}:3`);
  expect(failed.body).toContain("INSERT INTO missing VALUES (1)");
  expect(failed.body).toContain('42P01: relation "missing" does not exist');
  const { title } = await waitForCheck(pull, "failure");
  expect(title).toBe('0003_bad.sql:3 relation "missing" does not exist');
  const before = await listClusters(stack);
  await pull.push("wendy", { [file]: `${good}INSERT INTO fine VALUES (1);\n` });
  const ready = await waitForReport(pull, /Database ready/);
  expect((await waitForCheck(pull, "success")).title).toMatch(/^Ready in \d/);
  expect(await queryOnce(readConnection(ready.body), "SELECT id::int FROM fine")).toEqual([{ id: 1 }]);
  expect(await listClusters(stack)).toEqual(before);
  await closed(pull);
});

it("rebuilds on a fresh cluster when an applied statement changed", async () => {
  const file = "migrations/0003_shape.sql";
  const pull = await open({ [file]: "CREATE TABLE shape (id bigint PRIMARY KEY);\n" });
  const first = readConnection((await waitForReport(pull, /Database ready/)).body);
  await pull.push("wendy", { [file]: "CREATE TABLE shape (id bigint PRIMARY KEY, sides bigint);\n" });
  const changed = await waitFor(
    "another host in the comment",
    60_000,
    async () => {
      const report = await pull.report();
      const host = report && /Database ready/.test(report.body) ? readConnection(report.body) : null;
      return host && host.host !== first.host ? host : null;
    },
    async () => String((await pull.report())?.body),
  );
  expect(await queryOnce(changed, "SELECT sides FROM shape")).toEqual([]);
  await waitFor(
    "one cluster",
    30_000,
    async () => ((await listClusters(stack)).length === 1 ? true : null),
    async () => "",
  );
  await closed(pull);
});

it("tells a syntax error before it makes a cluster", async () => {
  const pull = await open({ "migrations/0003_typo.sql": "SELECT 1;\nCREATE TABEL t (id int);\n" });
  const failed = await waitForReport(pull, /Migration failed/);
  expect(failed.body).toContain("migrations/0003_typo.sql:2");
  expect(await listClusters(stack)).toEqual([]);
  await closed(pull);
});

it("builds an index in the background and waits for it", async () => {
  const sql =
    "CREATE TABLE indexed (id bigint PRIMARY KEY, a text);\nCREATE UNIQUE INDEX indexed_a ON indexed (a);\n";
  const pull = await open({ "migrations/0003_index.sql": sql });
  const to = readConnection((await waitForReport(pull, /Database ready/)).body);
  const rows = await queryOnce(
    to,
    "SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = 'indexed_a'::regclass",
  );
  expect(rows).toEqual([{ indisvalid: true, indisunique: true }]);
  await closed(pull);
});

it("lets requests wait for a slot, in order, and takes none away", async () => {
  const sql = { "migrations/0003_slot.sql": "CREATE TABLE slot (id bigint PRIMARY KEY);\n" };
  const holders = [await open(sql, "wendy"), await open(sql, "alice"), await open(sql, "alice")];
  for (const pull of holders) await waitForReport(pull, /Database ready/);
  const waiting = await open(sql, "wendy");
  const report = await waitForReport(waiting, /Waiting for a slot · position 1/);
  for (const pull of holders) expect(report.body).toContain(`#${pull.number}`);
  expect(await listClusters(stack)).toHaveLength(3);
  await holders[0]?.close("alice");
  await waitForReport(waiting, /Database ready/);
  for (const pull of holders.slice(1)) expect((await pull.report())?.body).toMatch(/Database ready/);
  for (const pull of [...holders.slice(1), waiting]) await closed(pull);
  expect(await listClusters(stack)).toEqual([]);
});

it("makes no database for a fork and says why", async () => {
  const pull = await open(
    { "migrations/0003_fork.sql": "CREATE TABLE x (id bigint PRIMARY KEY);\n" },
    "mallory",
  );
  await waitForReport(pull, /No database[\s\S]*fork/);
  await pull.comment("wendy", "/db create");
  await waitForReport(pull, /refused, because this version creates no databases for forks/);
  expect(await listClusters(stack)).toEqual([]);
});

it("does not act on a forged delivery, though its signature is right", async () => {
  const pull = await open({ "migrations/0003_forged.sql": "CREATE TABLE f (id bigint PRIMARY KEY);\n" });
  const ready = await waitForReport(pull, /Database ready/);
  const byReader = await pull.comment("rita", "what does `/db destroy` do?");
  const comment = { ...commentPayload({ body: "/db destroy", author: "alice" }), ...ours };
  const on = (id: number) => ({
    ...comment,
    issue: { number: pull.number, pull_request: {} },
    comment: { id, body: "/db destroy", user: { login: "alice", type: "User" } },
  });
  expect(await forge("issue_comment", on(999_999))).toBe(202);
  expect(await forge("issue_comment", on(byReader))).toBe(202);
  const close = { ...pullPayload({ action: "closed", number: pull.number }), ...ours };
  expect(await forge("pull_request", close)).toBe(202);
  expect(await forge("pull_request", { ...pullPayload({ number: 12_345 }), ...ours })).toBe(202);
  // A true command after the forged ones shows that they have been read by then.
  await pull.comment("wendy", "/db status");
  const after = await waitForReport(pull, /\/db status/);
  expect(after.body).toMatch(/Database ready/);
  expect(readConnection(after.body)).toEqual(readConnection(ready.body));
  await closed(pull);
});

it("lets no name, SQL or server message inject Markdown", async () => {
  const file = "migrations/0003_`@alice` #1 <img src=x>.sql";
  const pull = await open({
    [file]: "SELECT '</details> @rita https://evil.example' FROM nothing_like_it;\n",
  });
  const failed = await waitForReport(pull, /Migration failed/);
  const url = `${stack.github.pageUrl}/_local/repositories/${SHOP}/pulls/${pull.number}`;
  const { comments } = (await (await fetch(url)).json()) as { comments: { id: number; html: string }[] };
  const html = comments.find((one) => one.id === failed.id)?.html ?? "";
  const outsideCode = html.replace(/<code[\s\S]*?<\/code>/g, "");
  expect(outsideCode).not.toMatch(/@alice|@rita|evil\.example|<img/);
  expect(html).toContain("nothing_like_it");
  await closed(pull);
});

it("tells the history of an environment by the address of its pull request", async () => {
  const pull = await open({ "migrations/0003_why.sql": "CREATE TABLE why (id bigint PRIMARY KEY);\n" });
  await waitForReport(pull, /Database ready/);
  const address = `${stack.github.pageUrl}/${SHOP}/pull/${pull.number}`;
  const launch = { script: "service/cli.ts", env: stack.serviceEnv, logFile: "" };
  const output = await runToEnd({ ...launch, args: ["why", address] });
  expect(output).toMatch(/ready; wanted present[\s\S]*cluster_intended[\s\S]*cluster_available[\s\S]*ready/);
  await closed(pull);
});

/** Null if there is no such parameter. */
async function readParameter(Name: string): Promise<Record<string, unknown> | null> {
  const { region, neighboursUrl: endpoint } = stack.dsql;
  const ssm = new SSMClient({ region, endpoint, credentials: LOCAL_CREDENTIALS });
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name }));
    return JSON.parse(Parameter?.Value ?? "null");
  } catch (error) {
    if (error instanceof ParameterNotFound) return null;
    throw error;
  } finally {
    ssm.destroy();
  }
}

it("an application finds the database of its pull request by name, until the pull request is closed", async () => {
  const pull = await open({ "migrations/0003_found.sql": "CREATE TABLE found (id bigint PRIMARY KEY);\n" });
  const { body } = await waitForReport(pull, /Database ready/);
  const name = `/offshoot/${SHOP}/pull/${pull.number}/shop`;
  const nothing = async () => "";
  const found = await waitFor("the parameter", 20_000, () => readParameter(name), nothing);
  const connection = readConnection(body);
  expect(found).toMatchObject({ host: connection.host, user: "admin", database: "postgres" });
  expect(await queryOnce(connection, "SELECT count(*)::int AS n FROM found")).toEqual([{ n: 0 }]);
  await pull.close("alice");
  await waitFor("its end", 60_000, async () => ((await readParameter(name)) === null ? true : null), nothing);
}, 120_000);

it("never logs a secret", async () => {
  const log = await readFile(join(directory, "log", "service.log"), "utf8");
  expect(log).toContain("delivery accepted");
  expect(log).not.toContain(stack.github.webhookSecret);
  expect(log).not.toMatch(/PRIVATE KEY|ghs_|X-Amz-Signature/);
});
