/**
 * The restore brake: a number that only rises, kept in the store and outside it. A restore of the store brings the inner
 * one back, so a store that is behind the outside was restored, and what it says may not be true any more.
 *
 * The inner number rises first, the outer one follows. A crash between the two leaves the store ahead, which a restore
 * never does; the next look mends it. Whoever compares reads the outside first: what it reads of the store afterwards can
 * only be newer, so another process that advances meanwhile is never taken for a restore.
 */
import { EPOCH_ADVANCE_MS } from "./limits.ts";

/** The mark of the store that holds its epoch. */
export const EPOCH_MARK = "epoch";

/** What the store says. */
export interface InnerEpoch {
  readonly epoch: number;
  /** When it rose last. */
  readonly at: Date;
  /** Set by `offshoot store restore` until somebody confirms; null otherwise. */
  readonly restored: RestoredFrom | null;
}

/** The backup that the store was filled from. */
export interface RestoredFrom {
  /** When the backup was made, as ISO 8601. */
  readonly backupAt: string;
  /** False while rows are still to come. */
  readonly isWhole: boolean;
}

/** What is kept outside the store. */
export interface OuterEpoch {
  readonly epoch: number;
  /** Which store worked last (storeName). */
  readonly store: string;
}

export type EpochDecision =
  | { readonly do: "work" }
  /** Write the inner one, then the outer one. */
  | { readonly do: "advance"; readonly epoch: number }
  /** Write the outer one: whoever advanced died before that. */
  | { readonly do: "follow"; readonly epoch: number }
  | { readonly do: "brake"; readonly why: string };

/**
 * What to do with the two. `outer` null: there is none yet, or none any more. Another store's name is a restore whatever
 * the numbers say: AWS restores a DSQL cluster into a new one.
 */
export function decideEpoch(
  inner: InnerEpoch | null,
  outer: OuterEpoch | null,
  store: string,
  now: Date,
): EpochDecision {
  if (inner?.restored) return brake(restoredText(inner.restored));
  if (!outer) {
    if (!inner) return { do: "advance", epoch: 1 };
    if (inner.epoch === 1) return { do: "follow", epoch: 1 };
    return brake(`the store is at epoch ${inner.epoch}, and the epoch outside it is gone`);
  }
  if (outer.store !== store) return brake(`the store is ${store}, and ${outer.store} worked last`);
  const epoch = inner?.epoch ?? 0;
  if (!inner || epoch < outer.epoch) {
    return brake(`the store is at epoch ${epoch}, and ${outer.epoch} was reached before`);
  }
  if (epoch > outer.epoch) return { do: "follow", epoch };
  const isDue = now.getTime() - inner.at.getTime() >= EPOCH_ADVANCE_MS;
  return isDue ? { do: "advance", epoch: epoch + 1 } : { do: "work" };
}

/** Without an outside only a restore by our own command is known. */
export function decideInner(inner: InnerEpoch | null): EpochDecision {
  return inner?.restored ? brake(restoredText(inner.restored)) : { do: "work" };
}

/** The epoch at which the work goes on after a person confirmed: above both. */
export function epochAfter(inner: InnerEpoch | null, outer: OuterEpoch | null): number {
  return Math.max(inner?.epoch ?? 0, outer?.epoch ?? 0) + 1;
}

/** The one line of log, readyz, doctor and every refusal. */
export function brakeText(why: string): string {
  return `Paused after a restore: ${why}. Nothing is created, changed or deleted until an operator ran \`offshoot store confirm\`.`;
}

/** A DSQL cluster's host name is never given twice; a Postgres URL says nothing about the data behind it. */
export function storeName(store: { readonly kind: "postgres" } | { readonly kind: "dsql"; host: string }) {
  return store.kind === "dsql" ? store.host : "postgres";
}

/** As it is kept in the store; null if it is not there. Throws for a text that is no JSON. */
export function readInner(text: string | null): InnerEpoch | null {
  if (text === null) return null;
  const { epoch, at, restored } = JSON.parse(text) as {
    epoch: number;
    at: string;
    restored: RestoredFrom | null;
  };
  return { epoch, at: new Date(at), restored };
}

export function writeInner(inner: InnerEpoch): string {
  return JSON.stringify(inner);
}

/** As it is kept outside. Throws for a text that is none: it must not pass for a first start. */
export function readOuter(text: string): OuterEpoch {
  const value: unknown = JSON.parse(text);
  const { epoch, store } = Object(value);
  if (!Number.isSafeInteger(epoch) || epoch < 1 || typeof store !== "string") {
    throw new SyntaxError("It is not an epoch.");
  }
  return { epoch, store };
}

export function writeOuter({ epoch, store }: OuterEpoch): string {
  return JSON.stringify({ epoch, store });
}

function brake(why: string): EpochDecision {
  return { do: "brake", why };
}

function restoredText({ backupAt, isWhole }: RestoredFrom): string {
  return isWhole
    ? `the store was filled from the backup of ${backupAt}`
    : `the restore of the backup of ${backupAt} has not ended`;
}
