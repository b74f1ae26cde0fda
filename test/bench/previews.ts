import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type Stack, startStack } from "../../local/demo/stack.ts";
import { clusterMb, residentMb } from "./memory.ts";
import { createWatcher, type Readiness, type Watcher } from "./readiness.ts";
import type { Bench, Line, Result } from "./result.ts";
import { readStages, type Stage } from "./stages.ts";
import { percentile } from "./statistics.ts";

const ONE_AFTER_ANOTHER = 50;
const AT_ONCE = 20;
/** Caps and quotas must not be what is measured. */
const PLENTY = "200";
/** At rest the splitter's worker is ended after 10 s, and V8 has collected what the work left. */
const REST_MS = 15_000;

/** From webhook to a verified database, with stand-ins for AWS and GitHub that answer at once; then what all that holds. */
export async function benchPreviews({ directory, tell }: Bench): Promise<readonly Result[]> {
  const stack = await startStack({
    directory,
    dsqlArgs: ["--creating-ms", "0", "--quota", PLENTY],
    serviceEnv: {
      OFFSHOOT_CLUSTER_QUOTA: PLENTY,
      OFFSHOOT_MAX_CLUSTERS: PLENTY,
      OFFSHOOT_ENVIRONMENTS_PER_AUTHOR: PLENTY,
      OFFSHOOT_ENVIRONMENTS_PER_REPOSITORY: PLENTY,
    },
  });
  try {
    const watcher = await createWatcher(stack.github.pageUrl);
    const single = await openInTurn(watcher, tell);
    await setTimeout(REST_MS);
    const memory = await memoryResult(stack);
    const burst = await openAtOnce(watcher, tell);
    watcher.close();
    const stages = [await readStages(stack, single), await readStages(stack, burst)] as const;
    return [readyResult(single, burst, stages), memory];
  } finally {
    await stack.stop();
  }
}

async function openInTurn(watcher: Watcher, tell: Bench["tell"]): Promise<readonly Readiness[]> {
  const found: Readiness[] = [];
  for (let index = 1; index <= ONE_AFTER_ANOTHER; index += 1) {
    found.push(await watcher.openAndWait(`turn-${index}`));
    if (index % 10 === 0)
      tell(`${index} pull requests ready, the last after ${Math.round(found.at(-1)?.ms ?? 0)} ms`);
  }
  return found;
}

async function openAtOnce(watcher: Watcher, tell: Bench["tell"]): Promise<readonly Readiness[]> {
  const opened = Array.from({ length: AT_ONCE }, (_, index) => watcher.openAndWait(`burst-${index}`));
  const found = await Promise.all(opened);
  tell(`${AT_ONCE} opened at once are ready`);
  return found;
}

function readyResult(
  single: readonly Readiness[],
  burst: readonly Readiness[],
  [singleStages, burstStages]: readonly [readonly Stage[], readonly Stage[]],
): Result {
  const ms = (of: readonly Readiness[], share: number) =>
    percentile(
      of.map((one) => one.ms),
      share,
    );
  const stageLines = (stages: readonly Stage[]) =>
    stages.map((stage): Line => ({ name: `   until ${stage.name}`, value: stage.ms, unit: "ms" }));
  return {
    benchmark: "ready: webhook to verified-ready comment, 3 migrations, zero-latency stand-ins",
    lines: [
      {
        name: `${single.length} one after another, p50`,
        value: ms(single, 0.5),
        unit: "ms",
        target: { most: 1_000 },
      },
      {
        name: `${single.length} one after another, p95`,
        value: ms(single, 0.95),
        unit: "ms",
        target: { most: 2_000 },
      },
      { name: `${single.length} one after another, max`, value: ms(single, 1), unit: "ms" },
      ...stageLines(singleStages),
      { name: `${burst.length} at once, ready`, value: burst.length, unit: "", target: { least: AT_ONCE } },
      { name: `${burst.length} at once, p50`, value: ms(burst, 0.5), unit: "ms" },
      { name: `${burst.length} at once, p95`, value: ms(burst, 0.95), unit: "ms" },
      { name: `${burst.length} at once, max`, value: ms(burst, 1), unit: "ms" },
      ...stageLines(burstStages),
    ],
    notes: [
      "timed from the opening of the pull request at the local GitHub to its event of the edited comment",
      "stages are medians, each from the end of the one before, by the service's own history",
    ],
  };
}

async function memoryResult(stack: Stack): Promise<Result> {
  const service = await residentMb(stack.servicePid());
  const cluster = await clusterMb(join(stack.directory, "dsql", "clusters"));
  const line = (name: string, value: number | null, most: number): readonly Line[] =>
    value === null ? [] : [{ name, value, unit: "MB", target: { most } }];
  return {
    benchmark: `memory, ${REST_MS / 1000} s after the last of ${ONE_AFTER_ANOTHER} pull requests`,
    lines: [
      ...line("service, resident", service, 150),
      ...line("one idle cluster of the local DSQL, PSS, mean", cluster, 10),
    ],
    notes: service === null ? ["this system has no /proc to measure memory with"] : [],
  };
}
