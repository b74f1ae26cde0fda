import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..", "..");

interface Planted {
  readonly name: string;
  /** A folder of the project, and the text of a file in it. */
  readonly folder: string;
  readonly text: string;
  /** The rule that must complain; null if none may. */
  readonly rule: RegExp | null;
}

const IMPORT_RULE = /noRestrictedImports/;
const PURITY_RULE = /plugin|noRestrictedGlobals/;

/** [folder, what a file in it may not import, what it may] */
const ARROWS: readonly (readonly [string, readonly string[], string])[] = [
  ["service/domain", ["pg", "node:fs", "../handlers/ports.ts", "../adapters/log.ts"], "./limits.ts"],
  ["service/handlers", ["pg", "../adapters/log.ts", "../http/app.ts", "node:fs"], "../domain/limits.ts"],
  [
    "service/http",
    ["pg", "../adapters/log.ts", "../compose.ts", "@aws-sdk/client-dsql"],
    "../handlers/ports.ts",
  ],
  [
    "service/adapters",
    ["../http/app.ts", "../handlers/worker.ts", "../../local/dsql/engine.ts"],
    "../handlers/ports.ts",
  ],
  [
    "service/adapters/store",
    ["../../handlers/worker.ts", "../../compose.ts"],
    "../../handlers/ports-store.ts",
  ],
  ["service/client", ["node:fs", "pg", "../domain/limits.ts", "../cli/main.ts"], "./types.ts"],
  ["service/cli", ["../compose.ts", "../adapters/log.ts", "@aws-sdk/client-dsql"], "../client/client.ts"],
  ["service/cli", ["../handlers/keys.ts", "../action/run.ts"], "node:readline/promises"],
  ["service/cli/operator", ["../../../local/dsql/engine.ts", "../../http/app.ts"], "../../compose.ts"],
  ["service/action", ["../domain/limits.ts", "../cli/main.ts", "pg"], "../client/client.ts"],
  ["service", ["../local/dsql/engine.ts"], "./compose.ts"],
  [
    "infra",
    ["../service/compose.ts", "../local/run.ts", "../scripts/build.ts", "@aws-sdk/client-dsql"],
    "../service/config.ts",
  ],
  ["local/dsql", ["../../service/domain/limits.ts"], "./engine.ts"],
];

const IMPURE = ["Date.now()", "new Date()", "Math.random()", "setTimeout(() => {}, 1)", 'fetch("x")'];

const PLANTED: readonly Planted[] = [
  ...ARROWS.flatMap(([folder, forbidden, allowed]) => [
    ...forbidden.map((target) => imports(folder, target, IMPORT_RULE)),
    imports(folder, allowed, null),
  ]),
  plant(
    "a type import",
    "service/domain",
    'import type { Pool } from "pg";\nexport type P = Pool;\n',
    IMPORT_RULE,
  ),
  plant("an export from", "service/domain", 'export { Pool } from "pg";\n', IMPORT_RULE),
  plant("a dynamic import", "service/domain", 'export const pool = import("pg");\n', IMPORT_RULE),
  ...IMPURE.map((code) => plant(code, "service/domain", `export const x = ${code};\n`, PURITY_RULE)),
  plant("async", "service/domain", "export async function later(x: number) {\n  return x;\n}\n", PURITY_RULE),
];

let directory = "";
let findings: readonly { readonly category: string; readonly path: string }[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-lint-"));
  for (const file of ["biome.json", "pure.grit", ".gitignore"])
    await cp(join(ROOT, file), join(directory, file));
  for (const [i, planted] of PLANTED.entries()) {
    const file = join(directory, fileOf(planted, i));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, planted.text);
  }
  const biome = join(ROOT, "node_modules", ".bin", "biome");
  const args = ["lint", "--reporter=json", "--max-diagnostics=none", "."];
  const { stdout } = spawnSync(biome, args, { cwd: directory, encoding: "utf8" });
  const report = JSON.parse(stdout) as { diagnostics: { category: string; location: { path: unknown } }[] };
  findings = report.diagnostics.map((one) => ({
    category: one.category,
    path: JSON.stringify(one.location.path),
  }));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

describe("the linter holds the arrows of the design", () => {
  for (const [i, planted] of PLANTED.entries()) {
    const { name, folder, rule } = planted;
    it(`${rule ? "refuses" : "allows"} ${name} in ${folder}`, () => {
      const seen = findings.filter((one) => one.path.includes(fileOf(planted, i))).map((one) => one.category);
      if (rule) expect(seen.join(" ")).toMatch(rule);
      else expect(seen.join(" ")).not.toMatch(IMPORT_RULE);
    });
  }
});

function imports(folder: string, target: string, rule: RegExp | null): Planted {
  return plant(target, folder, `import * as planted from "${target}";\n\nexport { planted };\n`, rule);
}

function plant(name: string, folder: string, text: string, rule: RegExp | null): Planted {
  return { name, folder, text, rule };
}

function fileOf(planted: Planted, i: number): string {
  return `${planted.folder}/planted-${i}.ts`;
}
