import { spawnSync } from "node:child_process";
import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  FUNCTIONS,
  type FunctionName,
  functionDirectory,
  functionFile,
  nodeOptions,
} from "../../infra/bundles.ts";
import { buildFunctions } from "../../scripts/build-functions.ts";
import { migrationFiles } from "../../service/adapters/store/migration-files.ts";
import { startStore } from "../support/store.ts";
import { serviceVariables } from "./function-variables.ts";
import type { Bench, Line, Result } from "./result.ts";
import { median } from "./statistics.ts";

const PAIRS = 15;
/** What the bundles may have, in bytes, all JavaScript of a function together. */
const MOST_BYTES: Readonly<Record<string, number>> = { webhook: 250_000 };
const MOST_BYTES_OTHERS = 1_600_000;
/** Cold start over bare node, and an event that each answers without an effect. */
const COLD: readonly (readonly [FunctionName, number, object])[] = [
  ["webhook", 1.8, { headers: {}, requestContext: { requestId: "r", http: { method: "POST" } } }],
  [
    "http",
    4,
    {
      version: "2.0",
      rawPath: "/healthz",
      rawQueryString: "",
      headers: {},
      requestContext: { requestId: "r", http: { method: "GET", path: "/healthz", sourceIp: "192.0.2.7" } },
    },
  ],
  ["wake", 3.8, { Records: [] }],
];

/** A function that starts, answers its first event and ends; then node, which does nothing. Also the bundles' sizes. */
export async function benchFunctions({ directory, tell }: Bench): Promise<readonly Result[]> {
  const bundles = join(directory, "bundles");
  await buildFunctions(bundles);
  const store = await startStore();
  try {
    const variables = serviceVariables({ storeUrl: store.url, githubUrl: "http://127.0.0.1:9" });
    await store.pool.query(
      "insert into meta (key, value) select 'migration:' || n, 'applied' from unnest($1::text[]) n on conflict do nothing",
      [(await migrationFiles()).map(({ name }) => name)],
    );
    const env = { ...process.env, ...variables, NODE_COMPILE_CACHE: join(directory, "compile-cache") };
    const lines: Line[] = [];
    for (const [name, most, event] of COLD) {
      tell(`cold starts of ${name}`);
      lines.push(
        ...(await coldStarts(directory, bundles, name, most, event, {
          ...env,
          NODE_OPTIONS: nodeOptions(name),
        })),
      );
    }
    return [
      {
        benchmark: "cold start to the first answer, whole process",
        lines,
        notes: [
          "with Node's compile cache, as warm as after a second start; the store is Postgres on loopback",
        ],
      },
      { benchmark: "bundles, all JavaScript of a function", lines: await sizes(bundles), notes: [] },
    ];
  } finally {
    await store.stop();
  }
}

async function coldStarts(
  directory: string,
  bundles: string,
  name: FunctionName,
  most: number,
  event: object,
  env: NodeJS.ProcessEnv,
): Promise<readonly Line[]> {
  const script = join(directory, `${name}.cjs`);
  const file = functionFile(name, bundles);
  await writeFile(
    script,
    // As Lambda's runtime loads a file of this kind.
    `require(${JSON.stringify(file)}).handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 100_000 })
       .then((answer) => process.exit(answer ? 0 : 1));`,
  );
  const run = (args: readonly string[]): number => {
    const begun = performance.now();
    const { status, stderr, stdout } = spawnSync(process.execPath, args, { env });
    if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}: ${stderr}${stdout}`);
    return performance.now() - begun;
  };
  const bare = () => run(["-e", "0"]);
  const cold = () => run([script]);
  for (let at = 0; at < 3; at += 1) [bare(), cold()];
  const pairs = Array.from({ length: PAIRS }, () => ({ bare: bare(), cold: cold() }));
  const ratio = median(pairs.map((pair) => pair.cold / pair.bare));
  return [
    { name: `${name}, median`, value: median(pairs.map((pair) => pair.cold)), unit: "ms" },
    { name: `${name} over bare node, pair by pair, median`, value: ratio, unit: "x", target: { most } },
  ];
}

async function sizes(bundles: string): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for (const name of FUNCTIONS) {
    const directory = functionDirectory(name, bundles);
    let bytes = 0;
    for (const file of await readdir(directory)) {
      if (/\.[cm]js$/.test(file)) bytes += (await stat(join(directory, file))).size;
    }
    const most = (MOST_BYTES[name] ?? MOST_BYTES_OTHERS) / 1_000;
    lines.push({ name: `${name}, KB`, value: bytes / 1_000, unit: "", target: { most } });
  }
  return lines;
}
