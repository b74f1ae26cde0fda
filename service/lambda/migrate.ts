/** The deploy step that applies the store's schema; no other function may change it. */
import { prepareStore } from "../compose-parts.ts";
import { readStoreConfig } from "../config.ts";

/** Out: the names of what was applied, in order. Idempotent. Throws ConfigProblems, Refused, or what the store answers. */
export async function handler(): Promise<{ readonly applied: readonly string[] }> {
  return { applied: await prepareStore(readStoreConfig(process.env)) };
}
