import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { type Stack, startStack } from "../../local/demo/stack.ts";
import { listClusters, playStory } from "../../local/demo/story.ts";

/** A killed worker's keys are free again this soon; in production it is a minute. */
const LEASE_SECONDS = "1";
/** Deletion at the local AWS takes this long, so that a kill can fall into it. */
const DSQL_ARGS = ["--creating-ms", "200", "--deleting-ms", "200"];

let stack: Stack | null = null;
let directory = "";

afterEach(async () => {
  await stack?.stop();
  stack = null;
  await rm(directory, { recursive: true, force: true });
});

async function start(): Promise<Stack> {
  directory = await mkdtemp(join(tmpdir(), "offshoot-e2e-"));
  const serviceEnv = { OFFSHOOT_LEASE_SECONDS: LEASE_SECONDS };
  stack = await startStack({ directory, dsqlArgs: DSQL_ARGS, serviceEnv });
  return stack;
}

/** What a person does on GitHub's page after an outage: redeliver what failed. */
async function redeliverFailed(running: Stack): Promise<void> {
  const url = `${running.github.pageUrl}/_local/deliveries`;
  const deliveries = (await (await fetch(url)).json()) as { id: string; guid: string; status: string }[];
  const delivered = new Set(deliveries.filter((one) => one.status === "OK").map((one) => one.guid));
  const failed = new Map(
    deliveries.filter((one) => !delivered.has(one.guid)).map((one) => [one.guid, one.id]),
  );
  for (const id of failed.values()) await fetch(`${url}/${id}/redeliver`, { method: "POST" });
}

/** A person whose query meets the crash tries again for this long. */
const PATIENCE_MS = 20_000;
/** How often the person looks at the list of failed deliveries. */
const REDELIVER_MS = 1_000;

/** Plays the story while `crash` happens a little after every step; the story itself knows nothing of it. */
async function playWithCrashes(running: Stack, crash: (count: number) => Promise<void>): Promise<number> {
  let crashes = 0;
  let over = false;
  let busy = Promise.resolve();
  const failures: unknown[] = [];
  const tell = () => {
    // Different distances after a step make the crash fall on different places of the next one.
    const delayMs = 20 + 90 * (crashes % 5);
    const count = crashes;
    crashes += 1;
    busy = busy
      .then(() => sleep(delayMs))
      .then(() => crash(count))
      .catch((error: unknown) => void failures.push(error));
  };
  const redelivering = (async () => {
    while (!over) await sleep(REDELIVER_MS).then(() => redeliverFailed(running));
  })();
  try {
    await playStory(running, tell, { patienceMs: PATIENCE_MS });
  } finally {
    over = true;
    await busy;
    await redelivering;
  }
  expect(failures).toEqual([]);
  return crashes;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

it("ends the story the same when the service and the local DSQL are killed by turns, one in each step", {
  timeout: 300_000,
}, async () => {
  const running = await start();
  const crashes = await playWithCrashes(running, async (count) => {
    if (count % 2 === 0) {
      await running.killService();
      await running.startService();
    } else {
      await running.killDsql();
      await running.startDsql();
    }
  });
  expect(crashes).toBeGreaterThan(10);
  expect(await listClusters(running)).toEqual([]);
});
