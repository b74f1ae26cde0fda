import { TICK_KEYS_MAX, TICK_OWN_KEYS_MAX } from "../domain/limits.ts";
import { METRIC } from "../domain/metrics.ts";
import { ensureChores, SWEPT } from "./chores.ts";
import type { Context } from "./context.ts";
import { type Remaining, workOnHints } from "./hints.ts";
import type { Hint, Queue } from "./ports-queue.ts";

/**
 * What the schedule does each minute: sends on the keys that are due, because a message was lost or could not be delayed
 * long enough, and measures how late they are. Two at once only double the messages. If the queue takes none the tick
 * does some of the work itself. Throws if the store cannot be read.
 */
export async function tick(context: Context, queue: Queue, remaining: Remaining): Promise<void> {
  const { store, clock, measure, log } = context;
  const now = clock.now();
  await ensureChores(store, now);
  const due = await store.due(now, TICK_KEYS_MAX);
  const hints = due.map(({ topic, key }) => ({ topic, key, dueAt: now }));
  await measureAges(context, now);
  measure.put({ [METRIC.wakeupsDue]: due.length });
  if (hints.length === 0 || (await context.brake?.engaged())) return;
  try {
    await queue.send(hints, now);
  } catch (error) {
    log.error(
      { hints: hints.length, cause: String(error) },
      "the queue takes no messages; the tick works itself",
    );
    await workOnHints(context, quiet, hints.slice(0, TICK_OWN_KEYS_MAX), remaining);
  }
}

/** Where the queue has just failed, what is left waits for the next tick. */
const quiet: Queue = { send: async (_hints: readonly Hint[]) => {} };

async function measureAges({ store, measure }: Context, now: Date): Promise<void> {
  const [oldest, swept] = await Promise.all([store.nextDue(), store.mark(SWEPT)]);
  const late = oldest ? Math.max(0, now.getTime() - oldest.getTime()) : 0;
  const ages: Record<string, number> = { [METRIC.queueAge]: Math.round(late / 1_000) };
  if (swept) ages[METRIC.sweepAge] = Math.round((now.getTime() - Date.parse(swept)) / 1_000);
  measure.put(ages);
}
