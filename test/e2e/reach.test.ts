/** Who reaches which database without a stored secret: a CI job by its OIDC token, a person by GitHub's login. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createKey } from "../../local/demo/key.ts";
import { openPull, waitForReport } from "../../local/demo/pull.ts";
import { type Stack, startStack } from "../../local/demo/stack.ts";
import { type Client, createClient, OffshootError } from "../../service/client/client.ts";
import { callLocal, idTokenOf, type JobVariables } from "../support/local-github.ts";
import { queryWith } from "../support/token-query.ts";

const SHOP = "acme/shop";
/** Private, and mallory has no part in it; of a public one GitHub says that everybody reads it. */
const BLOG = "acme/blog";
const NOT_FOUND = "not_found";

let stack: Stack;
let directory = "";
let key: Client;
/** Two pull requests, each with a table of its own, so that it shows whose database was reached. */
let mine: Place;
let theirs: Place;
let secret: Place;

interface Place {
  readonly id: string;
  readonly number: number;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-e2e-"));
  stack = await startStack({ directory });
  const credential = await createKey(stack, "e2e", ["tenants:write", "read", "tokens"]);
  key = createClient({ url: stack.serviceUrl, credential });
  await key.waitFor(await key.tenants.put("acme"));
  mine = await placeWith("mine", SHOP);
  theirs = await placeWith("theirs", SHOP);
  secret = await placeWith("secret", BLOG);
}, 120_000);

afterAll(async () => {
  await stack?.stop();
  await rm(directory, { recursive: true, force: true });
});

async function placeWith(table: string, repository: string): Promise<Place> {
  const files = { "migrations/0009_table.sql": `CREATE TABLE ${table} (id bigint PRIMARY KEY);\n` };
  const change = { author: "wendy", title: table, branch: table, files };
  const pull = await openPull(stack.github.pageUrl, repository, change);
  await waitForReport(pull, /Database ready/);
  const { items } = await key.environments.list({ repository, number: pull.number });
  expect(items).toHaveLength(1);
  return { id: String(items[0]?.id), number: pull.number };
}

/** The reason code that the API refused with, or whatever else was thrown as text. */
function reasonOf(refused: Promise<unknown>): Promise<string> {
  return refused.then(
    () => "nothing was refused",
    (error: unknown) => (error instanceof OffshootError ? error.reason : String(error)),
  );
}

const anonymous = () => createClient({ url: stack.serviceUrl });
const clientOf = ({ credential }: { credential: string }) =>
  createClient({ url: stack.serviceUrl, credential });

/** Signs in as a person does: the code is shown, and GitHub is told that it is all right. */
async function person(login: string): Promise<Client> {
  const door = anonymous().login;
  const { deviceCode, userCode } = await door.begin();
  await callLocal(stack.github, "POST", "/login/device", { userCode, login, approve: true });
  for (;;) {
    const now = await door.poll(deviceCode);
    if (!("status" in now)) return clientOf(now);
    await new Promise((resolve) => setTimeout(resolve, now.intervalSeconds * 1000));
  }
}

it("a job of a pull request reaches the database of exactly that one", async () => {
  const asked = { event: "pull_request", number: mine.number };
  const job = await callLocal<JobVariables>(stack.github, "POST", `/repositories/${SHOP}/jobs`, asked);
  const oidcToken = await idTokenOf(job, stack.serviceUrl);
  const client = clientOf(await anonymous().sessions.create(oidcToken));
  expect(await client.self()).toMatchObject({ kind: "job" });
  // A token is good once, and one for somebody else is good for nothing.
  expect(await reasonOf(anonymous().sessions.create(oidcToken))).toBe("oidc_replayed");
  const elsewhere = await idTokenOf(job, "https://elsewhere.example");
  expect(await reasonOf(anonymous().sessions.create(elsewhere))).toMatch(/^oidc_/);

  const token = await client.environments.token(mine.id);
  const rows = await queryWith(token, "INSERT INTO mine VALUES (1)", "SELECT id::int FROM mine");
  expect(rows).toEqual([{ id: 1 }]);
  const { items } = await client.environments.list();
  expect(items.map(({ id }) => id)).toEqual([mine.id]);
  const hidden = [
    client.environments.get(theirs.id),
    client.environments.get(secret.id),
    client.environments.events(theirs.id),
    client.environments.token(theirs.id),
    client.environments.token(theirs.id, { role: "reader" }),
    client.tenants.get("acme"),
    client.tenants.token("acme"),
  ];
  expect(await Promise.all(hidden.map(reasonOf))).toEqual(hidden.map(() => NOT_FOUND));
  // What was signed for one cluster opens no other.
  const other = await key.environments.token(theirs.id, { role: "reader" });
  expect(await reasonOf(queryWith({ ...token, host: other.host }, "SELECT 1"))).toMatch(/denied/);
  const log = await readFile(join(stack.directory, "log", "service.log"), "utf8");
  for (const one of [oidcToken, token.token, other.token]) expect(log).not.toContain(one);
});

it("a person who may write gets the owner's rights, who may read the reader's, and a stranger none", async () => {
  const [wendy, rita, mallory] = await Promise.all(["wendy", "rita", "mallory"].map(person));
  if (!wendy || !rita || !mallory) throw new Error("Somebody could not sign in.");
  expect(await wendy.self()).toMatchObject({ kind: "person" });
  const owner = await wendy.environments.token(theirs.id, { role: "owner" });
  await queryWith(owner, "INSERT INTO theirs VALUES (7)");

  const refused = rita.environments.token(theirs.id, { role: "owner" });
  await expect(refused).rejects.toMatchObject({ status: 403 });
  const reader = await rita.environments.token(theirs.id, { role: "reader" });
  expect(await queryWith(reader, "SELECT id::int FROM theirs")).toEqual([{ id: 7 }]);
  expect(await reasonOf(queryWith(reader, "INSERT INTO theirs VALUES (8)"))).toMatch(/permission denied/);

  const hidden = [
    ...[wendy, rita].map(({ tenants }) => tenants.token("acme", { role: "reader" })),
    mallory.environments.get(secret.id),
    mallory.environments.token(secret.id, { role: "reader" }),
  ];
  expect(await Promise.all(hidden.map(reasonOf))).toEqual(hidden.map(() => NOT_FOUND));
});
