/** The functions and their bundles, as scripts/build-functions.ts makes them and the stack deploys them. */
import { join } from "node:path";

export const FUNCTIONS = ["webhook", "http", "wake", "tick", "migrate"] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** Where the bundles are: a directory for each function. */
export const BUNDLES = join(import.meta.dirname, "..", "dist", "lambda");

export function functionDirectory(name: FunctionName, bundles: string = BUNDLES): string {
  return join(bundles, name);
}

/** The one file of a function. */
export function functionFile(name: FunctionName, bundles?: string): string {
  return join(functionDirectory(name, bundles), "index.cjs");
}

/**
 * How Node is to run a function: lines of the sources in stack traces, but for http, whose map would take a fifth of its
 * start; it lies beside the bundle.
 */
export function nodeOptions(name: FunctionName): string {
  return name === "http" ? "" : "--enable-source-maps";
}
