import { one, sql } from "./row.ts";
import type { Sql } from "./sql.ts";

const MARK = sql("mark", "select value from meta where key = $1");
const PUT_MARK = sql(
  "mark_put",
  "insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value",
);

/** The key of a mark; beside them the table holds which migrations were applied. */
export function markKey(name: string): string {
  return `mark:${name}`;
}

export async function mark(db: Sql, name: string): Promise<string | null> {
  return (await one<{ value: string }>(db, MARK, [markKey(name)]))?.value ?? null;
}

export async function putMark(db: Sql, name: string, value: string): Promise<void> {
  await db.query(PUT_MARK, [markKey(name), value]);
}
