import type pg from "pg";
import { isConflict } from "../../service/adapters/store/database.ts";
import type { Database, Sql, SqlResult, SqlText } from "../../service/adapters/store/sql.ts";
import { Retryable } from "../../service/domain/errors.ts";
import type { Actor } from "./actor.ts";
import { isWrite, type LeaseWatch, type Ran } from "./leases.ts";

const TRIES_MAX = 64;

/** Changes a statement on its way, for mutations. */
export type Rewrite = (statement: SqlText) => SqlText;

export interface DatabaseOptions {
  readonly client: pg.Client;
  readonly actor: Actor;
  readonly watch: LeaseWatch;
  readonly rewrite: Rewrite;
  /** Called after every commit with the statements that wrote. */
  readonly committed: (writes: readonly SqlText[]) => void;
}

/**
 * The store's database as one process reaches it: real transactions on a connection of its own, a turn before every
 * statement, conflicts at the commit, and commits whose answer is lost. `abandon` is what Postgres does when the
 * process has died.
 */
export function createSimulatedDatabase(options: DatabaseOptions): Database & { abandon(): Promise<void> } {
  const { client, actor } = options;
  let last: Promise<unknown> = Promise.resolve();
  /** A step may ask several things at once; its one connection answers them in order, and the baton counts one turn. */
  const inOrder = <T>(work: () => Promise<T>): Promise<T> => {
    const asked = last.then(work);
    last = asked.catch(() => {});
    return asked;
  };
  return {
    query: (statement, values) => inOrder(() => retrying(actor, () => single(options, statement, values))),
    transaction: (work) => retrying(actor, () => inTransaction(options, work)),
    async abandon() {
      // What the dead process had asked is never answered; the next one does not wait for it.
      last = Promise.resolve();
      await client.query("rollback");
    },
  };
}

async function single<Row>(
  options: DatabaseOptions,
  statement: SqlText,
  values: readonly unknown[],
): Promise<SqlResult<Row>> {
  const { actor } = options;
  await actor.turn();
  if (actor.stage.fault(0.002)) throw unavailable("the connection broke before the statement");
  const result = await run<Row>(options, statement, values);
  if (isWrite(statement)) {
    options.watch.committed(actor.name, [{ statement, values, ...result }]);
    options.committed([statement]);
    if (actor.stage.fault(0.01)) throw unavailable("the connection broke before the answer");
  }
  return result;
}

async function inTransaction<T>(options: DatabaseOptions, work: (sql: Sql) => Promise<T>): Promise<T> {
  const { client, actor } = options;
  const ran: Ran[] = [];
  let begun: Promise<unknown> | null = null;
  const locked = () => ran.some(({ statement }) => isWrite(statement));
  const query = async <Row>(statement: SqlText, values: readonly unknown[]) => {
    await (locked() ? actor.lockedTurn() : actor.turn());
    // Sent together with the first statement; the connection keeps the order.
    begun ??= client.query("begin isolation level repeatable read");
    const [result] = await Promise.all([run<Row>(options, statement, values), begun]);
    ran.push({ statement, values, ...result });
    return result;
  };
  try {
    const result = await work({ query });
    if (begun) await commit(options, ran);
    return result;
  } catch (error) {
    if (begun) await client.query("rollback");
    throw error;
  }
}

async function commit(options: DatabaseOptions, ran: readonly Ran[]): Promise<void> {
  const { client, actor } = options;
  const { stage } = actor;
  await actor.lockedTurn();
  if (stage.fault(0.01)) {
    throw Object.assign(new Error("change conflicts with another transaction (OC000)"), { code: "40001" });
  }
  await client.query("commit");
  stage.say(`${actor.name} commit`);
  options.watch.committed(actor.name, ran);
  options.committed(ran.map(({ statement }) => statement).filter(isWrite));
  if (stage.fault(0.01)) throw unavailable("the connection broke after the commit");
}

async function run<Row>(
  { client, actor, rewrite }: DatabaseOptions,
  statement: SqlText,
  values: readonly unknown[],
): Promise<SqlResult<Row>> {
  const { name, text } = rewrite(statement);
  try {
    const result = await client.query({ name, text, values: [...values] });
    actor.stage.say(`${actor.name} ${name} ${result.rowCount}`);
    return { rows: result.rows as Row[], rowCount: result.rowCount ?? 0 };
  } catch (error) {
    actor.stage.say(
      `${actor.name} ${name} ${error instanceof Error && "code" in error ? error.code : error}`,
    );
    throw error;
  }
}

async function retrying<T>(actor: Actor, attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (tries >= TRIES_MAX) throw new Retryable("store_busy", "conflicts on every try", { cause: error });
      await actor.turn();
    }
  }
}

function unavailable(cause: string): Retryable {
  return new Retryable("store_unavailable", `The store cannot be reached: ${cause}`);
}
