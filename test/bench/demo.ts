import { join } from "node:path";
import { runToEnd } from "../../local/demo/process.ts";
import type { Bench, Result } from "./result.ts";

/** How long `scripts/demo --once` plays its story, everything being installed. */
export async function benchDemo({ directory }: Bench): Promise<readonly Result[]> {
  const begun = performance.now();
  await runToEnd({
    script: "local/demo/main.ts",
    args: ["--once"],
    logFile: join(directory, "demo.log"),
  });
  const seconds = (performance.now() - begun) / 1000;
  const line = {
    name: "scripts/demo --once, warm",
    value: seconds,
    unit: "s",
    target: { most: 30 },
  } as const;
  return [{ benchmark: "demo", lines: [line], notes: [] }];
}
