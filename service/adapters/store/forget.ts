/** What is over for good: deleted a limited number of rows at a time, and only once nothing refers to it any more. */
import { sql } from "./row.ts";
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
/** In this order: the environment goes last, and is found again until all the others are gone. */
const PARTS = [
  sql(
    "forget_customer_statements",
    `delete from statement where (cluster_id, ordinal) in
       (select s.cluster_id, s.ordinal from statement s join cluster c on c.id = s.cluster_id
        where c.environment_id = any($1::text[]) order by s.cluster_id, s.ordinal limit $2)`,
  ),
  sql(
    "forget_customer_access",
    `delete from cluster_access where cluster_id in
       (select a.cluster_id from cluster_access a join cluster c on c.id = a.cluster_id
        where c.environment_id = any($1::text[]) order by a.cluster_id limit $2)`,
  ),
  sql(
    "forget_customer_clusters",
    `delete from cluster where id in
       (select id from cluster where environment_id = any($1::text[]) order by id limit $2)`,
  ),
  sql(
    "forget_customer_events",
    `delete from event where (environment_id, id) in
       (select environment_id, id from event where environment_id = any($1::text[])
        order by environment_id, id limit $2)`,
  ),
  sql(
    "forget_customer_operations",
    `delete from operation where id in
       (select id from operation where environment_id = any($1::text[]) order by id limit $2)`,
  ),
  sql(
    "forget_customer_labels",
    `delete from label where (name, value, environment_id) in
       (select name, value, environment_id from label where environment_id = any($1::text[])
        order by name, value, environment_id limit $2)`,
  ),
  sql(
    "forget_customer_environments",
    `delete from environment where id in
       (select id from environment where id = any($1::text[]) order by id limit $2)`,
  ),
] as const;

/** Customers of one transaction: each may have some hundred events. */
const CUSTOMERS_MAX = 10;

export async function forgetClusterAccess(db: Sql, limit: number): Promise<number> {
  return (await db.query(CLUSTER_ACCESS, [limit])).rowCount;
}

export async function forgetCustomers(db: Sql, endedBefore: Date, limit: number): Promise<number> {
  const { rows } = await db.query<{ id: string }>(CUSTOMERS, [endedBefore, CUSTOMERS_MAX]);
  if (rows.length === 0) return 0;
  const ids = rows.map(({ id }) => id);
  let deleted = 0;
  for (const part of PARTS) {
    deleted += (await db.query(part, [ids, limit - deleted])).rowCount;
    if (deleted >= limit) break;
  }
  return deleted;
}
