/** The queue of hints: it makes the look at a wakeup sooner, and may lose, double or reorder them without harm. */
import type { Wake } from "./ports-store.ts";

/** "Look at this key, not before that." */
export type Hint = Wake;

export interface Queue {
  /** Sends all, each delayed until it is due, as far as the queue can delay. Throws Retryable or Refused. */
  send(hints: readonly Hint[], now: Date): Promise<void>;
}

/** Hears of wakeups once they are committed. Never throws and is not awaited by who commits. */
export type Announce = (hints: readonly Hint[]) => void;
