/** What is over for good: deleted a limited number of rows at a time, and only once nothing refers to it any more. */
import { one, sql } from "./row.ts";
import type { Sql } from "./sql.ts";

const CLUSTER_ACCESS = sql(
  "forget_cluster_access",
  `delete from cluster_access where cluster_id in
     (select a.cluster_id from cluster_access a join cluster c on c.id = a.cluster_id
      where c.status = 'gone' order by a.cluster_id limit $1)`,
);

// Not while anything of theirs may still be at AWS: the rows are what finds it.
const CUSTOMERS = sql(
  "forget_customers",
  `select id from environment e where kind = 'tenant' and wanted = 'absent' and ended_at < $1
     and not exists (select 1 from cluster c where c.environment_id = e.id and c.status <> 'gone')
     and not exists (select 1 from parameter p where p.environment_id = e.id)
   order by ended_at, id limit $2`,
);
// An environment with all that shows it in lists, in one transaction: whoever makes the customer anew writes the same row, so
// that one of the two repeats and finds what the other did.
const LABELS = sql("forget_labels", "delete from label where environment_id = any($1::text[])");
const ENVIRONMENTS = sql("forget_environments", "delete from environment where id = any($1::text[])");

const EXISTS = sql("forget_exists", "select 1 from environment where id = $1");
/** What is left of an environment then; an id never comes again. The clusters go after what is found by them. */
const REST = [
  sql(
    "forget_statements",
    `delete from statement where (cluster_id, ordinal) in
       (select s.cluster_id, s.ordinal from statement s join cluster c on c.id = s.cluster_id
        where c.environment_id = $1 order by s.cluster_id, s.ordinal limit $2)`,
  ),
  sql(
    "forget_access",
    `delete from cluster_access where cluster_id in
       (select a.cluster_id from cluster_access a join cluster c on c.id = a.cluster_id
        where c.environment_id = $1 order by a.cluster_id limit $2)`,
  ),
  sql(
    "forget_clusters",
    "delete from cluster where id in (select id from cluster where environment_id = $1 order by id limit $2)",
  ),
  sql(
    "forget_events",
    `delete from event where (environment_id, id) in
       (select environment_id, id from event where environment_id = $1 order by environment_id, id limit $2)`,
  ),
  sql(
    "forget_operations",
    "delete from operation where id in (select id from operation where environment_id = $1 order by id limit $2)",
  ),
] as const;

export async function forgetClusterAccess(db: Sql, limit: number): Promise<number> {
  return (await db.query(CLUSTER_ACCESS, [limit])).rowCount;
}

export async function forgetCustomers(db: Sql, endedBefore: Date, limit: number): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(CUSTOMERS, [endedBefore, limit]);
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return [];
  await db.query(LABELS, [ids]);
  await db.query(ENVIRONMENTS, [ids]);
  return ids;
}

export async function forgetRest(db: Sql, environmentId: string, limit: number): Promise<number> {
  if (await one(db, EXISTS, [environmentId])) return 0;
  let deleted = 0;
  for (const part of REST) {
    deleted += (await db.query(part, [environmentId, limit - deleted])).rowCount;
    if (deleted >= limit) break;
  }
  return deleted;
}
