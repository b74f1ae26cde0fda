import {
  REDELIVER_AGAIN_MS,
  REDELIVER_MAX,
  REDELIVER_MORE_MS,
  REDELIVER_MS,
  REDELIVER_SETTLE_MS,
  REDELIVER_WINDOW_MS,
} from "../domain/limits.ts";
import type { Context } from "./context.ts";
import type { DeliveryAttempt, FailedPage } from "./ports.ts";
import { WANTED_EVENTS } from "./receive.ts";
import { later, type Step } from "./step.ts";

/** How far failed deliveries were looked at: a time of GitHub's as ISO 8601, or the walk that is under way as JSON. */
const REDELIVERED = "redelivered";
/** Answers to what a webhook says, which will be the same next time: not JSON or not of GitHub's shape, too large. */
const REFUSED_FOR_GOOD: ReadonlySet<number> = new Set([400, 413]);

/** A walk through GitHub's list, newest first, one page a look: of what came due from one time to another. */
interface Walk {
  readonly fromMs: number;
  /** Null before the first page told GitHub's time. */
  readonly toMs: number | null;
  readonly cursor: string | null;
  /** Ids of the attempts of this page that were asked for already, by a look that did not come to its end. */
  readonly asked: readonly string[];
}

type Begun = Walk & { readonly toMs: number };

/**
 * GitHub never repeats a delivery that failed, so it is asked to (github.md 1.5). Walks divide the time of GitHub's clock
 * without gap or overlap, so that each failed attempt is asked for once, however many there are; if the next one fails
 * too it is an attempt of its own, and comes due later. What the journal has needs no other.
 */
export async function redeliver(context: Context, step: Step): Promise<void> {
  const { store, clock, redelivery, log } = context;
  const walk = readWalk(await store.mark(REDELIVERED));
  const page = await redelivery.failed(REDELIVER_MAX, walk.cursor);
  if (!page) {
    log.warn(
      { before: new Date(walk.fromMs) },
      "GitHub lost the place in its list of deliveries; it is read anew",
    );
    const anew = new Date(walk.fromMs).toISOString();
    return step.commit(later(context, REDELIVER_MS), (tx) => tx.putMark(REDELIVERED, anew));
  }
  const begun = begin(walk, page.now ?? clock.now());
  let { asked } = begun;
  for (const { id, guid } of await missingOf(context, begun, page.attempts)) {
    step.ensureHeld();
    const outcome = await redelivery.again(id);
    log.info({ delivery: guid, outcome }, "a failed delivery was asked for again");
    asked = [...asked, id];
    const sofar = JSON.stringify({ ...begun, asked });
    await step.hold((tx) => tx.putMark(REDELIVERED, sofar));
  }
  const next = nextOf(begun, page);
  if (next)
    log.info({ before: page.oldest }, "there are more failed deliveries; the next look goes on from here");
  const mark = next ? JSON.stringify(next) : new Date(begun.toMs).toISOString();
  await step.commit(later(context, next ? REDELIVER_MORE_MS : REDELIVER_MS), (tx) =>
    tx.putMark(REDELIVERED, mark),
  );
}

/** In: what was kept. A time alone is also what versions kept that knew no walks. */
function readWalk(mark: string | null): Walk {
  if (mark?.startsWith("{")) return JSON.parse(mark) as Walk;
  const time = Date.parse(mark ?? "");
  return { fromMs: Number.isNaN(time) ? 0 : time, toMs: null, cursor: null, asked: [] };
}

/** What is too young may still be missing in the list, and waits for the next walk. */
function begin(walk: Walk, now: Date): Begun {
  const toMs = walk.toMs ?? Math.max(now.getTime() - REDELIVER_SETTLE_MS, walk.fromMs);
  return { ...walk, toMs, fromMs: Math.max(walk.fromMs, toMs - REDELIVER_WINDOW_MS) };
}

/** What is to be asked for, oldest first, each event once. */
async function missingOf({ store, redelivery }: Context, walk: Begun, attempts: readonly DeliveryAttempt[]) {
  const due = attempts.filter((one) => isDue(walk, one) && !walk.asked.includes(one.id));
  const wanted = due.filter(({ event }) => WANTED_EVENTS.has(event));
  const guids = [...new Set(wanted.map(({ guid }) => guid))];
  const known = await store.knownDeliveries(redelivery.appId, guids);
  return guids
    .filter((guid) => !known.has(guid))
    .flatMap((guid) => wanted.find((one) => one.guid === guid) ?? [])
    .reverse();
}

function isDue({ fromMs, toMs }: Begun, { at, isRepeat, statusCode }: DeliveryAttempt): boolean {
  if (isRepeat && REFUSED_FOR_GOOD.has(statusCode)) return false;
  const dueMs = at.getTime() + (isRepeat ? REDELIVER_AGAIN_MS : 0);
  return dueMs >= fromMs && dueMs < toMs;
}

/** Where the walk goes on; null if nothing that it looks for can follow. The list's order is good to some seconds. */
function nextOf(walk: Begun, { next, oldest }: FailedPage): Walk | null {
  const lastMs = walk.fromMs - REDELIVER_AGAIN_MS - REDELIVER_SETTLE_MS;
  if (next === null || next === walk.cursor || (oldest && oldest.getTime() < lastMs)) return null;
  return { ...walk, cursor: next, asked: [] };
}
