import type { ClusterStatus, SeenCluster } from "./cluster.ts";

/** The one call to AWS that a look at a cluster begins with. `attempt` is written down before the first create. */
export type ClusterCall = "attempt" | "create" | "find" | "observe" | "remove" | "nothing";

/** What to write down of a cluster, and when to look again (milliseconds from now; null: only when woken). */
export interface ClusterRecord {
  readonly do: "record";
  readonly status: ClusterStatus;
  readonly seen: SeenCluster | null;
  /** What becomes of `attemptedAt` and `absentSince`. */
  readonly attempted: "keep" | "clear";
  readonly absent: "keep" | "note" | "clear";
  /** What becomes of `fencedAt`. */
  readonly fenced: "keep" | "note" | "clear";
  /** A reason code for people, or null. */
  readonly reason: string | null;
  /** What AWS says about it, in its own words, or null. */
  readonly trouble: string | null;
  readonly lookMs: number | null;
  /** The name of the event, if this is worth a line of history. */
  readonly event: string | null;
}

export type ClusterDecision =
  | ClusterRecord
  | { readonly do: "remove" }
  /** Deletion protection, as wanted for a customer and off for what is to be removed. */
  | { readonly do: "protect" | "unprotect" }
  /** Its stack is brought to today's version of the template; then `decideUpdated`. */
  | { readonly do: "update" }
  /** Let nobody connect any more, or everybody again; then `decideFenced`. */
  | { readonly do: "fence" | "unfence" }
  /** Nothing was learnt: back off, at least as long as the other side asked for. */
  | { readonly do: "retry"; readonly cause: string; readonly retryAfterMs?: number };
