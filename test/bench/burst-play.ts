import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { startInstance } from "../../local/dsql/engine.ts";
import { migrateStore } from "../../service/adapters/store/schema.ts";
import { pullKey } from "../../service/domain/owner.ts";
import { type BurstGithub, startBurstGithub } from "./burst-github.ts";
import { type BurstPull, requestFor } from "./burst-pulls.ts";
import type { Side, SideStart } from "./burst-sides.ts";
import { serviceVariables } from "./function-variables.ts";
import { sendAll } from "./load.ts";

const LOOK_MS = 100;
/** A round takes half a minute on two cores; a busy machine may need many times that. */
const PATIENCE_MS = 10 * 60_000;
/** Each environment of wake may have 12, one of webhook 2; the rest is the benchmark's. */
const STORE_SETTINGS = { max_connections: "250" };

/** A side with a store and a GitHub of its own. */
export interface Stage<One extends Side> {
  readonly side: One;
  /** Sends a delivery for each pull request and waits until nothing is left to do. Out: how long that took. */
  play(pulls: readonly BurstPull[], connections: number): Promise<{ readonly seconds: number }>;
  /** What was lost or done twice of all these, which were played. */
  faults(pulls: readonly BurstPull[]): Promise<Faults>;
  stop(): Promise<void>;
}

export interface Faults {
  readonly lost: number;
  readonly doubled: number;
}

export async function openStage<One extends Side>(
  directory: string,
  startSide: (start: SideStart) => Promise<One>,
): Promise<Stage<One>> {
  await mkdir(directory);
  const ends: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const github = await startBurstGithub();
    ends.push(github.stop);
    const { url, pool, stop: stopStore } = await openStore(join(directory, "store"));
    ends.push(stopStore);
    const env = {
      ...serviceVariables({ storeUrl: url, githubUrl: github.url }),
      ...{ OFFSHOOT_DSQL_ENDPOINT: github.url, OFFSHOOT_LOG_LEVEL: "info" },
    };
    const side = await startSide({ env, directory });
    ends.push(side.stop);
    return {
      ...{ side, stop },
      async play(pulls, connections) {
        const begun = performance.now();
        await send(side, pulls, connections);
        await untilSettled(pool, side);
        return { seconds: (performance.now() - begun) / 1_000 };
      },
      faults: (pulls) => countFaults(pool, github, pulls),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function openStore(directory: string) {
  const instance = await startInstance({ directory, settings: STORE_SETTINGS });
  const pool = new pg.Pool({ connectionString: instance.url, max: 2 });
  // One that is ending may still hear that Postgres ends.
  pool.on("error", () => {});
  await migrateStore(pool, "postgres");
  const stop = async () => {
    await pool.end();
    await instance.stop();
  };
  return { url: instance.url, pool, stop };
}

async function send(side: Side, pulls: readonly BurstPull[], connections: number): Promise<void> {
  const waiting = pulls.values();
  const sent = new Map<Buffer, BurstPull>();
  const next = () => {
    const pull = waiting.next().value;
    if (!pull) return null;
    const request = requestFor(pull);
    sent.set(request, pull);
    return request;
  };
  await sendAll({ port: side.port, connections }, next, (_ms, request) => {
    const pull = sent.get(request);
    sent.delete(request);
    if (pull) side.answered(keyOf(pull));
  });
}

function keyOf({ repositoryId, number }: BurstPull): string {
  return pullKey({ host: "github.com", repositoryId, number });
}

/** Chores are for ever, and three minutes after a comment was written it is looked at once more. */
const OPEN = `
  select count(*)::int as count from wakeup w
  where topic <> 'chore' and not (topic = 'report' and lease_until is null and due_at > $1 and exists
    (select from report r where r.pull_key = w.key and r.audit_at = w.due_at))`;

async function untilSettled(pool: pg.Pool, side: Side): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const { rows } = await pool.query<{ count: number }>(OPEN, [new Date()]);
    const open = rows[0]?.count ?? 0;
    if (open === 0 && side.isQuiet()) return;
    if (performance.now() > end) throw new Error(`${open} wakeups are open, or the queue is not empty.`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

const DELIVERIES = "select outcome, count(*)::int as count from delivery group by 1";
const ENVIRONMENTS = "select count(*)::int as count from environment where wanted_reason = 'fork'";

/** Each delivery was applied, each pull request read once, and each of a fork has one row and one comment. */
async function countFaults(pool: pg.Pool, github: BurstGithub, pulls: readonly BurstPull[]): Promise<Faults> {
  const deliveries = await pool.query<{ outcome: string | null; count: number }>(DELIVERIES);
  const applied = deliveries.rows.find(({ outcome }) => outcome === "applied")?.count ?? 0;
  const stored = deliveries.rows.reduce((sum, { count }) => sum + count, 0);
  const environments = (await pool.query<{ count: number }>(ENVIRONMENTS)).rows[0]?.count ?? 0;
  const all = pulls.length;
  const forks = pulls.filter(({ isFork }) => isFork).length;
  const { reads, comments } = github;
  const above = (found: number, wanted: number) => Math.max(0, found - wanted);
  const twice = (counts: ReadonlyMap<string, number>) =>
    [...counts.values()].filter((times) => times > 1).length;
  const found = [
    [applied, all],
    [reads.size, all],
    [environments, forks],
    [comments.size, forks],
  ] as const;
  return {
    lost: found.reduce((sum, [is, wanted]) => sum + above(wanted, is), 0),
    doubled:
      found.reduce((sum, [is, wanted]) => sum + above(is, wanted), above(stored, all)) +
      twice(reads) +
      twice(comments),
  };
}
