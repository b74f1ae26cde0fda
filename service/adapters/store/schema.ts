import type { Pool } from "pg";
import { Refused } from "../../domain/errors.ts";
import { isConflict } from "./database.ts";
import { type MigrationFile, migrationFiles } from "./migration-files.ts";

export const META = "CREATE TABLE IF NOT EXISTS meta (key text PRIMARY KEY, value text NOT NULL)";
/** Conflicts with another starter, or with DSQL's catalog after a change, pass within a few tries. */
const TRIES_MAX = 20;
const WAIT_MS = 100;
/** Migrations that a message names. */
const NAMED_MAX = 3;
/** Postgres codes of "exists already": a crash after the statement and before its record leaves this. */
const EXISTS = new Set(["42P07", "42710", "42701"]);
/** A migration that older code cannot work with says so, and why, in its first line. All others only add. */
const BREAKING = /^-- breaking: /;
/** The key in meta of the newest migration that code must know to work on the store; empty if there is none. */
const COMPATIBLE_FROM = "compatible_from";
const CREATE_INDEX = /^(create\s+(?:unique\s+)?index)\s+/i;

/** How an index is made: in the background on DSQL, at once on plain Postgres. */
export type StoreFlavour = "dsql" | "postgres";

/**
 * Applies the migrations that the store does not have yet; `applied` names them in order. Idempotent, and safe if two
 * start at once. A deploy step: the service itself only compares. Code of the version before goes on working meanwhile
 * and afterwards, unless a migration is breaking.
 */
export async function migrateStore(pool: Pool, flavour: StoreFlavour): Promise<readonly string[]> {
  // Of two who start together, plain Postgres may tell one that the other's table is there, despite IF NOT EXISTS.
  await retrying(() => pool.query(META)).catch(ignoreExisting);
  const done = await appliedMigrations(pool);
  const applied: string[] = [];
  const files = await migrationFiles();
  await raiseCompatibleFrom(pool, files);
  for (const { name, text } of files) {
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

/** Names the newest breaking migration before it is applied, so that older code refuses at once. Never lowers it. */
async function raiseCompatibleFrom(pool: Pool, files: readonly MigrationFile[]): Promise<void> {
  const newest = files.filter(({ text }) => BREAKING.test(text)).at(-1)?.name ?? "";
  await retrying(() =>
    pool.query(
      `insert into meta (key, value) values ($1, $2)
       on conflict (key) do update set value = excluded.value where meta.value < excluded.value`,
      [COMPATIBLE_FROM, newest],
    ),
  );
}

/**
 * Throws Refused `store_version` if the store lacks a migration of this version of the service, or has a newer one that
 * this version cannot work with, `store_denied` if it lets us not in. Out: the names of those that only newer code knows.
 */
export async function checkStoreVersion(pool: Pool): Promise<readonly string[]> {
  const ours = (await migrationFiles()).map(({ name }) => name);
  const { done, compatibleFrom } = await retrying(() => readVersion(pool)).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "42P01") return EMPTY_STORE;
    throw asDenied(error);
  });
  const missing = ours.filter((name) => !done.has(name));
  if (missing.length > 0) {
    const text = `The store lacks ${named(missing)}. Run \`offshoot store migrate\`.`;
    throw new Refused("store_version", text);
  }
  const newer = [...done].filter((name) => !ours.includes(name));
  // A store that never said it was made by a version that expects exactly its own migrations.
  const isKnown = compatibleFrom === "" || (compatibleFrom !== null && ours.includes(compatibleFrom));
  if (newer.length === 0 || isKnown) return newer;
  const text = `The store has ${named(newer)}, which this version cannot work with. Start the newer version of the service.`;
  throw new Refused("store_version", text);
}

/** DSQL's refusal of a connection, and Postgres' of a role without rights (dsql.md 3.2, 3.3): with what mends them. */
function asDenied(error: unknown): unknown {
  if (!(error instanceof Error && /\b(access|permission) denied\b/.test(error.message))) return error;
  const next =
    "Run `offshoot store migrate` with the service's OFFSHOOT_STORE_ROLE and OFFSHOOT_STORE_IAM_ROLES, and allow dsql:DbConnect on the store (dsql:DbConnectAdmin as admin).";
  return new Refused("store_denied", `The store refused us: ${error.message}. ${next}`, { cause: error });
}

/** An empty store lacks them all; what to do must still be read. */
function named(names: readonly string[]): string {
  const rest = names.length - NAMED_MAX;
  return names.slice(0, NAMED_MAX).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

const EMPTY_STORE = { done: new Set<string>(), compatibleFrom: null };

async function readVersion(pool: Pool) {
  const done = await appliedMigrations(pool);
  const { rows } = await pool.query<{ value: string }>("select value from meta where key = $1", [
    COMPATIBLE_FROM,
  ]);
  return { done, compatibleFrom: rows[0]?.value ?? null };
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

/** The names of the migrations that the store has. */
export async function appliedMigrations(pool: Pick<Pool, "query">): Promise<Set<string>> {
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
