import type { Labels } from "../../domain/caller.ts";
import type { Environment, Limits } from "../../domain/environment.ts";
import type { MigrationProblem, PlanSummary } from "../../domain/migration.ts";
import type { EnvironmentChange } from "../../handlers/ports-store.ts";
import { putLabels } from "./labels.ts";
import { compareAndSet, number, one, sql } from "./row.ts";
import type { Sql } from "./sql.ts";

export const COLUMNS = `id, owner_key, pull_key, repository_id, number, database, author, kind, customer_key, git_branch,
  wanted, wanted_reason, generation, head_sha, wanted_at, present_since, until, queued_at, serving_id, next_id, plan_generation, plan, plan_problem,
  ready_at, ended_at, labels, limits, protected, revision, reset_generation, was_protected, created_at, version`;

const BY_ID = sql("environment_by_id", `select ${COLUMNS} from environment where id = $1`);
const BY_PULL = sql(
  "environment_by_pull",
  `select ${COLUMNS} from environment where pull_key = $1 order by id limit 100`,
);
// A branch's owner keys begin with its key and a colon, and a semicolon follows the colon.
const BY_BRANCH = sql(
  "environment_by_branch",
  `select ${COLUMNS} from environment where owner_key >= $1 || ':' and owner_key < $1 || ';' order by id limit 100`,
);
const BY_OWNER = sql("environment_by_owner", `select ${COLUMNS} from environment where owner_key = $1`);
const FIND = sql(
  "environment_find",
  `select ${COLUMNS} from environment where id = $1 or owner_key = $1 or pull_key = $1 order by id limit 20`,
);
const INSERT = sql(
  "environment_insert",
  `insert into environment (${COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
   $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33)
   on conflict (owner_key) do nothing`,
);
// The whole row from one read: a guard that covers some columns only would let a stale one through (field case F13).
const UPDATE = sql(
  "environment_update",
  `update environment set wanted = $3, wanted_reason = $4, generation = $5, head_sha = $6, wanted_at = $7,
     present_since = $8, until = $9, queued_at = $10, serving_id = $11, next_id = $12, plan_generation = $13,
     plan = $14, plan_problem = $15, ready_at = $16, ended_at = $17, labels = $18, limits = $19, protected = $20,
     revision = $21, reset_generation = $22, was_protected = $23, version = version + 1
   where id = $1 and version = $2`,
);

export interface Row {
  id: string;
  owner_key: string;
  pull_key: string | null;
  repository_id: unknown;
  number: unknown;
  database: string;
  author: string;
  kind: Environment["kind"] | null;
  customer_key: string | null;
  git_branch: string | null;
  wanted: Environment["wanted"];
  wanted_reason: Environment["wantedReason"];
  generation: unknown;
  head_sha: string;
  wanted_at: Date;
  present_since: Date;
  until: Date | null;
  queued_at: Date | null;
  serving_id: string | null;
  next_id: string | null;
  plan_generation: unknown;
  plan: string | null;
  plan_problem: string | null;
  ready_at: Date | null;
  ended_at: Date | null;
  labels: string | null;
  limits: string | null;
  protected: boolean | null;
  revision: unknown;
  reset_generation: unknown;
  was_protected: boolean | null;
  created_at: Date | null;
  version: unknown;
}

export async function environment(db: Sql, id: string): Promise<Environment | null> {
  const row = await one<Row>(db, BY_ID, [id]);
  return row && fromRow(row);
}

export async function environmentsOfPull(db: Sql, pullKey: string): Promise<readonly Environment[]> {
  return (await db.query<Row>(BY_PULL, [pullKey])).rows.map(fromRow);
}

export async function environmentsOfBranch(db: Sql, branchKey: string): Promise<readonly Environment[]> {
  return (await db.query<Row>(BY_BRANCH, [branchKey])).rows.map(fromRow);
}

export async function environmentByOwner(db: Sql, ownerKey: string): Promise<Environment | null> {
  const row = await one<Row>(db, BY_OWNER, [ownerKey]);
  return row && fromRow(row);
}

export async function findEnvironments(db: Sql, text: string): Promise<readonly Environment[]> {
  return (await db.query<Row>(FIND, [text])).rows.map(fromRow);
}

export async function insertEnvironment(db: Sql, e: Environment): Promise<void> {
  const owner = [e.ownerKey, e.pullKey, e.repositoryId, e.number, e.database, e.author];
  const kind = [e.kind, e.customerKey, e.gitBranch];
  const values = [e.id, ...owner, ...kind, ...changing(e), e.createdAt, e.version];
  await compareAndSet(db, INSERT, values, `the environment of ${e.ownerKey}`);
  await putLabels(db, e.id, {}, e.labels);
}

export async function updateEnvironment(db: Sql, e: Environment, change: EnvironmentChange): Promise<void> {
  const values = [e.id, e.version, ...changing({ ...e, ...change })];
  await compareAndSet(db, UPDATE, values, `environment ${e.id}`);
  if (change.labels) await putLabels(db, e.id, e.labels, change.labels);
}

/** The values of the columns that change, in the order of COLUMNS. */
function changing(e: Environment): readonly unknown[] {
  return [
    e.wanted,
    e.wantedReason,
    e.generation,
    e.headSha,
    e.wantedAt,
    e.presentSince,
    e.until,
    e.queuedAt,
    e.servingId,
    e.nextId,
    e.planGeneration,
    e.plan && JSON.stringify(e.plan),
    e.planProblem && JSON.stringify(e.planProblem),
    e.readyAt,
    e.endedAt,
    JSON.stringify(e.labels),
    JSON.stringify(e.limits),
    e.protected,
    e.revision,
    e.resetGeneration,
    e.wasProtected,
  ];
}

export function fromRow(row: Row): Environment {
  return {
    id: row.id,
    kind: row.kind ?? "pull",
    ownerKey: row.owner_key,
    pullKey: row.pull_key,
    repositoryId: row.repository_id === null ? null : number(row.repository_id),
    number: row.number === null ? null : number(row.number),
    gitBranch: row.git_branch,
    customerKey: row.customer_key,
    labels: row.labels === null ? {} : (JSON.parse(row.labels) as Labels),
    limits: row.limits === null ? {} : (JSON.parse(row.limits) as Limits),
    protected: row.protected ?? false,
    // Before this was known every customer is taken for one that was protected, as it is by default.
    wasProtected: row.was_protected ?? row.kind === "tenant",
    revision: number(row.revision ?? 1),
    resetGeneration: number(row.reset_generation ?? 0),
    database: row.database,
    author: row.author,
    wanted: row.wanted,
    wantedReason: row.wanted_reason,
    generation: number(row.generation),
    headSha: row.head_sha,
    createdAt: row.created_at ?? row.present_since,
    wantedAt: row.wanted_at,
    presentSince: row.present_since,
    until: row.until,
    queuedAt: row.queued_at,
    servingId: row.serving_id,
    nextId: row.next_id,
    planGeneration: number(row.plan_generation),
    plan: row.plan === null ? null : (JSON.parse(row.plan) as PlanSummary),
    planProblem: row.plan_problem === null ? null : (JSON.parse(row.plan_problem) as MigrationProblem),
    readyAt: row.ready_at,
    endedAt: row.ended_at,
    version: number(row.version),
  };
}
