import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { compile, type JSONSchema } from "json-schema-to-typescript";
import * as schemas from "../service/http/schemas.ts";

const ROOT = join(import.meta.dirname, "..");
export const TYPES_FILE = join(ROOT, "service", "client", "types.ts");
const BANNER =
  "/** Written by scripts/generate-client-types from the API's schemas. Change service/http/schemas.ts instead. */";
/** Queries are arguments of the client's methods, and a page is generic there. */
const LEFT_OUT = new Set(["Wait", "Page", "LabelFilter", "pageOf"]);

/** The text of the client's types: one exported type per schema of the API, under its name. */
export async function clientTypes(): Promise<string> {
  const named = Object.entries(schemas)
    .filter(([name]) => !LEFT_OUT.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const names = new Map(named.map(([name, schema]) => [JSON.stringify(schema), name]));
  const definitions = Object.fromEntries(named.map(([name, schema]) => [name, plain(name, schema, names)]));
  const root: JSONSchema = { title: "Api", type: "object", additionalProperties: false, definitions };
  const text = await compile(root, "Api", {
    bannerComment: BANNER,
    additionalProperties: false,
    unreachableDefinitions: true,
    ignoreMinAndMaxItems: true,
    format: false,
  });
  return formatted(
    text.replace(/export interface Api \{\s*\}\n/, "").replace(/ *\/\*\*[\s\S]*?\*\/\n/g, tersely),
  );
}

/** A comment without what the compiler adds of its own; nothing if nothing else is in it. */
function tersely(comment: string): string {
  const lines = comment.split("\n").map((line) => line.replace(/^\s*(\/\*\*|\*\/|\*)?\s*|\s*\*\/$/g, ""));
  const ours = lines.filter((line) => !/^(This interface was|via the `|@|$)/.test(line));
  return ours.length > 0 ? `/** ${ours.join(" ")} */\n` : "";
}

/** The schema as JSON with its name as the title; what stands in it and has a name itself becomes a reference. */
function plain(name: string, schema: unknown, names: ReadonlyMap<string, string>): JSONSchema {
  const text = JSON.stringify(schema, (key, value) => {
    if (key === "$ref") return `#/definitions/${value}`;
    if (key === "$id") return undefined;
    const known = key === "" ? undefined : names.get(JSON.stringify(value));
    return known ? { $ref: known } : value;
  });
  return { ...(JSON.parse(text) as JSONSchema), title: name };
}

function formatted(text: string): string {
  const biome = join(ROOT, "node_modules", ".bin", "biome");
  const args = ["format", `--stdin-file-path=${TYPES_FILE}`];
  const { status, stdout, stderr } = spawnSync(biome, args, { cwd: ROOT, input: text, encoding: "utf8" });
  if (status !== 0) throw new Error(`The generated types cannot be formatted: ${stderr}`);
  return stdout;
}

if (import.meta.main) await writeFile(TYPES_FILE, await clientTypes());
