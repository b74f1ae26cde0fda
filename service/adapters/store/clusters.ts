import type { Cluster, ClusterUse } from "../../domain/cluster.ts";
import type { ClusterChange, MigrationChange } from "../../handlers/ports-store.ts";
import { compareAndSet, number, one, sql } from "./row.ts";
import type { Sql } from "./sql.ts";

const COLUMNS = `id, environment_id, kind, account, region, repository_id, client_token, created_at, status, use,
  identifier, arn, endpoint, attempted_at, absent_since, status_since, reason, fenced_at, trouble, connect_role,
  reader_role, retired_until, protected, stack, born_generation, migration_generation, migration_state,
  migration_since, verified_generation, verified_at, version`;
/** What the fence alone writes is in no insert. */
const READ = `${COLUMNS}, former_policy`;

const BY_ID = sql("cluster_by_id", `select ${READ} from cluster where id = $1`);
const LAST = sql(
  "cluster_last",
  `select ${READ} from cluster where environment_id = $1
   order by (status = 'gone'), created_at desc, id desc limit 1`,
);
const INSERT = sql(
  "cluster_insert",
  `insert into cluster (${COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
   $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)`,
);
const UPDATE = sql(
  "cluster_update",
  `update cluster set status = $3, use = $4, identifier = $5, arn = $6, endpoint = $7, attempted_at = $8,
     absent_since = $9, status_since = $10, reason = $11, fenced_at = $12, trouble = $13,
     connect_role = $14, reader_role = $15, version = version + 1
   where id = $1 and version = $2`,
);
// Of a size of its own, and written by the fence alone; a new row has none.
const FORMER_POLICY = sql("cluster_former_policy", "update cluster set former_policy = $2 where id = $1");
// Once removing, a cluster never serves again: what AWS was told to delete cannot be taken back.
const SET_USE = sql(
  "cluster_set_use",
  `update cluster set use = $2, version = version + 1
   where id = $1 and use <> $2 and status <> 'removing' and status <> 'gone'`,
);
// A change of use at the very moment at which its policy is changed: what AWS was told last is not known, so a retired
// one counts as open, and a restored one as fenced, until its own reconciler has changed the policy once more.
const RETIRE = sql(
  "cluster_retire",
  `update cluster set use = 'retired', retired_until = $2, fenced_at = null, version = version + 1
   where id = $1 and use = 'serve' and status = 'available'`,
);
const RESTORE = sql(
  "cluster_restore",
  `update cluster set use = 'serve', retired_until = null, fenced_at = coalesce(fenced_at, $2), version = version + 1
   where id = $1 and use = 'retired' and status = 'available'`,
);
const PROTECT = sql(
  "cluster_protect",
  "update cluster set protected = $2, version = version + 1 where id = $1 and protected is distinct from $2",
);
const IN_REGION = sql(
  "cluster_in_region",
  `select ${READ} from cluster where account = $1 and region = $2 and status <> 'gone' and id > $3
   order by id limit $4`,
);
const BY_IDS = sql("cluster_by_ids", `select ${READ} from cluster where id = any($1::text[]) order by id`);
// Customers are never asked to yield; nor is anybody while another slot is about to be free.
const OLDEST_RETIRED = sql(
  "cluster_oldest_retired",
  `select ${READ} from cluster where account = $1 and region = $2 and status = 'available' and use = 'retired'
     and kind = 'preview' and fenced_at < $3
     and not exists (
       select 1 from cluster l where l.account = $1 and l.region = $2 and l.status <> 'gone' and l.use = 'remove'
         and (l.reason is null or l.reason not in ('protected', 'remove_slow', 'remove_blocked')))
   order by fenced_at, id limit 1`,
);
// No version: these columns have one writer, the environment's step, which its own lease fences.
const MIGRATION = sql(
  "cluster_migration",
  `update cluster set migration_generation = coalesce($2, migration_generation),
     migration_state = coalesce($3, migration_state), migration_since = coalesce($4, migration_since),
     verified_generation = coalesce($5, verified_generation), verified_at = coalesce($6, verified_at)
   where id = $1`,
);

interface Row {
  id: string;
  environment_id: string;
  kind: Cluster["kind"];
  account: string;
  region: string;
  repository_id: unknown;
  client_token: string;
  created_at: Date;
  status: Cluster["status"];
  use: ClusterUse;
  identifier: string | null;
  arn: string | null;
  endpoint: string | null;
  attempted_at: Date | null;
  absent_since: Date | null;
  status_since: Date;
  reason: string | null;
  fenced_at: Date | null;
  former_policy: string | null;
  trouble: string | null;
  connect_role: string | null;
  reader_role: string | null;
  stack: string | null;
  retired_until: Date | null;
  protected: boolean | null;
  born_generation: unknown;
  migration_generation: unknown;
  migration_state: Cluster["migrationState"];
  migration_since: Date | null;
  verified_generation: unknown;
  verified_at: Date | null;
  version: unknown;
}

export async function cluster(db: Sql, id: string): Promise<Cluster | null> {
  const row = await one<Row>(db, BY_ID, [id]);
  return row && fromRow(row);
}

export async function clustersIn(
  db: Sql,
  account: string,
  region: string,
  after: string,
  limit: number,
): Promise<readonly Cluster[]> {
  return (await db.query<Row>(IN_REGION, [account, region, after, limit])).rows.map(fromRow);
}

export async function lastCluster(db: Sql, environmentId: string): Promise<Cluster | null> {
  const row = await one<Row>(db, LAST, [environmentId]);
  return row && fromRow(row);
}

export async function insertCluster(db: Sql, c: Cluster): Promise<void> {
  const identity = [
    c.id,
    c.environmentId,
    c.kind,
    c.account,
    c.region,
    c.repositoryId,
    c.clientToken,
    c.createdAt,
  ];
  const migration = [
    c.migrationGeneration,
    c.migrationState,
    c.migrationSince,
    c.verifiedGeneration,
    c.verifiedAt,
    c.version,
  ];
  const retirement = [c.retiredUntil, c.protected, c.stack, c.bornGeneration];
  await db.query(INSERT, [...identity, ...changing(c), ...retirement, ...migration]);
}

export async function updateCluster(db: Sql, c: Cluster, change: ClusterChange): Promise<void> {
  await compareAndSet(db, UPDATE, [c.id, c.version, ...changing({ ...c, ...change })], `cluster ${c.id}`);
  const { formerPolicy = c.formerPolicy } = change;
  if (formerPolicy !== c.formerPolicy) await db.query(FORMER_POLICY, [c.id, formerPolicy]);
}

export async function setUse(db: Sql, clusterId: string, use: "remove"): Promise<boolean> {
  return (await db.query(SET_USE, [clusterId, use])).rowCount > 0;
}

export async function retireCluster(db: Sql, clusterId: string, until: Date): Promise<boolean> {
  return (await db.query(RETIRE, [clusterId, until])).rowCount > 0;
}

export async function restoreCluster(db: Sql, clusterId: string, at: Date): Promise<boolean> {
  return (await db.query(RESTORE, [clusterId, at])).rowCount > 0;
}

export async function setProtected(db: Sql, clusterId: string, isProtected: boolean): Promise<void> {
  await db.query(PROTECT, [clusterId, isProtected]);
}

export async function clusters(db: Sql, ids: readonly string[]): Promise<readonly Cluster[]> {
  if (ids.length === 0) return [];
  return (await db.query<Row>(BY_IDS, [ids])).rows.map(fromRow);
}

export async function oldestRetired(
  db: Sql,
  account: string,
  region: string,
  before: Date,
): Promise<Cluster | null> {
  const row = await one<Row>(db, OLDEST_RETIRED, [account, region, before]);
  return row && fromRow(row);
}

export async function updateMigration(db: Sql, clusterId: string, change: MigrationChange): Promise<void> {
  await db.query(MIGRATION, [
    clusterId,
    change.migrationGeneration ?? null,
    change.migrationState ?? null,
    change.migrationSince ?? null,
    change.verifiedGeneration ?? null,
    change.verifiedAt ?? null,
  ]);
}

function changing(c: Cluster): readonly unknown[] {
  return [
    c.status,
    c.use,
    c.identifier,
    c.arn,
    c.endpoint,
    c.attemptedAt,
    c.absentSince,
    c.statusSince,
    c.reason,
    c.fencedAt,
    c.trouble,
    c.roles?.connect ?? null,
    c.roles?.reader ?? null,
  ];
}

function fromRow(row: Row): Cluster {
  return {
    id: row.id,
    environmentId: row.environment_id,
    kind: row.kind,
    account: row.account,
    region: row.region,
    repositoryId: row.repository_id === null ? null : number(row.repository_id),
    clientToken: row.client_token,
    createdAt: row.created_at,
    status: row.status,
    use: row.use,
    identifier: row.identifier,
    arn: row.arn,
    endpoint: row.endpoint,
    attemptedAt: row.attempted_at,
    absentSince: row.absent_since,
    statusSince: row.status_since,
    reason: row.reason,
    trouble: row.trouble,
    stack: row.stack,
    roles:
      row.connect_role && row.reader_role ? { connect: row.connect_role, reader: row.reader_role } : null,
    retiredUntil: row.retired_until,
    protected: row.protected ?? false,
    fencedAt: row.fenced_at,
    formerPolicy: row.former_policy,
    bornGeneration: number(row.born_generation ?? 0),
    migrationGeneration: number(row.migration_generation),
    migrationState: row.migration_state,
    migrationSince: row.migration_since,
    verifiedGeneration: number(row.verified_generation),
    verifiedAt: row.verified_at,
    version: number(row.version),
  };
}
