import { join } from "node:path";
import { createKey } from "../../local/demo/key.ts";
import { type Stack, startStack } from "../../local/demo/stack.ts";
import { type Client, createClient } from "../../service/client/client.ts";
import type { Bench, Line, Result } from "./result.ts";
import { percentile } from "./statistics.ts";

/** A page shows this many. */
const PAGE = 100;
const LOOK_MS = 250;
/** A minute more than anything here takes on two cores. */
const PATIENCE_MS = 8 * 60_000;

interface Run {
  readonly name: string;
  readonly customers: number;
  readonly clients: number;
  readonly quota: number;
  readonly dsqlArgs: readonly string[];
  /** How long AWS takes for each cluster: what must bound the whole, rather than what we do. */
  readonly creatingMs?: number;
  /** Without engines nothing can be queried, so what is waited for is the cluster. */
  readonly until: "available" | "ready";
}

const RUNS: readonly Run[] = [
  {
    name: "1,000 customers at once by 32 clients, a control plane without engines",
    ...{ customers: 1_000, clients: 32, quota: 2_000, dsqlArgs: ["--no-engines"], until: "available" },
  },
  {
    name: "200 customers at once, each cluster 30 s in creation, a control plane without engines",
    ...{ customers: 200, clients: 32, quota: 400, dsqlArgs: ["--no-engines"], until: "available" },
    creatingMs: 30_000,
  },
  {
    name: "50 customers at once on real local clusters",
    ...{ customers: 50, clients: 32, quota: 200, dsqlArgs: [], until: "ready" },
  },
];

/** Customers put at once: none lost, none doubled. */
export async function benchTenants({ directory, tell }: Bench): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (const [index, run] of RUNS.entries()) {
    const stack = await startRun(join(directory, String(index)), run);
    try {
      results.push(await play(stack, run, tell));
    } finally {
      await stack.stop();
    }
  }
  return results;
}

/** The store needs an engine, so where clusters have none it is a Postgres of its own. */
async function startRun(directory: string, { quota, dsqlArgs, creatingMs }: Run): Promise<Stack> {
  const { startInstance } = await import("../../local/dsql/engine.ts");
  const isBare = dsqlArgs.length > 0;
  const instance = isBare ? await startInstance({ directory: join(directory, "store") }) : null;
  const stack = await startStack({
    directory,
    dsqlArgs: ["--quota", String(quota), ...latencyArgs(creatingMs), ...dsqlArgs],
    serviceEnv: { OFFSHOOT_CLUSTER_QUOTA: String(quota), OFFSHOOT_MAX_CLUSTERS: String(quota) },
    ...(instance ? { storeUrl: instance.url } : {}),
  });
  return {
    ...stack,
    async stop() {
      await stack.stop();
      await instance?.stop();
    },
  };
}

function latencyArgs(creatingMs: number | undefined): readonly string[] {
  return creatingMs === undefined ? [] : ["--creating-ms", String(creatingMs)];
}

async function play(stack: Stack, run: Run, tell: Bench["tell"]): Promise<Result> {
  const credential = await createKey(stack, "bench", ["tenants:write"]);
  const client = createClient({ url: stack.serviceUrl, credential });
  const waiting = Array.from({ length: run.customers }, (_, at) => `customer-${at}`);
  const took: number[] = [];
  const begun = performance.now();
  const put = async () => {
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
      const began = performance.now();
      await client.tenants.put(key, { protected: false });
      took.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: run.clients }, put));
  const putSeconds = (performance.now() - begun) / 1000;
  tell(`${run.customers} put in ${putSeconds.toFixed(1)} s`);
  await untilDone(stack, client, run, tell);
  const seconds = (performance.now() - begun) / 1000;
  return resultOf(stack, run, { took, putSeconds, seconds });
}

async function untilDone(stack: Stack, client: Client, run: Run, tell: Bench["tell"]): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const done = run.until === "ready" ? await countReady(client) : (await clustersOf(stack)).length;
    if (done >= run.customers) return;
    if (performance.now() > end) throw new Error(`${done} of ${run.customers} are ${run.until}`);
    tell(`${done} of ${run.customers} ${run.until}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS * 8));
  }
}

async function countReady(client: Client): Promise<number> {
  let ready = 0;
  for await (const tenant of client.tenants.all({ limit: PAGE })) if (tenant.phase === "ready") ready += 1;
  return ready;
}

/** The customers' clusters that AWS has, by the tag of their row. */
async function clustersOf({ dsql }: Stack): Promise<readonly string[]> {
  const answer = await fetch(new URL("/_local/clusters", dsql.controlUrl));
  const clusters = (await answer.json()) as { status: string; tags: Record<string, string> }[];
  return clusters
    .filter(({ status, tags }) => status === "ACTIVE" && tags["offshoot:kind"] === "tenant")
    .map(({ tags }) => String(tags["offshoot:cluster"]));
}

async function resultOf(
  stack: Stack,
  run: Run,
  { took, putSeconds, seconds }: { took: readonly number[]; putSeconds: number; seconds: number },
): Promise<Result> {
  const clusters = await clustersOf(stack);
  const exactly = (value: number): Pick<Line, "value" | "unit" | "target"> => ({
    ...{ value, unit: "" },
    target: { least: run.customers },
  });
  return {
    benchmark: run.name,
    lines: [
      { name: "clusters at AWS", ...exactly(clusters.length) },
      { name: "rows of ours that they carry", ...exactly(new Set(clusters).size) },
      { name: "clusters too many", value: clusters.length - run.customers, unit: "", target: { most: 1 } },
      { name: "put, p50", value: percentile(took, 0.5), unit: "ms" },
      { name: "put, p95", value: percentile(took, 0.95), unit: "ms" },
      { name: "put, per second", value: run.customers / putSeconds, unit: "/s" },
      { name: `until all are ${run.until}`, value: seconds, unit: "s" },
      { name: `${run.until}, per second`, value: run.customers / seconds, unit: "/s" },
      ...latencyLines(run, seconds),
    ],
    notes: [],
  };
}

/** A look every 5 s at most finds what has changed, so a sixth of the latency is not our work but our patience. */
function latencyLines({ creatingMs }: Run, seconds: number): readonly Line[] {
  if (creatingMs === undefined) return [];
  const name = "the whole over the latency of one cluster";
  return [{ name, value: (seconds * 1_000) / creatingMs, unit: "x", target: { most: 1.5 } }];
}
