/** The ledger of statements, the reports and the history. */
import type { EventRow, LedgerRow, ReportRow } from "../../handlers/ports-store.ts";
import { compareAndSet, number, one, sql } from "./row.ts";
import type { Sql } from "./sql.ts";

const LEDGER = sql(
  "statement_ledger",
  `select ordinal, file, index_in_file, line, checksum, state, job_id, code, message, started_at, finished_at
   from statement where cluster_id = $1 order by ordinal`,
);
const PUT_STATEMENT = sql(
  "statement_put",
  `insert into statement (cluster_id, ordinal, file, index_in_file, line, checksum, state, job_id, code, message,
     started_at, finished_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
   on conflict (cluster_id, ordinal) do update set file = excluded.file, index_in_file = excluded.index_in_file,
     line = excluded.line, checksum = excluded.checksum, state = excluded.state, job_id = excluded.job_id,
     code = excluded.code, message = excluded.message, started_at = excluded.started_at,
     finished_at = excluded.finished_at`,
);
const FORGET = sql(
  "statement_forget",
  "delete from statement where cluster_id = $1 and state in ('started', 'failed')",
);
const REPORT = sql(
  "report_by_pull",
  "select pull_key, comment_id, digest, attempted_at, audit_at, edited_at, version from report where pull_key = $1",
);
const INSERT_REPORT = sql(
  "report_insert",
  `insert into report (pull_key, comment_id, digest, attempted_at, audit_at, edited_at, version)
   values ($1, $2, $3, $4, $5, $6, 1)`,
);
const UPDATE_REPORT = sql(
  "report_update",
  `update report set comment_id = $3, digest = $4, attempted_at = $5, audit_at = $6, edited_at = $7,
     version = version + 1 where pull_key = $1 and version = $2`,
);
const ADD_EVENT = sql(
  "event_add",
  "insert into event (environment_id, id, at, kind, actor, detail) values ($1, $2, $3, $4, $5, $6)",
);
const EVENTS = sql(
  "event_list",
  `select environment_id, id, at, kind, actor, detail from
     (select * from event where environment_id = $1 order by at desc, id desc limit 1000) newest
   order by at, id`,
);

// Ids are sortable by time, so that the id of the last one seen is the cursor.
const EVENTS_PAGE = sql(
  "event_page",
  `select environment_id, id, at, kind, actor, detail from event where environment_id = $1 and id > $2
   order by id limit $3`,
);
const APPLIED = sql(
  "statement_applied",
  `select cluster_id, count(*) as n from statement where cluster_id = any($1::text[]) and state = 'applied'
   group by cluster_id order by cluster_id`,
);

interface LedgerColumns {
  ordinal: number;
  file: string;
  index_in_file: number;
  line: number;
  checksum: string;
  state: LedgerRow["state"];
  job_id: string | null;
  code: string | null;
  message: string | null;
  started_at: Date;
  finished_at: Date | null;
}

export async function ledger(db: Sql, clusterId: string): Promise<readonly LedgerRow[]> {
  const { rows } = await db.query<LedgerColumns>(LEDGER, [clusterId]);
  return rows.map((row) => ({
    ordinal: row.ordinal,
    file: row.file,
    index: row.index_in_file,
    line: row.line,
    checksum: row.checksum,
    state: row.state,
    jobId: row.job_id,
    code: row.code,
    message: row.message,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
  }));
}

export async function putStatement(db: Sql, clusterId: string, row: LedgerRow): Promise<void> {
  await db.query(PUT_STATEMENT, [
    clusterId,
    row.ordinal,
    row.file,
    row.index,
    row.line,
    row.checksum,
    row.state,
    row.jobId,
    row.code,
    row.message,
    row.startedAt,
    row.finishedAt,
  ]);
}

export async function forgetUnfinished(db: Sql, clusterId: string): Promise<void> {
  await db.query(FORGET, [clusterId]);
}

interface ReportColumns {
  pull_key: string;
  comment_id: unknown;
  digest: string | null;
  attempted_at: Date | null;
  audit_at: Date | null;
  edited_at: Date | null;
  version: unknown;
}

export async function report(db: Sql, pullKey: string): Promise<ReportRow | null> {
  const row = await one<ReportColumns>(db, REPORT, [pullKey]);
  if (!row) return null;
  return {
    pullKey: row.pull_key,
    commentId: row.comment_id === null ? null : number(row.comment_id),
    digest: row.digest,
    attemptedAt: row.attempted_at,
    auditAt: row.audit_at,
    editedAt: row.edited_at,
    version: number(row.version),
  };
}

/** Version 0 means a row that is not there yet. */
export async function putReport(db: Sql, r: ReportRow): Promise<void> {
  const values = [r.commentId, r.digest, r.attemptedAt, r.auditAt, r.editedAt];
  if (r.version === 0) await db.query(INSERT_REPORT, [r.pullKey, ...values]);
  else await compareAndSet(db, UPDATE_REPORT, [r.pullKey, r.version, ...values], `report ${r.pullKey}`);
}

export async function addEvent(db: Sql, event: EventRow): Promise<void> {
  await db.query(ADD_EVENT, [event.environmentId, event.id, event.at, event.kind, event.actor, event.detail]);
}

type EventColumns = Omit<EventRow, "environmentId"> & { environment_id: string };

export async function events(db: Sql, environmentId: string): Promise<readonly EventRow[]> {
  return (await db.query<EventColumns>(EVENTS, [environmentId])).rows.map(fromEvent);
}

export async function eventsPage(
  db: Sql,
  environmentId: string,
  after: string,
  limit: number,
): Promise<readonly EventRow[]> {
  return (await db.query<EventColumns>(EVENTS_PAGE, [environmentId, after, limit])).rows.map(fromEvent);
}

function fromEvent({ environment_id, ...row }: EventColumns): EventRow {
  return { environmentId: environment_id, ...row };
}

export async function appliedStatements(
  db: Sql,
  clusterIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (clusterIds.length === 0) return new Map();
  const { rows } = await db.query<{ cluster_id: string; n: unknown }>(APPLIED, [clusterIds]);
  return new Map(rows.map((row) => [row.cluster_id, number(row.n)]));
}
