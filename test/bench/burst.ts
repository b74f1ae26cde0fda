import { join } from "node:path";
import { buildFunctions } from "../../scripts/build-functions.ts";
import { type Faults, openStage, type Stage } from "./burst-play.ts";
import { pullAt } from "./burst-pulls.ts";
import { type FunctionsSide, type Side, startFunctionsSide, startServerSide } from "./burst-sides.ts";
import type { Bench, Line, Result } from "./result.ts";

const WEBHOOKS = 10_000;
/** The sides take turns, so that a slow moment of the machine meets both. */
const ROUNDS = 5;
/** Environments of each function at once, and connections of who sends. */
const CONCURRENCY = 10;
const CPU_RATIO_MOST = 6;

/** A burst of webhooks to their settled end, through one process and through the functions: what each costs. */
export async function benchBurst({ directory, tell }: Bench): Promise<readonly Result[]> {
  const bundles = join(directory, "bundles");
  await buildFunctions(bundles);
  const server = await openStage(join(directory, "server"), startServerSide);
  try {
    const start = (given: Parameters<typeof startFunctionsSide>[0]) =>
      startFunctionsSide(given, bundles, CONCURRENCY);
    const functions = await openStage(join(directory, "functions"), start);
    try {
      return [await measure(server, functions, tell)];
    } finally {
      await functions.stop();
    }
  } finally {
    await server.stop();
  }
}

async function measure(
  server: Stage<Side>,
  functions: Stage<FunctionsSide>,
  tell: Bench["tell"],
): Promise<Result> {
  const pulls = Array.from({ length: WEBHOOKS }, (_, index) => pullAt(index));
  const seconds = { server: 0, functions: 0 };
  for (let round = 0; round < ROUNDS; round += 1) {
    const some = pulls.slice((round * WEBHOOKS) / ROUNDS, ((round + 1) * WEBHOOKS) / ROUNDS);
    const turn = {
      server: await server.play(some, CONCURRENCY),
      functions: await functions.play(some, CONCURRENCY),
    };
    seconds.server += turn.server.seconds;
    seconds.functions += turn.functions.seconds;
    tell(
      `round ${round + 1}: server ${turn.server.seconds.toFixed(1)} s, functions ${turn.functions.seconds.toFixed(1)} s`,
    );
  }
  return resultOf({
    ...{ seconds, serverMs: server.side.cpuMs(), costs: await readCosts(functions.side) },
    faults: { server: await server.faults(pulls), functions: await functions.faults(pulls) },
  });
}

type Costs = Awaited<ReturnType<typeof readCosts>>;

async function readCosts({ queue, costs, cpuMs, coldStartMs }: FunctionsSide) {
  const [webhook, wake] = [costs("webhook"), costs("wake")];
  const coldMs =
    webhook.environments * (await coldStartMs("webhook")) + wake.environments * (await coldStartMs("wake"));
  return {
    ...{ webhook, wake, cpuMs: cpuMs(), coldMs },
    ...{ told: queue.told, left: queue.left() },
  };
}

interface Found {
  readonly seconds: { readonly server: number; readonly functions: number };
  readonly serverMs: number;
  readonly costs: Costs;
  readonly faults: { readonly server: Faults; readonly functions: Faults };
}

function resultOf({ seconds, serverMs, costs, faults }: Found): Result {
  const each = (name: string, ms: number): Line => ({ name, value: (ms * 1_000) / WEBHOOKS, unit: "µs" });
  const none = (name: string, value: number): Line => ({ name, value, unit: "", target: { most: 1 } });
  const { webhook, wake, left, told } = costs;
  return {
    benchmark: `burst: ${WEBHOOKS} webhooks to their end, at most ${CONCURRENCY} environments of each function`,
    lines: [
      each("server, CPU per webhook", serverMs),
      each("functions, CPU per webhook", costs.cpuMs),
      each(`   of that webhook, ${webhook.environments} environments`, webhook.cpuMs),
      each(`   of that wake, ${wake.environments} environments`, wake.cpuMs),
      each("   of both their cold starts", costs.coldMs),
      {
        name: "functions / server, CPU",
        ...{ value: costs.cpuMs / serverMs, unit: "x", target: { most: CPU_RATIO_MOST } },
      },
      none("server, lost", faults.server.lost),
      none("server, doubled", faults.server.doubled),
      none("functions, lost", faults.functions.lost),
      none("functions, doubled", faults.functions.doubled),
      none("messages left, or dead", left.open + left.dead),
      none("SendMessageBatch, off one for each commit", Math.abs(told.calls - told.repeated - WEBHOOKS)),
      { name: "   made again, without an answer in time", value: told.repeated, unit: "" },
      none("202s that waited for one", told.waited),
      { name: "server, whole", value: seconds.server, unit: "s" },
      { name: "functions, whole", value: seconds.functions, unit: "s" },
    ],
    notes: [
      "one delivery of 24 KB for each of as many pull requests in 50 repositories: nine of ten are closed, each tenth is opened from a fork and becomes a row and a comment, never a cluster",
      "both with a Postgres, a GitHub in the benchmark's process and a log at level info; the functions have a queue and a tick each minute",
      "a message is taken only once GitHub has the 202 of its delivery; a webhook function has one delivery at a time, so each of its commits holds one",
      "CPU is that of the processes' whole lives, cold starts and Lambda's runtime (as the tests have it) included",
    ],
  };
}
