import { CUSTOMER_KEPT_DAYS, IDEMPOTENCY_HOURS } from "../domain/limits.ts";
import type { Context } from "./context.ts";
import type { StoreTransaction } from "./ports-store.ts";

const HOUR_MS = 3_600_000;
/** Ended sessions are kept this long, so that their holders are told that they have ended. */
const ENDED_HOURS = 24;
/** Rows of one transaction: DSQL takes 3,000 changes in one, and each row has an index. */
const ROWS_MAX = 500;
/** Transactions at a time, so that a backlog is worked off without a burst. */
const ROUNDS_MAX = 100;

type ForgetContext = Pick<Context, "store" | "clock">;

/**
 * Deletes what has ended: sessions, OIDC tokens and remembered answers, customers after a month, and what was mapped in
 * clusters that are gone. Idempotent. Out: how many rows.
 */
export async function forget({ store, clock }: ForgetContext): Promise<number> {
  const before = (hours: number) => new Date(clock.now().getTime() - hours * HOUR_MS);
  const [ended, answered] = [before(ENDED_HOURS), before(IDEMPOTENCY_HOURS)];
  const customers = before(CUSTOMER_KEPT_DAYS * 24);
  const kinds: readonly ((tx: StoreTransaction) => Promise<number>)[] = [
    (tx) => tx.forgetExpired(ended, answered, ROWS_MAX),
    (tx) => tx.forgetCustomers(customers, ROWS_MAX),
    (tx) => tx.forgetClusterAccess(ROWS_MAX),
  ];
  let rows = 0;
  for (const some of kinds) rows += await repeated(() => store.transaction(some));
  return rows;
}

async function repeated(work: () => Promise<number>): Promise<number> {
  let rows = 0;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const some = await work();
    if (some === 0) break;
    rows += some;
  }
  return rows;
}
