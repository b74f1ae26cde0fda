/** What a SaaS back end does with Offshoot, from sign-up to restore, by nothing but the published client and `pg`. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient, OffshootError, type Token } from "offshoot/client";
import pg from "pg";
import { createBackEndKey } from "./key.ts";
import { startStack } from "./stack.ts";

const CUSTOMERS = ["acme", "globex", "initech"] as const;
/** Access ends within about a minute of a delete: policies of clusters take a while to be seen everywhere. */
const REFUSED_WITHIN_MS = 120_000;
const LOOK_AGAIN_MS = 500;

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return 1;
});

async function main(): Promise<number> {
  const { OFFSHOOT_URL: url, OFFSHOOT_KEY: credential } = process.env;
  if (url && !credential) {
    console.error("OFFSHOOT_KEY is missing: a key with the scopes tenants:write and tokens.");
    return 2;
  }
  if (url && credential) await play(createClient({ url, credential }));
  else await withLocalService(play);
  console.log("\nDone: everything is removed.");
  return 0;
}

/** Runs `work` on a service, a DSQL and a GitHub of this machine, which end with it. */
async function withLocalService(work: (client: Client) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "offshoot-saas-"));
  console.log("Starting Offshoot and a local Aurora DSQL …");
  const stack = await startStack({ directory });
  try {
    const credential = await createBackEndKey(stack);
    await work(createClient({ url: stack.serviceUrl, credential }));
  } finally {
    await stack.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function play(client: Client): Promise<void> {
  // Customers of their own for each run, so that it can be repeated on one service.
  const run = Date.now().toString(36);
  const keys = CUSTOMERS.map((name) => `${name}-${run}`);
  const [acme = "", ...others] = keys;
  try {
    await signUp(client, keys, run);
    for (const key of keys) await fill(client, key);
    for (const key of keys) expect(await notesOf(client, key), `a note of ${key}`);
    console.log("Each customer's token shows that customer's rows only.");
    await removeAndRestore(client, acme);
    for (const key of others) expect(await notesOf(client, key), `a note of ${key}`);
  } finally {
    for (const key of keys) await end(client, key);
  }
}

/** One database per customer, all made at the same time. Asking again for the same customer makes no second one. */
async function signUp(client: Client, keys: readonly string[], run: string): Promise<void> {
  const began = performance.now();
  const labels = { example: run };
  await Promise.all(keys.map(async (key) => client.waitFor(await client.tenants.put(key, { labels }))));
  const again = await Promise.all(keys.map((key) => client.tenants.put(key, { labels })));
  expect(again.filter(({ operation }) => operation !== null).length, 0);
  let count = 0;
  for await (const _ of client.tenants.all({ labels, limit: 2 })) count += 1;
  expect(count, keys.length);
  console.log(`${count} customers signed up in ${((performance.now() - began) / 1000).toFixed(1)} s.`);
}

async function fill(client: Client, key: string): Promise<void> {
  await query(await client.tenants.token(key), [
    "CREATE TABLE note (id bigint PRIMARY KEY, text text NOT NULL)",
    `INSERT INTO note VALUES (1, 'a note of ${key}')`,
  ]);
}

async function notesOf(client: Client, key: string): Promise<unknown> {
  const rows = await query(await client.tenants.token(key), ["SELECT text FROM note ORDER BY id"]);
  return rows.map(({ text }) => text).join();
}

async function removeAndRestore(client: Client, key: string): Promise<void> {
  const token = await client.tenants.token(key);
  expect(await reasonOf(client.tenants.delete(key)), "protected");
  await client.tenants.patch(key, { protected: false });
  await client.waitFor(await client.tenants.delete(key));
  expect(await reasonOf(client.tenants.token(key)), "not_ready");
  const { retiredUntil } = await client.tenants.get(key);
  await untilRefused(token);
  console.log(
    `${key} is removed, and connecting is refused; its data can be restored until ${retiredUntil}.`,
  );
  await client.waitFor(await client.tenants.restore(key));
  expect(await notesOf(client, key), `a note of ${key}`);
  console.log(`${key} is restored, and the data is back.`);
}

/** Removes a customer for good. */
async function end(client: Client, key: string): Promise<void> {
  const gone = async () => {
    await client.tenants.patch(key, { protected: false, limits: { graceHours: 0 } });
    await client.waitFor(await client.tenants.delete(key));
  };
  await gone().catch((error: unknown) => {
    const absent = error instanceof OffshootError && error.status === 404;
    if (!absent)
      console.error(`${key} could not be removed: ${error instanceof Error ? error.message : error}`);
  });
}

async function untilRefused(token: Token): Promise<void> {
  for (const deadline = Date.now() + REFUSED_WITHIN_MS; Date.now() < deadline; ) {
    const refused = await query(token, ["SELECT 1"]).then(
      () => false,
      () => true,
    );
    if (refused) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  throw new Error("A removed customer's database still takes connections.");
}

/** Runs statements one by one, as DSQL has them, and gives the rows of the last. */
async function query(token: Token, statements: readonly string[]): Promise<Record<string, unknown>[]> {
  const { connectTo, host, port, user, database } = token;
  const client = new pg.Client({
    ...{ host: connectTo?.address ?? host, port: connectTo?.port ?? port, user, database },
    password: token.token,
    ssl: { servername: host, ...(connectTo && { ca: await readFile(connectTo.caFile, "utf8") }) },
  });
  client.on("error", () => undefined);
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
}

async function reasonOf(refused: Promise<unknown>): Promise<string> {
  return refused.then(
    () => "nothing was refused",
    (error: unknown) => (error instanceof OffshootError ? error.reason : String(error)),
  );
}

function expect(seen: unknown, expected: unknown): void {
  if (seen !== expected) throw new Error(`Expected ${String(expected)}, but saw ${String(seen)}.`);
}
