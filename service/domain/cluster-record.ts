/** What the decisions about a cluster are made of. */
import type { Cluster } from "./cluster.ts";
import type { ClusterDecision, ClusterRecord } from "./cluster-decision.ts";
import {
  ABSENCE_CONFIRM_MS,
  CREATE_SLOW_MS,
  CREATING_LOOK_FIRST_MS,
  CREATING_LOOK_LAST_MS,
  REFUSED_LOOK_MS,
  REMOVING_LOOK_MS,
} from "./limits.ts";

/** Everything stays as it is, no reason is left, and nothing is looked at again, unless `change` says otherwise. */
export function record(cluster: Cluster, change: Partial<Omit<ClusterRecord, "do">>): ClusterRecord {
  return {
    do: "record",
    status: cluster.status,
    seen: null,
    attempted: "keep",
    absent: "keep",
    fenced: "keep",
    reason: null,
    trouble: null,
    lookMs: null,
    event: null,
    ...change,
  };
}

export function gone(cluster: Cluster, event: string): ClusterRecord {
  return record(cluster, { status: "gone", lookMs: null, event });
}

/** AWS shows it in a state that a cluster in use never has. */
export function unexpectedRecord(cluster: Cluster): ClusterRecord {
  const reason = "unexpected_status";
  return record(cluster, { reason, lookMs: ABSENCE_CONFIRM_MS, event: reason });
}

/** One answer without it is not believed: the next one, a while later, may be. */
export function absentRecord(cluster: Cluster): ClusterRecord {
  return record(cluster, { absent: cluster.absentSince ? "keep" : "note", lookMs: ABSENCE_CONFIRM_MS });
}

/** Whether it has been absent for long enough to be believed. */
export function isAbsenceConfirmed({ absentSince }: Cluster, now: Date): boolean {
  return absentSince !== null && since(absentSince, now) >= ABSENCE_CONFIRM_MS;
}

/** AWS is still at it. */
export function creatingRecord(cluster: Cluster, now: Date): ClusterRecord {
  const age = since(cluster.statusSince, now);
  return record(cluster, {
    reason: age > CREATE_SLOW_MS ? "create_slow" : null,
    lookMs: Math.min(CREATING_LOOK_LAST_MS, Math.max(CREATING_LOOK_FIRST_MS, age)),
  });
}

/** Only a person may lift the protection of a customer's data. */
export function protectedRecord(cluster: Cluster): ClusterRecord {
  return record(cluster, { reason: "protected", lookMs: REFUSED_LOOK_MS, event: "remove_protected" });
}

/** One that never answered holds nobody's data: a customer's first cluster may be thrown away like any other. */
export function mayUnprotect(cluster: Cluster): boolean {
  return cluster.kind === "preview" || !cluster.protected || cluster.verifiedAt === null;
}

/** Its environment lets go of it; this row sees it out. */
export function removedByOthers(cluster: Cluster): ClusterRecord {
  return record(cluster, {
    status: "removing",
    reason: "removed_outside",
    lookMs: REMOVING_LOOK_MS,
    event: "cluster_removed_outside",
  });
}

export function retry(answer: { readonly cause: string; readonly retryAfterMs?: number }): ClusterDecision {
  return answer.retryAfterMs === undefined
    ? { do: "retry", cause: answer.cause }
    : { do: "retry", cause: answer.cause, retryAfterMs: answer.retryAfterMs };
}

/** One that is not wanted any more, or whose data is only kept. */
export function isLeaving({ use }: Cluster): boolean {
  return use === "remove" || use === "retired";
}

/** A removal is looked at again after as long as it has lasted, within bounds. */
export function removingLookMs(cluster: Cluster, now: Date): number {
  return Math.min(REMOVING_LOOK_MS, Math.max(CREATING_LOOK_FIRST_MS, since(cluster.statusSince, now)));
}

/** Milliseconds from then until now. */
export function since(from: Date, now: Date): number {
  return now.getTime() - from.getTime();
}
