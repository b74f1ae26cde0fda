/** Check runs that are there or were intended. Their own step, fenced by its lease, is the only one that writes. */
import type { CheckRow } from "../../handlers/ports-store.ts";
import { number, sql } from "./row.ts";
import type { Sql } from "./sql.ts";

/** Heads of one pull request that are not done with: the present one, and what a storm of pushes left. */
const ROWS_MAX = 100;

const LIST = sql(
  "check_run_list",
  `select pull_key, sha, check_id, status, digest, annotated, attempted_at, audit_at, edited_at
   from check_run where pull_key = $1 order by sha limit ${ROWS_MAX}`,
);
const PUT = sql(
  "check_run_put",
  `insert into check_run (pull_key, sha, check_id, status, digest, annotated, attempted_at, audit_at, edited_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
   on conflict (pull_key, sha) do update set check_id = excluded.check_id, status = excluded.status,
     digest = excluded.digest, annotated = excluded.annotated, attempted_at = excluded.attempted_at,
     audit_at = excluded.audit_at, edited_at = excluded.edited_at`,
);
const FORGET = sql("check_run_forget", "delete from check_run where pull_key = $1 and sha = $2");

interface CheckColumns {
  pull_key: string;
  sha: string;
  check_id: unknown;
  status: string | null;
  digest: string | null;
  annotated: boolean;
  attempted_at: Date | null;
  audit_at: Date | null;
  edited_at: Date | null;
}

export async function checkRuns(db: Sql, pullKey: string): Promise<readonly CheckRow[]> {
  const { rows } = await db.query<CheckColumns>(LIST, [pullKey]);
  return rows.map((row) => ({
    pullKey: row.pull_key,
    sha: row.sha,
    checkId: row.check_id === null ? null : number(row.check_id),
    status: row.status,
    digest: row.digest,
    annotated: row.annotated,
    attemptedAt: row.attempted_at,
    auditAt: row.audit_at,
    editedAt: row.edited_at,
  }));
}

export async function putCheckRun(db: Sql, row: CheckRow): Promise<void> {
  await db.query(PUT, [
    row.pullKey,
    row.sha,
    row.checkId,
    row.status,
    row.digest,
    row.annotated,
    row.attemptedAt,
    row.auditAt,
    row.editedAt,
  ]);
}

export async function forgetCheckRun(db: Sql, pullKey: string, sha: string): Promise<void> {
  await db.query(FORGET, [pullKey, sha]);
}
