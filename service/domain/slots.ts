/** What is counted before a cluster is intended. All numbers are clusters. */
export interface SlotCensus {
  readonly maxClusters: number;
  readonly quota: number;
  readonly reserve: number;
  /** Clusters of others in the account and Region, our own store among them. */
  readonly foreign: number;
  /** Rows of ours that are not gone, intents without an id included. */
  readonly ours: number;
}

/** An environment that waits for a slot, in the order in which it began to wait. */
export interface Waiting {
  readonly environmentId: string;
  /** Empty where no author is counted: a git branch's, and a customer's. */
  readonly author: string;
  /** Null for a customer, who has no cap but the slots. */
  readonly repositoryId: number | null;
}

/** Environments that hold a cluster or an intent, per author and per repository. */
export interface Caps {
  readonly perAuthor: number;
  readonly perRepository: number;
}
export interface Holdings {
  readonly byAuthor: ReadonlyMap<string, number>;
  readonly byRepository: ReadonlyMap<number, number>;
}

export type WaitScope = "slots" | "author" | "repository";
export type Offer =
  | { readonly kind: "free" }
  | {
      readonly kind: "wait";
      readonly scope: WaitScope;
      readonly position: number;
      readonly limit: number;
    };

/** Free slots: the smaller of what the operator allows and what AWS allows; the 402 answer stays the arbiter. */
export function freeSlots(census: SlotCensus): number {
  const allowed = census.maxClusters - census.ours;
  const possible = census.quota - census.foreign - census.ours - census.reserve;
  return Math.max(0, Math.min(allowed, possible));
}

/** The number of slots that previews have in all, for the report. */
export function slotLimit(census: SlotCensus): number {
  return Math.max(0, Math.min(census.maxClusters, census.quota - census.foreign - census.reserve));
}

/**
 * Whether this environment may take a slot now. Those that wait longer come first, except that one over a cap of its
 * author or repository holds nobody else up.
 */
export function offerSlot(
  me: Waiting,
  ahead: readonly Waiting[],
  holdings: Holdings,
  caps: Caps,
  census: SlotCensus,
): Offer {
  const scope = cappedBy(me, holdings, caps);
  if (scope) {
    const mine = ahead.filter((other) => sameScope(scope, me, other)).length;
    const limit = scope === "author" ? caps.perAuthor : caps.perRepository;
    return { kind: "wait", scope, position: mine + 1, limit };
  }
  const before = ahead.filter((other) => !cappedBy(other, holdings, caps)).length;
  if (freeSlots(census) > before) return { kind: "free" };
  return { kind: "wait", scope: "slots", position: before + 1, limit: slotLimit(census) };
}

/** A rebuild of a ready environment adds no environment: no cap, no queue, and it may use the reserve. */
export function offerRebuild(census: SlotCensus): Offer {
  if (freeSlots({ ...census, reserve: 0 }) > 0) return { kind: "free" };
  return { kind: "wait", scope: "slots", position: 1, limit: slotLimit(census) };
}

function cappedBy(who: Waiting, holdings: Holdings, caps: Caps): "author" | "repository" | null {
  if (who.repositoryId === null) return null;
  if (who.author !== "" && (holdings.byAuthor.get(who.author) ?? 0) >= caps.perAuthor) return "author";
  if ((holdings.byRepository.get(who.repositoryId) ?? 0) >= caps.perRepository) return "repository";
  return null;
}

function sameScope(scope: "author" | "repository", a: Waiting, b: Waiting): boolean {
  return scope === "author" ? a.author === b.author : a.repositoryId === b.repositoryId;
}
