import type { Pool, PoolClient } from "pg";
import { Retryable } from "../../domain/errors.ts";
import type { Database, Sql, SqlResult, SqlText } from "./sql.ts";

/** First committer wins and everybody else repeats: jittered, so that somebody always advances (core.md, retry rule). */
const RETRIES_MAX = 64;
const RETRY_BUDGET_MS = 8_000;
const RETRY_WAIT_MAX_MS = 100;

/** 40001 is DSQL's conflict (OC000, OC001); plain Postgres also answers with its lock errors. */
const CONFLICTS = new Set(["40001", "40P01", "55P03"]);
/** Class 08, 57P01 to 57P03 and DSQL's XX000 "server unavailable": the connection, not the statement. */
const UNAVAILABLE = /^(08|57P0|53300|53400)/;

/** The store's database over a pool of pg, whoever made the pool: a DSQL cluster or a plain Postgres URL. */
export function createDatabase(pool: Pool): Database & { close(): Promise<void> } {
  // A client that loses its connection must not end the process, neither idle nor between two statements of a
  // transaction; its next use reports it.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return {
    query: (statement, values) => retrying(() => run(pool, statement, values)),
    transaction: (work) => retrying(() => inTransaction(pool, work)),
    close: () => pool.end(),
  };
}

async function inTransaction<T>(pool: Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query("begin isolation level repeatable read");
    const result = await work({ query: (statement, values) => run(client, statement, values) });
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

async function run<Row>(
  client: Pool | PoolClient,
  statement: SqlText,
  values: readonly unknown[],
): Promise<SqlResult<Row>> {
  const result = await client.query({ name: statement.name, text: statement.text, values: [...values] });
  return { rows: result.rows as Row[], rowCount: result.rowCount ?? 0 };
}

async function retrying<T>(attempt: () => Promise<T>): Promise<T> {
  const started = performance.now();
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const failure = isConflict(error) ? error : asUnavailable(error);
      // A connection that ended while it was idle, or while a function was frozen, shows at its next use only: once more
      // on another one. Safe after a lost COMMIT too, as every transaction of ours is.
      if (failure instanceof Retryable && tries === 1) continue;
      if (!isConflict(error)) throw failure;
      if (tries >= RETRIES_MAX || performance.now() - started > RETRY_BUDGET_MS) {
        throw new Retryable(
          "store_busy",
          "The store met conflicts on every try; the step is tried again later.",
          {
            cause: error,
          },
        );
      }
      await sleep(Math.random() * Math.min(RETRY_WAIT_MAX_MS, 2 ** tries));
    }
  }
}

/** Looks at `.cause` too: wrappers hide the code there (field case F53). */
export function isConflict(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = "code" in at ? String(at.code) : "";
    if (CONFLICTS.has(code) || /\bOC00\d\b/.test(at.message)) return true;
  }
  return false;
}

function asUnavailable(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = "code" in error ? String(error.code) : "";
  const connection = /ECONN|EPIPE|ENOENT|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND/.test(code);
  const ended =
    /Connection terminated|timeout exceeded when trying to connect|Query read timeout|not queryable|server unavailable/.test(
      error.message,
    );
  if (!connection && !ended && !UNAVAILABLE.test(code)) return error;
  return new Retryable("store_unavailable", `The store cannot be reached: ${error.message}`, {
    cause: error,
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
