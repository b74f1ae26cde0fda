/** Bundles the functions for Lambda: dist/lambda/<function>/index.cjs, with source maps and no dependency at run time. */
import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { FUNCTIONS, type FunctionName, functionDirectory, functionFile } from "../infra/bundles.ts";
import { COMMON, MIGRATIONS, ROOT } from "./build-parts.ts";

/** Functions whose steps split migrations: the parser is a process of its own, with its WebAssembly beside it. */
const SPLITTING: readonly FunctionName[] = ["wake", "tick"];
const WORKER = "splitter-worker.mjs";
/** Where a bundle finds the splitter's worker: see adapters/splitter.ts. */
export const SPLITTER = { SPLITTER_WORKER: JSON.stringify(`./${WORKER}`) };

/** What pg and others load by `require` is Node's own; libpg-query finds its WebAssembly beside `__dirname`. */
const REQUIRE = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url), __dirname = import.meta.dirname;`;

/**
 * pino asks who called it, for transports in threads, which we do not have; with `--enable-source-maps` the answer takes
 * parsing the whole source map at each start.
 */
const NO_CALLER: Plugin = {
  name: "no-caller",
  setup(to) {
    to.onLoad({ filter: /[\\/]pino[\\/]lib[\\/]caller\.js$/ }, () => ({
      contents: "module.exports = () => [];",
    }));
  },
};

/** What the bundles of the service share, as functions and in a container. */
export const OPTIONS: BuildOptions = {
  ...COMMON,
  target: "node24",
  minify: true,
  sourcemap: "linked",
  sourcesContent: false,
  outExtension: { ".js": ".mjs" },
  banner: { js: REQUIRE },
  // Parts of libraries that only other engines, browsers or databases load.
  external: ["pg-native", "pg-cloudflare", "bowser"],
  // What has modules as well as CommonJS is taken as modules: only those lose what nobody uses.
  mainFields: ["module", "main"],
  // Not "import", which esbuild adds by itself where one imports: `require` would take modules, too, as pg does pg-pool.
  conditions: ["module"],
  plugins: [MIGRATIONS, NO_CALLER],
};

/**
 * In CommonJS, which starts a function in four fifths of the time: what is loaded only when it is asked for stays
 * uncompiled in the same file, and Node loads of its own modules only what is used, where a module that imports
 * `node:http` gets undici with it.
 */
const FUNCTION_OPTIONS: BuildOptions = {
  ...OPTIONS,
  format: "cjs",
  banner: { js: `const fileUrl = require("node:url").pathToFileURL(__filename).href;` },
  define: { ...SPLITTER, "import.meta.url": "fileUrl" },
  supported: { "dynamic-import": false },
};

/** Builds one function; what was there before is removed. */
async function buildFunction(name: FunctionName, bundles?: string): Promise<void> {
  const outdir = functionDirectory(name, bundles);
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  const credentials = join(ROOT, "service", "lambda", "credentials.ts");
  await build({
    ...FUNCTION_OPTIONS,
    entryPoints: [`service/lambda/${name}.ts`],
    outfile: functionFile(name, bundles),
    alias: {
      "@aws-sdk/credential-provider-node": credentials,
      "@aws-sdk/credential-providers": credentials,
      // Only for a description in YAML, which is not served.
      yaml: join(ROOT, "service", "lambda", "absent.ts"),
    },
  });
  if (SPLITTING.includes(name)) await buildSplitter(outdir);
}

/** The splitter's worker and its WebAssembly, into `outdir`. */
export async function buildSplitter(outdir: string): Promise<void> {
  const worker = { in: "service/adapters/splitter-worker.ts", out: WORKER.replace(/\.mjs$/, "") };
  await build({ ...OPTIONS, plugins: [], entryPoints: [worker], outdir });
  const wasm = "libpg-query.wasm";
  await copyFile(join(ROOT, "node_modules", "libpg-query", "wasm", wasm), join(outdir, wasm));
}

export async function buildFunctions(bundles?: string): Promise<void> {
  for (const name of FUNCTIONS) await buildFunction(name, bundles);
}

if (import.meta.main) await buildFunctions();
