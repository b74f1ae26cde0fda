/**
 * How the store's statements meet a database: Postgres as DSQL speaks it. The pool of the service implements this, and
 * so does the simulation, which lets real transactions interleave under one scheduler.
 */

/** One named SQL statement; the name makes it a prepared statement, so it must change when the text does. */
export interface SqlText {
  readonly name: string;
  readonly text: string;
}

export interface SqlResult<Row> {
  readonly rows: readonly Row[];
  readonly rowCount: number;
}

export interface Sql {
  /** Runs one statement. Values are parameters; timestamps are Date, bigint columns come back as number. */
  query<Row>(statement: SqlText, values: readonly unknown[]): Promise<SqlResult<Row>>;
}

export interface Database extends Sql {
  /**
   * Runs the work in one repeatable-read transaction and repeats the whole of it, with jitter, on 40001 (and on the
   * lock errors of plain Postgres). The work must be safe to repeat, also after a COMMIT whose outcome is unknown.
   * Throws Retryable `store_busy` after the last try, `store_unavailable` if the connection failed.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
}
