/** Which database roles were mapped in a cluster. Its environment's step, fenced by its lease, is the only one that writes. */
import type { AccessRow } from "../../handlers/ports-store.ts";
import { one, sql } from "./row.ts";
import type { Sql } from "./sql.ts";

const ACCESS = sql("cluster_access", "select roles, digest from cluster_access where cluster_id = $1");
const PUT = sql(
  "cluster_access_put",
  `insert into cluster_access (cluster_id, roles, digest) values ($1, $2, $3)
   on conflict (cluster_id) do update set roles = excluded.roles, digest = excluded.digest`,
);

export async function clusterAccess(db: Sql, clusterId: string): Promise<AccessRow | null> {
  const row = await one<{ roles: string; digest: string | null }>(db, ACCESS, [clusterId]);
  return row && { clusterId, roles: row.roles.split(" ").filter((role) => role !== ""), digest: row.digest };
}

/** Names of roles have no spaces (domain/access-list.ts). */
export async function putClusterAccess(db: Sql, { clusterId, roles, digest }: AccessRow): Promise<void> {
  await db.query(PUT, [clusterId, roles.join(" "), digest]);
}
