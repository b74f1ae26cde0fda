/** The stack as its golden file has it, which test/infra/stack.test.ts holds: nothing has to be synthesized for a page. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Resource } from "../support/stack-template.ts";

const FILE = join(import.meta.dirname, "..", "infra", "golden", "least.json");

export const STACK = JSON.parse(readFileSync(FILE, "utf8")) as {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, unknown>>;
};

export function resourcesOf(type: string): readonly Resource[] {
  return Object.values(STACK.Resources).filter(({ Type }) => Type === type);
}
