import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchApi } from "./api.ts";
import { benchBurst } from "./burst.ts";
import { benchDemo } from "./demo.ts";
import { benchFunctions } from "./functions.ts";
import { benchIngest } from "./ingest.ts";
import { benchPreviews } from "./previews.ts";
import { type Bench, holds, type Result, table } from "./result.ts";
import { benchTenants } from "./tenants.ts";
import { benchVersion } from "./version.ts";

const BENCHMARKS: Readonly<Record<string, (bench: Bench) => Promise<readonly Result[]>>> = {
  ingest: benchIngest,
  previews: benchPreviews,
  demo: benchDemo,
  api: benchApi,
  tenants: benchTenants,
  version: benchVersion,
  functions: benchFunctions,
  burst: benchBurst,
};
const USAGE = `Usage: scripts/bench [--only ${Object.keys(BENCHMARKS).join("|")}] [--json <file>]`;

process.exitCode = await main().catch((error: unknown) => {
  console.error(error);
  return 1;
});

/** Exit codes: 0 every target met, 1 failed or a target missed, 2 wrong usage. */
async function main(): Promise<number> {
  const { only, json } = readFlags();
  if (only !== undefined && !Object.hasOwn(BENCHMARKS, only)) {
    console.error(USAGE);
    return 2;
  }
  const results: Result[] = [];
  for (const [name, run] of Object.entries(BENCHMARKS)) {
    if (only === undefined || only === name) results.push(...(await inDirectory(run)));
  }
  console.log(`\n${table(results)}`);
  if (json) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`);
  return results.every((result) => result.lines.every(holds)) ? 0 : 1;
}

function readFlags(): { only?: string | undefined; json?: string | undefined } {
  try {
    return parseArgs({ options: { only: { type: "string" }, json: { type: "string" } } }).values;
  } catch {
    return { only: "" };
  }
}

/** Logs stay where a failed benchmark says; those of a good one are removed. */
async function inDirectory(run: (bench: Bench) => Promise<readonly Result[]>): Promise<readonly Result[]> {
  const directory = await mkdtemp(join(tmpdir(), "offshoot-bench-"));
  const result = await run({ directory, tell: (text) => console.error(text) });
  await rm(directory, { recursive: true, force: true });
  return result;
}
