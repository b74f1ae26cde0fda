import { IDEMPOTENCY_HOURS } from "../domain/limits.ts";
import type { Context } from "./context.ts";

const HOUR_MS = 3_600_000;
/** Ended sessions are kept this long, so that their holders are told that they have ended. */
const ENDED_HOURS = 24;
/** Rows of one transaction: DSQL takes 3,000 changes in one, and each row has an index. */
const ROWS_MAX = 500;
/** Transactions at a time, so that a backlog is worked off without a burst. */
const ROUNDS_MAX = 100;

type ForgetContext = Pick<Context, "store" | "clock">;

/** Deletes sessions, OIDC tokens and remembered answers that have ended. Idempotent. Out: how many rows. */
export async function forget({ store, clock }: ForgetContext): Promise<number> {
  const now = clock.now().getTime();
  const ended = new Date(now - ENDED_HOURS * HOUR_MS);
  const answered = new Date(now - IDEMPOTENCY_HOURS * HOUR_MS);
  let rows = 0;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const some = await store.transaction((tx) => tx.forgetExpired(ended, answered, ROWS_MAX));
    rows += some;
    if (some === 0) break;
  }
  return rows;
}
