import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { buildCli, CLI_FILE } from "../../scripts/build.ts";
import type { Bench, Result } from "./result.ts";
import { median } from "./statistics.ts";

/** Each a process of a few dozen milliseconds; the two take turns, so that a slower moment is slow for both. */
const PAIRS = 40;

/** How long the bundled command line takes to say its version, against the same node that does nothing. */
export async function benchVersion({ directory }: Bench): Promise<readonly Result[]> {
  await buildCli();
  const env = { ...process.env, NODE_COMPILE_CACHE: join(directory, "compile-cache") };
  const run = (args: readonly string[]): number => {
    const begun = performance.now();
    const { status, stderr } = spawnSync(process.execPath, args, { env });
    if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}: ${stderr}`);
    return performance.now() - begun;
  };
  const bare = () => run(["-e", "0"]);
  const version = () => run([CLI_FILE, "--version"]);
  for (let at = 0; at < 3; at += 1) [bare(), version()];
  const pairs = Array.from({ length: PAIRS }, () => ({ bare: bare(), version: version() }));
  return [
    {
      benchmark: "offshoot --version, whole process",
      lines: [
        { name: "bare node, median", value: median(pairs.map((pair) => pair.bare)), unit: "ms" },
        { name: "offshoot --version, median", value: median(pairs.map((pair) => pair.version)), unit: "ms" },
        {
          name: "ratio pair by pair, median",
          value: median(pairs.map((pair) => pair.version / pair.bare)),
          unit: "x",
          target: { most: 1.8 },
        },
      ],
      notes: [],
    },
  ];
}
