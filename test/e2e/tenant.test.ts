import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { queryOnce } from "../../local/demo/connection.ts";
import { createBackEndKey } from "../../local/demo/key.ts";
import { waitFor } from "../../local/demo/pull.ts";
import { LOCAL_CREDENTIALS, type Stack, startStack } from "../../local/demo/stack.ts";
import { listClusters } from "../../local/demo/story.ts";
import { type Client, createClient } from "../../service/client/client.ts";

const PATIENCE_MS = 60_000;
/** Each so long after the one before: shorter than the operations, so that kills fall into all of their steps. */
const KILLS = [
  [0, "Service"],
  [150, "Dsql"],
  [500, "Service"],
] as const;

let stack: Stack;
let directory = "";
let client: Client;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-tenant-"));
  stack = await startStack({ directory, serviceEnv: { OFFSHOOT_LEASE_SECONDS: "1" } });
  const credential = await createBackEndKey(stack);
  client = createClient({ url: stack.serviceUrl, credential });
});

afterAll(async () => {
  await stack?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Runs a query on the customer's cluster as this machine's operator, whom no API stands between. */
async function query(host: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const { frontAddress: address, frontPort: port, caFile, region } = stack.dsql;
  const to = { host, region, address, port, caFile, ...LOCAL_CREDENTIALS };
  return queryOnce({ ...to, user: "admin", database: "postgres" }, sql);
}

/** A write that is sent until it is answered, always under the same Idempotency-Key, while `disturb` goes on beside it. */
async function asked<T>(send: () => Promise<T>, disturb: () => Promise<void>): Promise<T> {
  const disturbed = disturb();
  for (;;) {
    try {
      const answer = await send();
      await disturbed;
      return answer;
    } catch (error) {
      const { status } = Object(error);
      // The client's own tries are over: the service is on its way up again.
      if (status !== 0 && status !== 503) throw error;
    }
  }
}

async function untilPhase(key: string, phase: string): Promise<void> {
  await waitFor(
    `${key} ${phase}`,
    PATIENCE_MS,
    async () => {
      const now = await client.tenants.get(key).catch(() => null);
      return now?.phase === phase ? now : null;
    },
    async () => JSON.stringify(await client.tenants.get(key).catch(String)),
  );
}

/** One customer from sign-up to the end; `disturb` is called beside each write and returns when it is over. */
async function live(key: string, disturb: () => Promise<void>): Promise<void> {
  const write = <T>(send: (more: { idempotencyKey: string }) => Promise<T>, name: string) =>
    asked(() => send({ idempotencyKey: `${key}-${name}` }), disturb);
  await write((more) => client.tenants.put(key, { protected: false }, more), "put");
  await untilPhase(key, "ready");
  const host = (await client.tenants.get(key)).endpoint?.host ?? "";
  await query(host, "CREATE TABLE note (text text PRIMARY KEY)");
  await query(host, "INSERT INTO note VALUES ('kept')");
  const before = await listClusters(stack);
  expect(before).toHaveLength(1);

  await write((more) => client.tenants.delete(key, more), "delete");
  await untilPhase(key, "retired");
  await waitFor(
    "a refusal",
    PATIENCE_MS,
    async () =>
      query(host, "SELECT 1").then(
        () => null,
        (error: unknown) => String(error),
      ),
    async () => "The retired database still answers.",
  );
  await write((more) => client.tenants.restore(key, more), "restore");
  await untilPhase(key, "ready");
  expect(await listClusters(stack)).toEqual(before);
  expect((await client.tenants.get(key)).endpoint?.host).toBe(host);
  expect(await query(host, "SELECT text FROM note")).toEqual([{ text: "kept" }]);

  await client.tenants.patch(key, { limits: { graceHours: 0 } });
  await write((more) => client.tenants.delete(key, more), "end");
  await untilPhase(key, "destroyed");
  expect(await listClusters(stack)).toEqual([]);
  const events = [];
  for await (const { kind } of client.tenants.allEvents(key)) events.push(kind);
  for (const once of ["tenant_created", "restore_asked", "cluster_intended"]) {
    expect(events.filter((kind) => kind === once)).toEqual([once]);
  }
  expect(events.filter((kind) => kind === "deleted")).toHaveLength(2);
}

it("lives once, undisturbed", () => live("calm", async () => {}));

it("lives the same when the service, and the local DSQL with the store in it, are killed during every write", async () => {
  let kills = 0;
  await live("killed", async () => {
    for (const [ms, part] of KILLS) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      await stack[`kill${part}`]();
      await stack[`start${part}`]();
      kills += 1;
    }
  });
  expect(kills).toBe(4 * KILLS.length);
}, 240_000);
