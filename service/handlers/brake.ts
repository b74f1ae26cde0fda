import {
  brakeText,
  decideEpoch,
  decideInner,
  EPOCH_MARK,
  type EpochDecision,
  epochAfter,
  type InnerEpoch,
  type OuterEpoch,
  readInner,
  writeInner,
} from "../domain/epoch.ts";
import { Refused, Retryable } from "../domain/errors.ts";
import { BRAKE_LOOK_MS, EPOCH_FOLLOW_MS } from "../domain/limits.ts";
import type { Clock, Log } from "./ports.ts";
import type { EpochKeeper } from "./ports-brake.ts";
import type { Store, StoreReads } from "./ports-store.ts";

/** Of several that advance at once one wins; the others look again and find it done. */
const TRIES_MAX = 5;

export interface BrakeContext {
  readonly store: Pick<Store, "mark" | "transaction">;
  readonly clock: Clock;
  readonly log: Log;
  /** Null: only a restore by `offshoot store restore` is noticed. */
  readonly keeper: EpochKeeper | null;
  /** Which store this is (domain/epoch.ts, storeName). */
  readonly storeName: string;
}

/** Holds everything back after the store was restored, until a person confirms (promise 7). */
export interface Brake {
  /** The line that says why, or null while there is nothing to say. Looks at most every BRAKE_LOOK_MS. */
  engaged(): Promise<string | null>;
  /** Throws Refused `paused_after_restore` while it is on: for what a request would change. */
  refuse(): Promise<void>;
  /**
   * Looks, and gives the check that the transaction of an intent makes: it throws Retryable `paused_after_restore` if the
   * very store that takes the intent was restored, also one that took another's place while this process ran.
   */
  guard(): Promise<(tx: Pick<StoreReads, "mark">) => Promise<void>>;
  /** What the last look found: the line that says why, or null. */
  known(): string | null;
}

/** Throws Retryable `epoch_unavailable` from each of its methods while the epoch cannot be read: then nothing is known. */
export function createBrake(context: BrakeContext): Brake {
  const { clock, log } = context;
  let last: (Look & { readonly atMs: number }) | null = null;
  let told: string | null = null;
  const look = async (): Promise<Look> => {
    const nowMs = clock.now().getTime();
    if (last && nowMs - last.atMs < BRAKE_LOOK_MS) return last;
    const fresh = await lookAndAdvance(context);
    last = { ...fresh, atMs: nowMs };
    if (fresh.why !== told) tell(log, fresh.why);
    told = fresh.why;
    return fresh;
  };
  const engaged = async () => {
    const { why } = await look();
    return why === null ? null : brakeText(why);
  };
  return {
    engaged,
    async refuse() {
      const text = await engaged();
      if (text !== null) throw new Refused("paused_after_restore", text);
    },
    async guard() {
      const { why, outer } = await look();
      if (why !== null) throw paused(why);
      return async (tx) => {
        const decision = decide(context, await readMark(tx), outer);
        if (decision.do !== "brake") return;
        last = null;
        throw paused(decision.why);
      };
    },
    known: () => (told === null ? null : brakeText(told)),
  };
}

/** `outer` is what was outside at the least: it only rises. */
interface Look {
  readonly why: string | null;
  readonly outer: OuterEpoch | null;
}

/** Compares, mends what a crash left, and advances when it is time. */
async function lookAndAdvance(context: BrakeContext): Promise<Look> {
  const { keeper, store, storeName } = context;
  for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
    const untilMs = context.clock.now().getTime() + EPOCH_FOLLOW_MS;
    // The outside first: see domain/epoch.ts.
    const outer = keeper ? await keeper.read() : null;
    const inner = await readMark(store);
    // Two reads that lie far apart say nothing: others may have started and advanced in between.
    if (context.clock.now().getTime() > untilMs) continue;
    const decision = decide(context, inner, outer);
    if (decision.do === "brake") return { why: decision.why, outer };
    if (decision.do === "work" || !keeper) return { why: null, outer };
    const { epoch } = decision;
    if (decision.do === "advance" && !(await advance(context, inner, epoch, untilMs))) continue;
    // A late write would undo that of a process which has gone on since.
    if (context.clock.now().getTime() > untilMs) continue;
    await keeper.write({ epoch, store: storeName });
    return { why: null, outer: { epoch, store: storeName } };
  }
  throw new Retryable("epoch_unavailable", "The epoch of the store changed on every try; it is read again.");
}

function decide(
  { keeper, storeName, clock }: BrakeContext,
  inner: InnerEpoch | null,
  outer: OuterEpoch | null,
): EpochDecision {
  return keeper ? decideEpoch(inner, outer, storeName, clock.now()) : decideInner(inner);
}

/**
 * Writes the next epoch into the store if it is still as it was read; says whether it was. A restored store is just that,
 * too: so not after a pause that was long enough for a restore.
 */
function advance(
  { store, clock }: BrakeContext,
  from: InnerEpoch | null,
  epoch: number,
  untilMs: number,
): Promise<boolean> {
  return store.transaction(async (tx) => {
    const now = await readMark(tx);
    if (now?.epoch !== from?.epoch || now?.restored || clock.now().getTime() > untilMs) return false;
    await tx.putMark(EPOCH_MARK, writeInner({ epoch, at: clock.now(), restored: null }));
    return true;
  });
}

async function readMark(store: Pick<StoreReads, "mark">): Promise<InnerEpoch | null> {
  return readInner(await store.mark(EPOCH_MARK));
}

function tell(log: Log, why: string | null): void {
  if (why === null) log.info({}, "the work goes on: the restore of the store was confirmed");
  else log.error({ reason: "paused_after_restore" }, brakeText(why));
}

function paused(why: string): Retryable {
  return new Retryable("paused_after_restore", brakeText(why), { afterMs: BRAKE_LOOK_MS });
}

/** What an operator decides on. */
export interface BrakeState {
  /** Null: the brake is off. */
  readonly why: string | null;
  /** False while a restore by our own command has not ended: then nothing may be confirmed. */
  readonly isWhole: boolean;
  /** At which the work would go on. */
  readonly epoch: number;
}

/** Reads both epochs and changes nothing. */
export async function readBrake(context: BrakeContext): Promise<BrakeState> {
  const outer = context.keeper ? await context.keeper.read() : null;
  const inner = await readMark(context.store);
  const decision = decide(context, inner, outer);
  return {
    why: decision.do === "brake" ? decision.why : null,
    isWhole: inner?.restored?.isWhole ?? true,
    epoch: epochAfter(inner, outer),
  };
}

/**
 * Releases the brake that was seen: both epochs become `epoch`, above all that was reached. If the process dies between
 * the two writes, the work goes on or the brake stays on, and confirming again is harmless. Throws Refused `changed` if
 * somebody else confirmed, or restored again, meanwhile.
 */
export async function releaseBrake(context: BrakeContext, epoch: number): Promise<void> {
  const { store, clock, keeper, storeName } = context;
  const seen = keeper ? await keeper.read() : null;
  await store.transaction(async (tx) => {
    const inner = await readMark(tx);
    if (epochAfter(inner, seen) !== epoch || inner?.restored?.isWhole === false) {
      throw new Refused("changed", "The store's epoch has changed meanwhile. Run the command again.");
    }
    await tx.putMark(EPOCH_MARK, writeInner({ epoch, at: clock.now(), restored: null }));
  });
  await keeper?.write({ epoch, store: storeName });
}
