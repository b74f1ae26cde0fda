/** Bundles what runs without this checkout: dist/offshoot.cjs, dist/lambda, dist/client and dist/action. */
import { spawnSync } from "node:child_process";
import { chmod, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { buildFunctions } from "./build-functions.ts";
import { COMMON, MIGRATIONS, ROOT } from "./build-parts.ts";

export const CLI_FILE = join(ROOT, "dist", "offshoot.cjs");
export const ACTION_FILE = join(ROOT, "dist", "action", "index.js");
const CLIENT_FILE = join(ROOT, "dist", "client", "client.js");

/**
 * Node parses a whole file before the first line runs, so the command line's one file has its parts as texts, which are
 * compiled when they are asked for: `--version` needs none, and only operators need AWS' SDK and the store.
 */
const PARTS = { main: "service/cli/main.ts", operator: "service/cli/operator/commands.ts" } as const;

const LAZY: Plugin = {
  name: "lazy",
  setup(to) {
    to.onResolve({ filter: /^\./ }, ({ path, kind, resolveDir }) => {
      const file = relative(ROOT, join(resolveDir, path));
      const found = Object.entries(PARTS).find(([, entry]) => entry === file);
      if (!found || kind !== "dynamic-import") return undefined;
      return { path: found[0], namespace: "part" };
    });
    to.onLoad({ filter: /./, namespace: "part" }, ({ path }) => ({
      contents: `module.exports = part(${JSON.stringify(path)});`,
    }));
  },
};

/** `part` of the bundle: runs the text of a part once. */
const LOADER = `const part = (name) => (part.done[name] ??= part.run(name));
part.done = {};
part.run = (name) => {
  const module = { exports: {} };
  const { compileFunction } = require("node:vm");
  const names = ["require", "module", "exports", "part"];
  compileFunction(parts[name], names, { filename: __filename + "#" + name })(require, module, module.exports, part);
  return module.exports;
};`;

/** The command line: one file, in CommonJS, because a module's imports would all be loaded before its first line. */
export async function buildCli(outfile: string = CLI_FILE): Promise<void> {
  const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { version: string };
  const options: BuildOptions = {
    ...COMMON,
    format: "cjs",
    minify: true,
    // A text of ASCII is half as large in memory, and read faster.
    charset: "ascii",
    external: ["pg-native", "pg-cloudflare"],
    // A text that is compiled has no loader of modules; `require` does.
    supported: { "dynamic-import": false },
    define: { OFFSHOOT_VERSION: JSON.stringify(version) },
    // What reads files beside itself is replaced above, or not part of the bundle.
    logOverride: { "empty-import-meta": "silent" },
    plugins: [MIGRATIONS, LAZY],
  };
  const parts: Record<string, string> = {};
  for (const [name, entry] of Object.entries(PARTS)) {
    const { outputFiles } = await build({ ...options, entryPoints: [entry], write: false });
    parts[name] = outputFiles?.[0]?.text ?? "";
  }
  const banner = { js: `const parts = ${JSON.stringify(parts)};\n${LOADER}` };
  await build({ ...options, entryPoints: ["service/cli.ts"], outfile, banner });
  await chmod(outfile, 0o755);
}

/** The Action's one file. Committed, so it is not minified: a change of it can be read. */
export function actionOptions(): BuildOptions {
  return { ...COMMON, entryPoints: ["service/action/main.ts"], outfile: ACTION_FILE, target: "node24" };
}

export function clientOptions(): BuildOptions {
  return {
    ...COMMON,
    entryPoints: ["service/client/client.ts"],
    outfile: CLIENT_FILE,
    platform: "neutral",
    target: "es2022",
  };
}

function declareClient(): void {
  const tsc = join(ROOT, "node_modules", ".bin", "tsc");
  const { status, stdout } = spawnSync(tsc, ["--project", "tsconfig.client.json"], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`The client's types cannot be written:\n${stdout}`);
}

if (import.meta.main) {
  await buildCli();
  await buildFunctions();
  await build(actionOptions());
  await build(clientOptions());
  declareClient();
}
