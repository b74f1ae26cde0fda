/** The deploy step that applies the store's schema; no other function may change it. */
import { migrateStore } from "../adapters/store/schema.ts";
import { openStore } from "../compose-parts.ts";
import { readStoreConfig } from "../config.ts";

/** Out: the names of what was applied, in order. Idempotent. Throws ConfigProblems, or what the store answers. */
export async function handler(): Promise<{ readonly applied: readonly string[] }> {
  const { pool, flavour } = openStore(readStoreConfig(process.env));
  try {
    return { applied: await migrateStore(pool, flavour) };
  } finally {
    await pool.end();
  }
}
