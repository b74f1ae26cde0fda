import { REDELIVER_MAX, REDELIVER_MORE_MS, REDELIVER_MS, REDELIVER_WINDOW_MS } from "../domain/limits.ts";
import type { Context } from "./context.ts";
import { WANTED_EVENTS } from "./receive.ts";
import { later, type Step } from "./step.ts";

/** Up to which attempt failed deliveries were looked at, by GitHub's clock, as ISO 8601. */
const REDELIVERED = "redelivered";

/**
 * GitHub never repeats a delivery that failed, so it is asked to (github.md 1.5), oldest first. Each failed attempt is
 * looked at once; if the next one fails too it is an attempt of its own. What the journal has needs no other.
 */
export async function redeliver(context: Context, step: Step): Promise<void> {
  const { store, clock, redelivery, log } = context;
  const window = clock.now().getTime() - REDELIVER_WINDOW_MS;
  const mark = Date.parse((await store.mark(REDELIVERED)) ?? "");
  const since = new Date(Math.max(window, Number.isNaN(mark) ? 0 : mark));
  const failed = [...(await redelivery.failed(since))].reverse();
  const wanted = failed.filter(({ event }) => WANTED_EVENTS.has(event));
  const known = await store.knownDeliveries(
    redelivery.appId,
    wanted.map(({ guid }) => guid),
  );
  const missing = wanted.filter(({ guid }) => !known.has(guid));
  const some = missing.slice(0, REDELIVER_MAX);
  for (const { id, guid } of some) {
    step.ensureHeld();
    const answer = await redelivery.again(id);
    log.info({ delivery: guid, outcome: answer }, "a failed delivery was asked for again");
  }
  const isRest = missing.length > some.length;
  const last = isRest ? some.at(-1) : failed.at(-1);
  await step.commit(later(context, isRest ? REDELIVER_MORE_MS : REDELIVER_MS), async (tx) => {
    if (last) await tx.putMark(REDELIVERED, last.at.toISOString());
  });
}
