import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { vi } from "vitest";
import type * as row from "../../service/adapters/store/row.ts";
import type { SqlText } from "../../service/adapters/store/sql.ts";

const STORE = join(import.meta.dirname, "..", "..", "service", "adapters", "store");

/** Every named statement of the store's adapter, in the order of names: modules make theirs when they are loaded. */
export async function collectStatements(): Promise<readonly SqlText[]> {
  const found = new Map<string, SqlText>();
  vi.resetModules();
  vi.doMock("../../service/adapters/store/row.ts", async (original) => {
    const module = await original<typeof row>();
    const sql: typeof row.sql = (name, text) => {
      const statement = module.sql(name, text);
      found.set(name, statement);
      return statement;
    };
    return { ...module, sql };
  });
  const names = (await readdir(STORE)).filter((name) => name.endsWith(".ts")).sort();
  for (const name of names) await import(join(STORE, name));
  vi.doUnmock("../../service/adapters/store/row.ts");
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
