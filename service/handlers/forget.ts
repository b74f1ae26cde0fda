import { CUSTOMER_KEPT_DAYS, IDEMPOTENCY_HOURS } from "../domain/limits.ts";
import type { Context } from "./context.ts";
import type { StoreTransaction } from "./ports-store.ts";
import { later, type Step } from "./step.ts";

const HOUR_MS = 3_600_000;
/** Ended sessions are kept this long, so that their holders are told that they have ended. */
const ENDED_HOURS = 24;
/** Rows of one transaction: DSQL takes 3,000 changes in one, and each row has an index. */
const ROWS_MAX = 500;
/** Customers of one transaction: an environment and its labels each. */
const CUSTOMERS_MAX = 10;
/** Transactions at a time, so that a backlog is worked off without a burst. */
const ROUNDS_MAX = 100;

/** Of the key that stands for what is left of a forgotten environment; its id follows. */
const REST = "forget:";

type ForgetContext = Pick<Context, "store" | "clock">;

/**
 * Deletes what has ended: sessions, OIDC tokens and remembered answers, customers after a month, and what was mapped in
 * clusters that are gone. A customer goes as a whole, as others see it; the rest has a key of its own in the queue.
 * Idempotent. Out: how many rows and customers.
 */
export async function forget({ store, clock }: ForgetContext): Promise<number> {
  const before = (hours: number) => new Date(clock.now().getTime() - hours * HOUR_MS);
  const [ended, answered] = [before(ENDED_HOURS), before(IDEMPOTENCY_HOURS)];
  const customers = before(CUSTOMER_KEPT_DAYS * 24);
  const kinds: readonly ((tx: StoreTransaction) => Promise<number>)[] = [
    (tx) => tx.forgetExpired(ended, answered, ROWS_MAX),
    (tx) => forgetCustomers(tx, customers, clock.now()),
    (tx) => tx.forgetClusterAccess(ROWS_MAX),
  ];
  let rows = 0;
  for (const some of kinds) rows += await repeated(() => store.transaction(some));
  return rows;
}

async function forgetCustomers(tx: StoreTransaction, endedBefore: Date, now: Date): Promise<number> {
  const ids = await tx.forgetCustomers(endedBefore, CUSTOMERS_MAX);
  await tx.wake(
    ids.map((id) => ({ topic: "chore", key: `${REST}${id}`, dueAt: now })),
    now,
  );
  return ids.length;
}

/** Whether a chore's key stands for what is left of a forgotten environment. */
export function isRest(key: string): boolean {
  return key.startsWith(REST);
}

/** Deletes what is left of a forgotten environment. Idempotent. */
export async function forgetRest(context: ForgetContext, step: Step): Promise<void> {
  const id = step.key.slice(REST.length);
  const rows = await repeated(() => context.store.transaction((tx) => tx.forgetRest(id, ROWS_MAX)));
  const isDone = rows < ROUNDS_MAX * ROWS_MAX;
  await step.commit(isDone ? null : later(context, 0), async () => {});
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
