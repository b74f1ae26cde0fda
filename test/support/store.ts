import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startInstance } from "../../local/dsql/engine.ts";
import { createDatabase } from "../../service/adapters/store/database.ts";
import { META } from "../../service/adapters/store/schema.ts";
import { createStore } from "../../service/adapters/store/store.ts";

const MIGRATIONS = join(import.meta.dirname, "..", "..", "service", "migrations");

export interface StoreOptions {
  /** Connections of the pool. */
  readonly max?: number;
  /** Further settings of Postgres. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A store on a plain Postgres of its own, with the service's schema. */
export async function startStore(options: StoreOptions = {}) {
  const directory = await mkdtemp(join(tmpdir(), "offshoot-store-"));
  const settings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off", ...options.settings };
  const instance = await startInstance({ directory: join(directory, "data"), settings });
  const pool = new pg.Pool({ connectionString: instance.url, max: options.max ?? 4 });
  await applySchema(pool);
  const database = createDatabase(pool);
  return {
    url: instance.url,
    pool,
    database,
    store: createStore(database),
    /** Empties every table. */
    async clear() {
      const { rows } = await pool.query<{ relname: string }>(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
      );
      await pool.query(`truncate ${rows.map((row) => row.relname).join(", ")}`);
    },
    async stop() {
      await pool.end();
      await instance.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export type TestStore = Awaited<ReturnType<typeof startStore>>;

/** Applies service/migrations in name order, as plain Postgres takes them. */
export async function applySchema(client: { query(text: string): Promise<unknown> }): Promise<void> {
  await client.query(META);
  const names = (await readdir(MIGRATIONS)).filter((name) => name.endsWith(".sql")).sort();
  for (const name of names) await client.query(await readFile(join(MIGRATIONS, name), "utf8"));
}
