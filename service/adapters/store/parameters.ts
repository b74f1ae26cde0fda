/** SSM parameters that are there or were intended. Their own step, fenced by its lease, is the only one that writes. */
import type { ParameterRow } from "../../handlers/ports-store.ts";
import { one, sql } from "./row.ts";
import type { Sql } from "./sql.ts";

const PARAMETER = sql(
  "parameter_by_environment",
  "select environment_id, name, digest, attempted_at, foreign_at from parameter where environment_id = $1",
);
const KEYS = sql("parameter_keys", "select environment_id from parameter order by environment_id limit $1");
const PUT = sql(
  "parameter_put",
  `insert into parameter (environment_id, name, digest, attempted_at, foreign_at) values ($1, $2, $3, $4, $5)
   on conflict (environment_id) do update set name = excluded.name, digest = excluded.digest,
     attempted_at = excluded.attempted_at, foreign_at = excluded.foreign_at`,
);
const FORGET = sql("parameter_forget", "delete from parameter where environment_id = $1");

interface ParameterColumns {
  environment_id: string;
  name: string;
  digest: string | null;
  attempted_at: Date;
  foreign_at: Date | null;
}

export async function parameter(db: Sql, environmentId: string): Promise<ParameterRow | null> {
  const row = await one<ParameterColumns>(db, PARAMETER, [environmentId]);
  if (!row) return null;
  const { environment_id, name, digest, attempted_at, foreign_at } = row;
  return { environmentId: environment_id, name, digest, attemptedAt: attempted_at, foreignAt: foreign_at };
}

export async function parameterKeys(db: Sql, limit: number): Promise<readonly string[]> {
  const { rows } = await db.query<{ environment_id: string }>(KEYS, [limit]);
  return rows.map(({ environment_id }) => environment_id);
}

export async function putParameter(db: Sql, row: ParameterRow): Promise<void> {
  await db.query(PUT, [row.environmentId, row.name, row.digest, row.attemptedAt, row.foreignAt]);
}

export async function forgetParameter(db: Sql, environmentId: string): Promise<void> {
  await db.query(FORGET, [environmentId]);
}
