/** Labels as rows of an index, so that a list by label reads only what it shows; the environment's own column is the truth. */
import type { Labels } from "../../domain/caller.ts";
import { sql } from "./row.ts";
import type { Sql } from "./sql.ts";

const ADD = sql(
  "label_add",
  `insert into label (name, value, environment_id) select n, v, $1 from unnest($2::text[], $3::text[]) as l(n, v)
   on conflict do nothing`,
);
const REMOVE = sql(
  "label_remove",
  `delete from label l using unnest($2::text[], $3::text[]) as r(n, v)
   where l.environment_id = $1 and l.name = r.n and l.value = r.v`,
);

/** Brings the rows from what they were to what they should be, within the transaction that writes the environment. */
export async function putLabels(
  db: Sql,
  environmentId: string,
  before: Labels,
  after: Labels,
): Promise<void> {
  const removed = Object.entries(before).filter(([name, value]) => after[name] !== value);
  const added = Object.entries(after).filter(([name, value]) => before[name] !== value);
  if (removed.length > 0) await db.query(REMOVE, [environmentId, ...columns(removed)]);
  if (added.length > 0) await db.query(ADD, [environmentId, ...columns(added)]);
}

function columns(labels: readonly (readonly [string, string])[]): readonly string[][] {
  return [labels.map(([name]) => name), labels.map(([, value]) => value)];
}
