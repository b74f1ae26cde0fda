import { Fenced, Retryable } from "../domain/errors.ts";
import type { Context } from "./context.ts";
import type { Held, StoreTransaction } from "./ports-store.ts";

/**
 * One step on one key. A handler ends it with `commit`: its writes, the wakes of others, the events and the settling of
 * its own wakeup are one transaction, and the settling fences it. A worker that was paused past its lease cannot commit.
 */
export interface Step {
  readonly key: string;
  /** 1 for the first try since the last success; more after a failure or after another worker died with the key. */
  readonly attempts: number;
  /** Writes and settles. `again`: when to look next, null for "only when woken". */
  commit(again: Date | null, work: (tx: StoreTransaction) => Promise<void>): Promise<void>;
  /**
   * Writes and keeps the key, with a fresh lease: for an intent that must be durable before its effect. Throws Retryable
   * `paused_after_restore` if the store was restored since the key was taken.
   */
  hold(work: (tx: StoreTransaction) => Promise<void>): Promise<void>;
  /** Throws Fenced if the lease ran out by our own clock: the last check before an effect that cannot be repeated. */
  ensureHeld(): void;
}

export function createStep(context: Context, held: Held): Step {
  const { store, clock, nudge } = context;
  let leaseUntil = held.leaseUntil;
  const fenced = () => new Fenced(held.topic, held.key);
  return {
    key: held.key,
    attempts: held.attempts,
    async commit(again, work) {
      await store.transaction(async (tx) => {
        await work(tx);
        const now = clock.now();
        const settled = await tx.settle(held, { again, notBefore: new Date(0), attempts: 0, now });
        if (!settled) throw fenced();
      });
      nudge.nudge();
    },
    async hold(work) {
      const until = new Date(clock.now().getTime() + context.policy.leaseMs);
      const check = await context.brake?.guard();
      await store.transaction(async (tx) => {
        if (!(await tx.renew(held, until))) throw fenced();
        await check?.(tx);
        await work(tx);
      });
      leaseUntil = until;
      nudge.nudge();
    },
    ensureHeld() {
      if (clock.now() >= leaseUntil) throw fenced();
    },
  };
}

/** Throws Retryable if a pause is in force. A pause is never shortened by a wake. */
export function refusePaused(context: Pick<Context, "clock">, until: Date, what: string): void {
  const afterMs = until.getTime() - context.clock.now().getTime();
  if (afterMs > 0)
    throw new Retryable("paused", `${what} is paused until ${until.toISOString()}.`, { afterMs });
}

/** The date `ms` milliseconds from now. */
export function later(context: Pick<Context, "clock">, ms: number): Date {
  return new Date(context.clock.now().getTime() + ms);
}
