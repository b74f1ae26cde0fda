import type { Pool } from "pg";
import { Refused } from "../../domain/errors.ts";
import { isConflict } from "./database.ts";
import { migrationFiles } from "./migration-files.ts";

const META = "CREATE TABLE IF NOT EXISTS meta (key text PRIMARY KEY, value text NOT NULL)";
/** Conflicts with another starter, or with DSQL's catalog after a change, pass within a few tries. */
const TRIES_MAX = 20;
const WAIT_MS = 100;
/** Postgres codes of "exists already": a crash after the statement and before its record leaves this. */
const EXISTS = new Set(["42P07", "42710", "42701"]);
const CREATE_INDEX = /^(create\s+(?:unique\s+)?index)\s+/i;

/** How an index is made: in the background on DSQL, at once on plain Postgres. */
export type StoreFlavour = "dsql" | "postgres";

/**
 * Applies the migrations that the store does not have yet; `applied` names them in order. Idempotent, and safe if two
 * start at once. A deploy step: the service itself only compares.
 */
export async function migrateStore(pool: Pool, flavour: StoreFlavour): Promise<readonly string[]> {
  // Of two who start together, plain Postgres may tell one that the other's table is there, despite IF NOT EXISTS.
  await retrying(() => pool.query(META)).catch(ignoreExisting);
  const done = await appliedMigrations(pool);
  const applied: string[] = [];
  for (const { name, text } of await migrationFiles()) {
    if (done.has(name)) continue;
    await apply(pool, flavour, text);
    await retrying(() =>
      pool.query("insert into meta (key, value) values ($1, 'applied') on conflict (key) do nothing", [
        `migration:${name}`,
      ]),
    );
    applied.push(name);
  }
  return applied;
}

/** Throws Refused `store_version` unless the store has exactly the migrations of this version of the service. */
export async function checkStoreVersion(pool: Pool): Promise<void> {
  const ours = (await migrationFiles()).map(({ name }) => name);
  const done = await retrying(() => appliedMigrations(pool)).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "42P01") return new Set<string>();
    throw error;
  });
  const missing = ours.filter((name) => !done.has(name));
  const unknown = [...done].filter((name) => !ours.includes(name));
  if (missing.length === 0 && unknown.length === 0) return;
  const what =
    missing.length > 0
      ? `lacks ${missing.join(", ")}`
      : `has ${unknown.join(", ")}, which this version does not know`;
  const next =
    missing.length > 0 ? "Run `offshoot store migrate`." : "Start the newer version of the service.";
  throw new Refused("store_version", `The store ${what}. ${next}`);
}

async function apply(pool: Pool, flavour: StoreFlavour, text: string): Promise<void> {
  const statement = flavour === "dsql" ? text.replace(CREATE_INDEX, "$1 ASYNC ") : text;
  try {
    const result = await retrying(() => pool.query<{ job_id?: string }>(statement));
    const job = result.rows[0]?.job_id;
    if (job) await pool.query("CALL sys.wait_for_job($1)", [job]);
  } catch (error) {
    ignoreExisting(error);
  }
}

function ignoreExisting(error: unknown): void {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (!EXISTS.has(code)) throw error;
}

async function appliedMigrations(pool: Pool): Promise<Set<string>> {
  const { rows } = await pool.query<{ key: string }>(
    "select key from meta where key like 'migration:%' order by key",
  );
  return new Set(rows.map((row) => row.key.slice("migration:".length)));
}

async function retrying<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(isConflict(error) || isCatalogRace(error)) || tries >= TRIES_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
  }
}

/** On plain Postgres the second of two who make the same table at once meets a key of the catalog, even with IF NOT EXISTS. */
function isCatalogRace(error: unknown): boolean {
  const { code, constraint } = Object(error);
  return code === "23505" && String(constraint).startsWith("pg_");
}
