import { CLAIM_TAKE, HINT_DELAY_MS, HINTS_OPEN_MAX, LINGER_MS } from "../domain/limits.ts";
import { announcing } from "./announce.ts";
import { type Context, newId } from "./context.ts";
import type { Hint, Queue } from "./ports-queue.ts";
import { runHeld } from "./worker.ts";

/** What is left of a function's time. */
export interface Remaining {
  remainingMs(): number;
}

/** The longest that the loop sleeps before it looks at the time that is left. */
const LOOK_MS = 250;

/** Hints of one name are for one key, and one look serves them all. */
export function hintName({ topic, key }: Hint): string {
  return `${topic} ${key}`;
}

/** Of what was woken, the hints that a message can carry: what is due later is found by the schedule. */
export function sendable(hints: readonly Hint[], now: Date): readonly Hint[] {
  return hints.filter(({ dueAt }) => dueAt.getTime() - now.getTime() <= HINT_DELAY_MS);
}

/**
 * Works on the keys of the hints, and on what their steps wake, until nothing is due within LINGER_MS or the time is too
 * short for another step; what is left goes back as messages. A step begins only if it can end: with a whole lease left.
 * Out: hints that nobody will look at soon, because the store or the queue failed. Never throws.
 */
export async function workOnHints(
  context: Context,
  queue: Queue,
  hints: readonly Hint[],
  { remainingMs }: Remaining,
): Promise<readonly Hint[]> {
  // The schedule finds them again when a person has confirmed the restore.
  if (await isBraked(context)) return [];
  const desk = createDesk(hints);
  const own = { ...context, store: announcing(context.store, desk.put) };
  const running = new Set<Promise<void>>();
  const isTime = () => remainingMs() > context.policy.leaseMs;
  while (isTime()) {
    const now = context.clock.now();
    await sendOn(context, queue, desk, desk.takeLater(now));
    const due = desk.takeDue(now, CLAIM_TAKE - running.size);
    for (const hint of due) {
      const run: Promise<void> = lookAt(own, desk, hint).finally(() => void running.delete(run));
      running.add(run);
    }
    const waitMs = desk.untilDueMs(context.clock.now());
    if (running.size === 0 && waitMs === null) break;
    if (running.size >= CLAIM_TAKE || waitMs !== 0) {
      await Promise.race([...running, sleep(Math.min(LOOK_MS, waitMs ?? LOOK_MS))]);
    }
  }
  await Promise.all(running);
  await sendOn(context, queue, desk, desk.takeAll());
  return desk.failed();
}

/** While the epoch cannot be read nothing is known, and the hints are looked at like those of a store that fails. */
async function isBraked({ brake, log }: Context): Promise<boolean> {
  try {
    return Boolean(await brake?.engaged());
  } catch (error) {
    log.error({ cause: String(error) }, "the epoch of the store could not be read");
    return false;
  }
}

/** One step on one key, if it is due and free; then when to look at it again, which nobody else would tell. */
async function lookAt(context: Context, desk: Desk, hint: Hint): Promise<void> {
  const { store, clock, policy, log, brake } = context;
  const { topic, key } = hint;
  try {
    const now = clock.now();
    const until = new Date(now.getTime() + policy.leaseMs);
    await brake?.guard();
    const [held] = await store.claimKeys([hint], newId(context, "lease"), now, until);
    if (held) await runHeld(context, held);
    const dueAt = await store.dueOf(topic, key);
    const soon = clock.now().getTime() + LINGER_MS;
    // A key that another worker holds, or that is due much later, is theirs to look at.
    if (dueAt && (held || dueAt.getTime() <= soon)) desk.put([{ topic, key, dueAt }]);
  } catch (error) {
    desk.fail(hint);
    log.error({ topic, cause: String(error) }, "a hint could not be looked at");
  }
}

async function sendOn(context: Context, queue: Queue, desk: Desk, hints: readonly Hint[]): Promise<void> {
  const now = context.clock.now();
  const worth = sendable(hints, now);
  if (worth.length === 0) return;
  try {
    await queue.send(worth, now);
  } catch (error) {
    for (const hint of worth) desk.fail(hint);
    context.log.warn({ hints: worth.length, cause: String(error) }, "hints could not be sent");
  }
}

interface Desk {
  put(hints: readonly Hint[]): void;
  /** Those due now, the first in time first. */
  takeDue(now: Date, most: number): readonly Hint[];
  /** Those that others should look at: due later than LINGER_MS, or more than fit. */
  takeLater(now: Date): readonly Hint[];
  takeAll(): readonly Hint[];
  /** Milliseconds until the next is due; null if there is none. */
  untilDueMs(now: Date): number | null;
  fail(hint: Hint): void;
  failed(): readonly Hint[];
}

/** The keys that one function has at hand, each once, with its earliest date. */
function createDesk(hints: readonly Hint[]): Desk {
  const open = new Map<string, Hint>();
  const failed = new Map<string, Hint>();
  const take = (some: readonly Hint[]) => {
    for (const hint of some) open.delete(hintName(hint));
    return some;
  };
  const sorted = () => [...open.values()].sort((a, b) => a.dueAt.getTime() - b.dueAt.getTime());
  const put = (more: readonly Hint[]) => {
    for (const hint of more) {
      const known = open.get(hintName(hint));
      if (!known || hint.dueAt < known.dueAt) open.set(hintName(hint), hint);
    }
  };
  put(hints);
  return {
    put,
    takeDue: (now, most) =>
      take(
        sorted()
          .filter(({ dueAt }) => dueAt <= now)
          .slice(0, most),
      ),
    takeLater(now) {
      const soon = now.getTime() + LINGER_MS;
      const all = sorted();
      return take(all.filter(({ dueAt }, index) => dueAt.getTime() > soon || index >= HINTS_OPEN_MAX));
    },
    takeAll: () => take(sorted()),
    untilDueMs(now) {
      const [next] = sorted();
      return next ? Math.max(0, next.dueAt.getTime() - now.getTime()) : null;
    },
    fail: (hint) => void failed.set(hintName(hint), hint),
    failed: () => [...failed.values()],
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
