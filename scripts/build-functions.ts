/** Bundles the functions for Lambda: dist/lambda/<function>/index.mjs, with source maps and no dependency at run time. */
import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { COMMON, MIGRATIONS, ROOT } from "./build-parts.ts";

export const FUNCTIONS = ["webhook", "http", "wake", "tick", "migrate"] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** Functions whose steps split migrations: the parser is a process of its own, with its WebAssembly beside it. */
const SPLITTING: readonly FunctionName[] = ["wake", "tick"];
const WORKER = "splitter-worker.mjs";

/** What pg and others load by `require` is Node's own; libpg-query finds its WebAssembly beside `__dirname`. */
const REQUIRE = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url), __dirname = import.meta.dirname;`;

export function functionDirectory(name: FunctionName, base: string = join(ROOT, "dist", "lambda")): string {
  return join(base, name);
}

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
  plugins: [MIGRATIONS],
};

/** Builds one function; what was there before is removed. */
async function buildFunction(name: FunctionName, base?: string): Promise<void> {
  const outdir = functionDirectory(name, base);
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  const credentials = join(ROOT, "service", "lambda", "credentials.ts");
  await build({
    ...OPTIONS,
    entryPoints: [{ in: `service/lambda/${name}.ts`, out: "index" }],
    outdir,
    // Parts that are loaded only when they are asked for are files of their own.
    splitting: true,
    chunkNames: "part-[hash]",
    define: SPLITTER,
    alias: {
      "@aws-sdk/credential-provider-node": credentials,
      "@aws-sdk/credential-providers": credentials,
      // Only for a description in YAML, which is not served.
      yaml: join(ROOT, "service", "lambda", "absent.ts"),
    },
  });
  if (SPLITTING.includes(name)) await buildSplitter(outdir);
}

/** Where a bundle finds the splitter's worker: see adapters/splitter.ts. */
export const SPLITTER = { SPLITTER_WORKER: JSON.stringify(`./${WORKER}`) };

/** The splitter's worker and its WebAssembly, into `outdir`. */
export async function buildSplitter(outdir: string): Promise<void> {
  const worker = { in: "service/adapters/splitter-worker.ts", out: WORKER.replace(/\.mjs$/, "") };
  await build({ ...OPTIONS, plugins: [], entryPoints: [worker], outdir });
  const wasm = "libpg-query.wasm";
  await copyFile(join(ROOT, "node_modules", "libpg-query", "wasm", wasm), join(outdir, wasm));
}

export async function buildFunctions(base?: string): Promise<void> {
  for (const name of FUNCTIONS) await buildFunction(name, base);
}

if (import.meta.main) await buildFunctions();
