/** Fills an empty store from a backup, with the restore brake on from the first row. */
import type { Pool } from "pg";
import { EPOCH_MARK, readInner, writeInner } from "../../domain/epoch.ts";
import { Refused } from "../../domain/errors.ts";
import {
  type BackupEnd,
  type BackupHeader,
  type BackupRow,
  type BackupTable,
  FORMAT,
  list,
  quoted,
  tablesOf,
} from "./backup.ts";
import { createDatabase } from "./database.ts";
import { mark, putMark } from "./marks.ts";
import { appliedMigrations } from "./schema.ts";
import type { Database } from "./sql.ts";

/** Far below DSQL's 3,000 rows and 10 MiB of one transaction, and Postgres' 65,535 parameters of one statement. */
const BATCH_ROWS = 500;
const BATCH_CHARACTERS = 2_000_000;

/** Rows by table. */
export type Restored = Readonly<Record<string, number>>;

/** The lines of a backup from the first one on, each time that they are asked for. */
export type BackupLines = () => AsyncIterable<string>;

/**
 * Writes a backup into the store, after it was read once to its end: nothing is written of one that is not whole. Throws
 * Refused: `backup_invalid`, `backup_incomplete`, `store_version` unless the store has exactly the backup's migrations,
 * `store_not_empty`. After an interruption the same backup goes on where it was; nothing else may. The brake
 * (domain/epoch.ts) is on before the first row is written, and stays on until a person confirms.
 */
export async function restoreStore(pool: Pool, lines: BackupLines, now: Date): Promise<Restored> {
  const { header } = await readThrough(pool, lines(), { begin: async () => {}, add: async () => {} });
  const database = createDatabase(pool);
  const known = await tablesOf(pool);
  await engage(database, header, now, () => checkEmpty(database, known));
  const batch = createBatch(database);
  const { rows } = await readThrough(pool, lines(), batch);
  await batch.flush();
  await setMark(database, header, true, now);
  return rows;
}

/** What takes the rows of a backup. */
interface Sink {
  begin(table: BackupTable): Promise<void>;
  add(row: BackupRow): Promise<void>;
}

/** Reads a backup from its header to its end, against the store that it is for. */
async function readThrough(
  pool: Pool,
  lines: AsyncIterable<string>,
  sink: Sink,
): Promise<{ readonly header: BackupHeader; readonly rows: Restored }> {
  const reader = lines[Symbol.asyncIterator]();
  const header = headerOf((await reader.next()).value);
  await checkVersion(pool, header);
  const known = await tablesOf(pool);
  const rows: Record<string, number> = {};
  let table: BackupTable | null = null;
  for (let next = await reader.next(); !next.done; next = await reader.next()) {
    const line = parse(next.value);
    if (Array.isArray(line)) {
      if (line.length !== table?.columns.length)
        throw new Refused("backup_invalid", "The file has a row that belongs to no table.");
      rows[table.table] = (rows[table.table] ?? 0) + 1;
      await sink.add(line as BackupRow);
    } else if ("table" in line) {
      table = tableOf(line as unknown as BackupTable, known);
      await sink.begin(table);
    } else {
      checkEnd(line as unknown as BackupEnd, rows, (await reader.next()).done === true);
      return { header, rows };
    }
  }
  throw incomplete();
}

function headerOf(line: unknown): BackupHeader {
  const header = parse(line) as Partial<BackupHeader>;
  if (header.offshoot === "store" && header.format === FORMAT && Array.isArray(header.migrations)) {
    return header as BackupHeader;
  }
  throw new Refused(
    "backup_invalid",
    "The file does not begin like a backup of a store that this version can read.",
  );
}

function parse(line: unknown): Record<string, unknown> | readonly unknown[] {
  try {
    const value: unknown = JSON.parse(String(line));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below: neither is a line of a backup.
  }
  throw new Refused("backup_invalid", "The file has a line that is not one of a backup.");
}

async function checkVersion(pool: Pool, { migrations }: BackupHeader): Promise<void> {
  const has = await appliedMigrations(pool);
  const differing = [
    ...migrations.filter((name) => !has.has(name)),
    ...[...has].filter((name) => !migrations.includes(name)),
  ];
  if (differing.length === 0) return;
  const next =
    "Make the store with `offshoot store migrate` of the version that the backup is of, and upgrade afterwards.";
  throw new Refused("store_version", `Backup and store differ in ${differing.join(", ")}. ${next}`);
}

/** Sets the brake. A restore of the same backup that was interrupted goes on; else the store must be empty. */
async function engage(
  database: Database,
  header: BackupHeader,
  now: Date,
  checkEmpty: () => Promise<void>,
): Promise<void> {
  const restored = readInner(await mark(database, EPOCH_MARK))?.restored;
  if (restored?.backupAt === header.at && !restored.isWhole) return;
  await checkEmpty();
  await setMark(database, header, false, now);
}

async function checkEmpty(database: Database, tables: readonly BackupTable[]): Promise<void> {
  for (const { table } of tables) {
    const { rows } = await database.query({ name: "", text: `select 1 from ${quoted(table)} limit 1` }, []);
    if (rows.length === 0) continue;
    const next = "Restore into a new one, made with `offshoot store migrate`, on which no service ran yet.";
    throw new Refused("store_not_empty", `The store is not empty: ${table} has rows. ${next}`);
  }
}

async function setMark(database: Database, header: BackupHeader, isWhole: boolean, at: Date): Promise<void> {
  const inner = { epoch: header.epoch, at, restored: { backupAt: header.at, isWhole } };
  await database.transaction((sql) => putMark(sql, EPOCH_MARK, writeInner(inner)));
}

function tableOf(given: BackupTable, known: readonly BackupTable[]): BackupTable {
  const table = known.find((one) => one.table === given.table);
  // Names go into statements: only those that the store itself has.
  const fits = table && given.columns.every((name) => table.columns.includes(name));
  if (table && fits) return { ...table, columns: given.columns };
  throw new Refused(
    "backup_invalid",
    `The store has no table or columns as the backup's ${String(given.table).slice(0, 60)}.`,
  );
}

function createBatch(database: Database) {
  let table: BackupTable | null = null;
  let rows: BackupRow[] = [];
  let characters = 0;
  const flush = async () => {
    if (table && rows.length > 0) await insert(database, table, rows);
    rows = [];
    characters = 0;
  };
  return {
    flush,
    async begin(next: BackupTable): Promise<void> {
      await flush();
      table = next;
    },
    async add(row: BackupRow): Promise<void> {
      rows.push(row);
      characters += row.reduce((sum, value) => sum + (value?.length ?? 0), 0);
      if (rows.length >= BATCH_ROWS || characters >= BATCH_CHARACTERS) await flush();
    },
  };
}

/** Safe to repeat: what is there is what the same backup wrote before. */
async function insert(database: Database, table: BackupTable, rows: readonly BackupRow[]): Promise<void> {
  const { columns, key } = table;
  const width = columns.length;
  const tuples = rows.map((_row, i) => `(${columns.map((_name, j) => `$${i * width + j + 1}`).join(", ")})`);
  const text = `insert into ${quoted(table.table)} (${list(columns)}) values ${tuples.join(", ")}
    on conflict (${list(key)}) do nothing`;
  await database.transaction((sql) => sql.query({ name: "", text }, rows.flat()));
}

/** The end is the last line, and knows of each table how many rows it has. */
function checkEnd({ end }: BackupEnd, rows: Restored, isLast: boolean): void {
  const expected = Object(end).rows ?? {};
  const tables = [...new Set([...Object.keys(expected), ...Object.keys(rows)])];
  if (!isLast || !end || tables.some((table) => (rows[table] ?? 0) !== (expected[table] ?? 0)))
    throw incomplete();
}

function incomplete(): Refused {
  return new Refused(
    "backup_incomplete",
    "The backup is not whole: it ends early, or rows are missing. Take another one.",
  );
}
