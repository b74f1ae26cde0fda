/** A logical copy of the store: one line of JSON for each row, in the order of its key, between a header and an end. */
import type { Pool, PoolClient } from "pg";
import { EPOCH_MARK, readInner } from "../../domain/epoch.ts";
import { markKey } from "./marks.ts";
import { appliedMigrations } from "./schema.ts";

export const FORMAT = 1;
/** Rows of one read; with the largest column full they still fit into memory. */
const PAGE_ROWS = 200;
/** DSQL ends a transaction after 5 minutes (quotas page); the rest is time for the page that is under way. */
const SNAPSHOT_MS = 4 * 60_000;

export interface BackupHeader {
  readonly offshoot: "store";
  readonly format: number;
  /** When it was begun, as ISO 8601. */
  readonly at: string;
  /** The migrations of the store: it fits into a store that has exactly these. */
  readonly migrations: readonly string[];
  readonly epoch: number;
}
export interface BackupTable {
  readonly table: string;
  readonly columns: readonly string[];
  /** The columns of the primary key. */
  readonly key: readonly string[];
}
/** The values of a row in the order of its table's columns, as Postgres writes them. */
export type BackupRow = readonly (string | null)[];
export interface BackupEnd {
  readonly end: { readonly rows: Readonly<Record<string, number>>; readonly snapshots: number };
}
export type BackupLine = BackupHeader | BackupTable | BackupRow | BackupEnd;

/**
 * Reads the whole store in one repeatable-read transaction, and so as of one moment. One that takes longer than
 * SNAPSHOT_MS goes on in another transaction: then tables, or parts of one, are as of moments up to the whole time apart,
 * and `snapshots` in the end says how many there were. Nothing in it is a secret in clear. Throws what the database throws.
 */
export async function* backupStore(pool: Pool, now: () => Date): AsyncGenerator<BackupLine> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    yield* readAll(client, now);
  } catch (error) {
    broken = error instanceof Error ? error : new Error(String(error));
    throw error;
  } finally {
    // Whoever stops reading early leaves a transaction open, which ends with its connection.
    client.release(broken ?? true);
  }
}

async function* readAll(client: PoolClient, now: () => Date): AsyncGenerator<BackupLine> {
  let began = now().getTime();
  let snapshots = 1;
  await client.query("begin isolation level repeatable read");
  yield await headerOf(client, now());
  const rows: Record<string, number> = {};
  for (const table of await tablesOf(client)) {
    yield table;
    let count = 0;
    for (let after: BackupRow | null = null; ; ) {
      const page: readonly BackupRow[] = await readPage(client, table, after);
      yield* page;
      count += page.length;
      after = page.at(-1) ?? null;
      if (page.length < PAGE_ROWS) break;
      if (now().getTime() - began < SNAPSHOT_MS) continue;
      await client.query("commit");
      await client.query("begin isolation level repeatable read");
      began = now().getTime();
      snapshots += 1;
    }
    rows[table.table] = count;
  }
  await client.query("commit");
  yield { end: { rows, snapshots } };
}

async function headerOf(client: PoolClient, at: Date): Promise<BackupHeader> {
  const migrations = [...(await appliedMigrations(client))].sort();
  const { rows } = await client.query<{ value: string }>("select value from meta where key = $1", [
    markKey(EPOCH_MARK),
  ]);
  const epoch = readInner(rows[0]?.value ?? null)?.epoch ?? 0;
  return { offshoot: "store", format: FORMAT, at: at.toISOString(), migrations, epoch };
}

/** Every table but meta, which belongs to the store and not to what is kept in it. */
export async function tablesOf(client: Pick<PoolClient, "query">): Promise<readonly BackupTable[]> {
  const columns = await client.query<{ table: string; column: string }>(
    `select c.table_name as table, c.column_name as column from information_schema.columns c
     join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = 'public' and t.table_type = 'BASE TABLE' and c.table_name <> 'meta'
     order by c.table_name, c.ordinal_position`,
  );
  const keys = await client.query<{ table: string; column: string }>(
    `select k.table_name as table, k.column_name as column from information_schema.key_column_usage k
     join information_schema.table_constraints c using (constraint_schema, constraint_name, table_name)
     where c.constraint_type = 'PRIMARY KEY' and k.table_schema = 'public'
     order by k.table_name, k.ordinal_position`,
  );
  const names = [...new Set(columns.rows.map(({ table }) => table))];
  const of = (table: string, list: typeof columns) =>
    list.rows.filter((one) => one.table === table).map(({ column }) => column);
  return names.map((table) => ({ table, columns: of(table, columns), key: of(table, keys) }));
}

async function readPage(
  client: PoolClient,
  { table, columns, key }: BackupTable,
  after: BackupRow | null,
): Promise<readonly BackupRow[]> {
  const values = after ? key.map((name) => after[columns.indexOf(name)] ?? null) : [];
  const from = after ? `where (${list(key)}) > (${key.map((_name, i) => `$${i + 1}`).join(", ")})` : "";
  const { rows } = await client.query<(string | null)[]>({
    text: `select ${list(columns)} from ${quoted(table)} ${from} order by ${list(key)} limit ${PAGE_ROWS}`,
    values,
    rowMode: "array",
    // As Postgres writes them, so that nothing is lost on the way through a number or a date of JavaScript.
    types: { getTypeParser: () => String },
  });
  return rows;
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function list(names: readonly string[]): string {
  return names.map(quoted).join(", ");
}
