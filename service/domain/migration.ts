/** One `.sql` file of the repository at a pinned SHA. */
export interface MigrationFile {
  readonly path: string;
  readonly text: string;
}

/** One SQL statement with its place: `line` is 1-based, `index` 1-based within its file. */
export interface Statement {
  readonly file: string;
  readonly index: number;
  readonly line: number;
  readonly sql: string;
  /** What is sent to DSQL: CREATE INDEX is made ASYNC, everything else is as written. */
  readonly send: string;
  /** `index` starts a background job that must be waited for. */
  readonly kind: "index" | "other";
  /** SHA-256 of `sql`, hexadecimal. */
  readonly checksum: string;
}

/** The statements of a pull request's head, in the order in which they are applied. */
export interface Plan {
  readonly sha: string;
  readonly files: readonly string[];
  readonly statements: readonly Statement[];
}

export interface PlanSummary {
  readonly sha: string;
  readonly fileCount: number;
  readonly statementCount: number;
}

/** What is wrong with a migration, for the person who wrote it. `code` is an SQLSTATE or a reason code of ours. */
export interface MigrationProblem {
  readonly file: string;
  readonly line: number;
  /** 1-based place in its file, and how many the file has; 0 of 0 if the file could not be split. */
  readonly index: number;
  readonly count: number;
  readonly sql: string;
  readonly code: string;
  readonly message: string;
}

/** The reason code of a statement during which the connection was lost again and again. */
export const STATEMENT_LOST = "statement_lost";

/** One row of the ledger: what happened to one statement on one cluster. */
export interface LedgerEntry {
  readonly ordinal: number;
  readonly file: string;
  readonly index: number;
  readonly line: number;
  readonly checksum: string;
  readonly state: "started" | "building" | "applied" | "failed";
  readonly jobId: string | null;
  /** Of a failure: an SQLSTATE or a reason code of ours. */
  readonly code: string | null;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
}
