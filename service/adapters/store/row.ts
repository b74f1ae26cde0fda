import { Retryable } from "../../domain/errors.ts";
import type { Sql, SqlText } from "./sql.ts";

/** A named statement. The name makes it a prepared one on each connection, so no two statements share a name. */
export function sql(name: string, text: string): SqlText {
  return { name, text };
}

/** The first row or null. */
export async function one<Row>(db: Sql, statement: SqlText, values: readonly unknown[]): Promise<Row | null> {
  return (await db.query<Row>(statement, values)).rows[0] ?? null;
}

/** Runs a compare-and-set; no row means that somebody else wrote first, and the step is repeated on fresh rows. */
export async function compareAndSet(
  db: Sql,
  statement: SqlText,
  values: readonly unknown[],
  what: string,
): Promise<void> {
  const { rowCount } = await db.query(statement, values);
  if (rowCount === 0)
    throw new Retryable("stale", `${what} was changed by another step; the step is repeated.`);
}

/** bigint and integer columns as number: ids of GitHub and generations are far below 2^53. */
export function number(value: unknown): number {
  return typeof value === "number" ? value : Number(value);
}
