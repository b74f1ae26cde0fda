import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openPull, type PullClient, waitFor, waitForReport } from "../../local/demo/pull.ts";
import { type Stack, startStack } from "../../local/demo/stack.ts";
import { listClusters } from "../../local/demo/story.ts";
import { type Instance, startInstance } from "../../local/dsql/engine.ts";
import { runCli } from "../support/cli-process.ts";

/** Three looks of the worker: what it would do, it has begun by then. */
const LOOKS_MS = 3_000;
const nothing = async () => "";

let directory = "";
let postgres: Instance;
let stack: Stack;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-e2e-"));
  postgres = await startInstance({ directory: join(directory, "store"), settings: { fsync: "off" } });
  await administer("create database store");
  const serviceEnv = { OFFSHOOT_EPOCH_FILE: join(directory, "epoch.json"), OFFSHOOT_GRACE_HOURS: "0" };
  stack = await startStack({ directory, serviceEnv, storeUrl: urlOf("store") });
});

afterAll(async () => {
  await stack?.stop();
  await postgres?.stop();
  await rm(directory, { recursive: true, force: true });
});

function urlOf(database: string): string {
  const url = new URL(postgres.url);
  url.pathname = `/${database}`;
  return url.href;
}

async function ask(url: string, ...statements: readonly string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) rows = (await client.query(statement)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

const administer = (...statements: readonly string[]) => ask(postgres.url, ...statements);
const offshoot = (...args: readonly string[]) => runCli(args, stack.serviceEnv);

function open(name: string): Promise<PullClient> {
  const files = { [`migrations/0003_${name}.sql`]: `CREATE TABLE ${name} (id bigint PRIMARY KEY);\n` };
  return openPull(stack.github.pageUrl, "acme/shop", { author: "wendy", title: name, branch: name, files });
}

/** Puts what an older backup says in the place of the store, under its address, while the service runs. */
async function restoreUnderService(file: string): Promise<void> {
  await administer(
    "alter database store with allow_connections false",
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'store'",
    "alter database store rename to former",
    "create database store",
  );
  expect(await offshoot("store", "migrate")).toMatchObject({ code: 0 });
  expect(await offshoot("store", "restore", "--in", file)).toMatchObject({
    code: 0,
    out: expect.stringMatching(
      /^Restored \d+ rows\. Nothing is done with them until `offshoot store confirm`/,
    ),
  });
}

async function warnings(): Promise<string> {
  const answer = await fetch(`${stack.serviceUrl}/readyz`);
  return JSON.stringify(((await answer.json()) as { warnings?: unknown }).warnings ?? null);
}

it("a service whose store is restored under it deletes and creates nothing until a person has confirmed", async () => {
  const file = join(directory, "store.jsonl");
  const known = await open("known");
  await waitForReport(known, /Database ready/);
  expect(await offshoot("store", "backup", "--out", file)).toMatchObject({ code: 0 });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await offshoot("store", "backup", "--out", file)).toMatchObject({ code: 1 });
  const [first] = await listClusters(stack);
  const younger = await open("younger");
  await waitForReport(younger, /Database ready/);
  const before = [...(await listClusters(stack))].sort();
  expect(before).toHaveLength(2);

  const pid = stack.servicePid();
  await restoreUnderService(file);
  const restoredAt = new Date().toISOString();
  await known.close("wendy");
  const later = await open("later");
  // Those of the backup were handled before it was made; of these two one may be handled before the next look.
  const taken = `select count(*)::int as n from delivery where received_at > '${restoredAt}'`;
  await waitFor(
    "the deliveries in the journal",
    10_000,
    async () => (Number((await ask(urlOf("store"), taken))[0]?.["n"]) >= 2 ? true : null),
    warnings,
  );
  await new Promise((resolve) => setTimeout(resolve, LOOKS_MS));
  expect([...(await listClusters(stack))].sort()).toEqual(before);
  expect(await later.report()).toBeNull();
  expect(await warnings()).toContain("Paused after a restore");
  expect(await readFile(join(directory, "log", "service.log"), "utf8")).toContain("paused_after_restore");
  const why = await offshoot("why", `${stack.github.pageUrl}/acme/shop/pull/${known.number}`);
  expect(why.err).toContain("Paused after a restore");

  const asked = await offshoot("store", "confirm");
  expect(asked.code).toBe(1);
  const other = before.find((identifier) => identifier !== first) ?? "";
  expect(asked.err).toContain(other);
  const phrase = /The phrase is "(.*)"/.exec(asked.err)?.[1] ?? "";
  expect(phrase).toMatch(/^resume at epoch \d+$/);
  expect([...(await listClusters(stack))].sort()).toEqual(before);
  expect(await offshoot("store", "confirm", "--phrase", phrase)).toMatchObject({ code: 0 });

  await waitForReport(later, /Database ready/);
  await waitForReport(known, /Database destroyed|No database/);
  const after = await waitFor(
    "the removal of the closed one's cluster",
    20_000,
    async () => {
      const left = await listClusters(stack);
      return first && left.includes(first) ? null : left;
    },
    nothing,
  );
  // What the restored store does not know is left to people.
  expect(after).toContain(other);
  expect(await warnings()).not.toContain("Paused after a restore");
  expect((await offshoot("store", "confirm")).out).toContain("Nothing waits");
  expect(process.kill(pid, 0)).toBe(true);
}, 120_000);
