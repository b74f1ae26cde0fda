/** Repositories, customers' migration files, and what requests began. */
import type { MigrationFile } from "../../domain/migration.ts";
import type { RepositoryTarget } from "../../handlers/ports.ts";
import type { OperationRow } from "../../handlers/ports-store.ts";
import { number, one, sql } from "./row.ts";
import type { Sql } from "./sql.ts";

const REPOSITORY = sql(
  "repository_by_id",
  "select host, id, name, installation_id from repository where host = $1 and id = $2",
);
const PUT_REPOSITORY = sql(
  "repository_put",
  `insert into repository (host, id, name, name_lower, installation_id, read_at) values ($1, $2, $3, lower($3), $4, $5)
   on conflict (host, id) do update set name = excluded.name, name_lower = excluded.name_lower,
     installation_id = excluded.installation_id, read_at = excluded.read_at
   where repository.name <> excluded.name or repository.installation_id <> excluded.installation_id
     or repository.name_lower is null`,
);
// GitHub's names know no case. Rows of an earlier version have no second name until they are read from GitHub again.
const NAMED = sql(
  "repository_named",
  `select host, id, name, installation_id from (
     select * from repository where name_lower = lower($1) and host = $2
     union all
     select * from repository where name = $1 and host = $2 and name_lower is null) named
   order by read_at desc, id desc limit 1`,
);
const BY_IDS = sql(
  "repository_by_ids",
  "select host, id, name, installation_id from repository where id = any($1::bigint[]) order by host, id",
);
const SET = sql("migration_set_by_digest", "select files from migration_set where digest = $1");
// The digest is that of the files, so the row that is there already is the same.
const PUT_SET = sql(
  "migration_set_put",
  "insert into migration_set (digest, files, created_at) values ($1, $2, $3) on conflict (digest) do nothing",
);
const OPERATION = sql(
  "operation_by_id",
  "select id, environment_id, kind, generation, actor, created_at from operation where id = $1",
);
const ADD_OPERATION = sql(
  "operation_add",
  `insert into operation (id, environment_id, kind, generation, actor, created_at) values ($1, $2, $3, $4, $5, $6)
   on conflict (id) do nothing`,
);

type RepositoryColumns = { host: string; id: unknown; name: string; installation_id: unknown };

export async function repository(db: Sql, host: string, id: number): Promise<RepositoryTarget | null> {
  const row = await one<RepositoryColumns>(db, REPOSITORY, [host, id]);
  return row && fromRow(row);
}

export async function repositoryNamed(db: Sql, host: string, name: string): Promise<RepositoryTarget | null> {
  const row = await one<RepositoryColumns>(db, NAMED, [name, host]);
  return row && fromRow(row);
}

export async function repositories(db: Sql, ids: readonly number[]): Promise<readonly RepositoryTarget[]> {
  if (ids.length === 0) return [];
  return (await db.query<RepositoryColumns>(BY_IDS, [ids])).rows.map(fromRow);
}

function fromRow({ host, id, name, installation_id }: RepositoryColumns): RepositoryTarget {
  return { host, repositoryId: number(id), repositoryName: name, installationId: number(installation_id) };
}

export async function putRepository(db: Sql, target: RepositoryTarget, readAt: Date): Promise<void> {
  const { host, repositoryId, repositoryName, installationId } = target;
  await db.query(PUT_REPOSITORY, [host, repositoryId, repositoryName, installationId, readAt]);
}

export async function migrationSet(db: Sql, digest: string): Promise<readonly MigrationFile[] | null> {
  const row = await one<{ files: string }>(db, SET, [digest]);
  return row && (JSON.parse(row.files) as MigrationFile[]);
}

export async function putMigrationSet(
  db: Sql,
  digest: string,
  files: readonly MigrationFile[],
  at: Date,
): Promise<void> {
  await db.query(PUT_SET, [digest, JSON.stringify(files), at]);
}

export async function operation(db: Sql, id: string): Promise<OperationRow | null> {
  type Row = Record<"id" | "environment_id" | "actor", string> & {
    kind: OperationRow["kind"];
    generation: unknown;
    created_at: Date;
  };
  const row = await one<Row>(db, OPERATION, [id]);
  return (
    row && {
      id: row.id,
      environmentId: row.environment_id,
      kind: row.kind,
      generation: number(row.generation),
      actor: row.actor,
      createdAt: row.created_at,
    }
  );
}

export async function addOperation(db: Sql, row: OperationRow): Promise<void> {
  const { id, environmentId, kind, generation, actor, createdAt } = row;
  await db.query(ADD_OPERATION, [id, environmentId, kind, generation, actor, createdAt]);
}
