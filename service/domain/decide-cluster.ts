import type {
  ChangeAnswer,
  Cluster,
  CreateAnswer,
  Observation,
  RemoveAnswer,
  SeenCluster,
  StackObservation,
} from "./cluster.ts";
import type { ClusterCall, ClusterDecision, ClusterRecord } from "./cluster-decision.ts";
import {
  absentRecord,
  creatingRecord,
  gone,
  isAbsenceConfirmed,
  isLeaving,
  mayUnprotect,
  protectedRecord,
  record,
  removedByOthers,
  removingLookMs,
  retry,
  since,
  unexpectedRecord,
} from "./cluster-record.ts";
import {
  adoptStack,
  decideStack,
  decideUndone,
  isStackObservation,
  isUndoing,
  seenBeside,
  standing,
  undone,
  wasUndone,
} from "./decide-stack.ts";
import {
  ABSENCE_CONFIRM_MS,
  CLIENT_TOKEN_TRUST_MS,
  CREATE_LAG_MS,
  CREATE_LATE_MS,
  CREATING_LOOK_LAST_MS,
  READY_LOOK_MS,
  REFUSED_LOOK_MS,
  REMOVE_SLOW_MS,
  WAITING_LOOK_MS,
} from "./limits.ts";

export type { ClusterCall, ClusterDecision, ClusterRecord } from "./cluster-decision.ts";

/** Why an intended cluster must be searched for instead of created again. */
const FIND_FIRST = new Set(["token_conflict", "quota_later"]);

/** Which call comes first. Total over status and use; a pure function of the row and the time. */
export function firstCall(cluster: Cluster, now: Date): ClusterCall {
  switch (cluster.status) {
    case "intended":
      if (!cluster.attemptedAt)
        return !isLeaving(cluster) ? "attempt" : wasUndone(cluster) ? "find" : "nothing";
      // Never create in order to delete: the lost answer may have made it, so look for its tag.
      if (isLeaving(cluster) || FIND_FIRST.has(cluster.reason ?? "")) return "find";
      return since(cluster.attemptedAt, now) < CLIENT_TOKEN_TRUST_MS ? "create" : "find";
    case "creating":
    case "available":
      return cluster.use === "remove" ? "remove" : "observe";
    case "removing":
      return "observe";
    case "gone":
      return "nothing";
  }
}

/** The row for `firstCall` = nothing: an intent that was never asked of AWS simply ends. */
export function decideUnasked(cluster: Cluster): ClusterRecord {
  if (cluster.status === "gone") return record(cluster, { lookMs: null });
  return record(cluster, { status: "gone", lookMs: null, event: "cluster_never_asked" });
}

/** After CreateCluster. `first`: no create of this row was tried before, so a refusal proves that nothing exists. */
export function decideCreated(cluster: Cluster, answer: CreateAnswer, first: boolean): ClusterDecision {
  switch (answer.kind) {
    case "unknown":
      return retry(answer);
    case "conflict":
      return record(cluster, { reason: "token_conflict", lookMs: 0, event: "create_conflict" });
    case "quota":
      // A later attempt may meet the quota because our own lost cluster fills it.
      return first
        ? record(cluster, { attempted: "clear", reason: "quota", lookMs: WAITING_LOOK_MS })
        : record(cluster, { reason: "quota_later", lookMs: 0 });
    case "refused":
      return record(cluster, {
        attempted: first ? "clear" : "keep",
        reason: "create_refused",
        trouble: cluster.stack === null ? null : answer.cause,
        lookMs: REFUSED_LOOK_MS,
        event: "create_refused",
      });
    default:
      return isStackObservation(answer)
        ? adoptStack(cluster, answer, "cluster_created")
        : adopt(cluster, answer, "cluster_created");
  }
}

/** After a search by tag for an intended cluster whose create may have happened. */
export function decideFound(cluster: Cluster, found: Observation, now: Date): ClusterDecision {
  if (found.kind === "unknown") return retry(found);
  if (isStackObservation(found)) return adoptStack(cluster, found, "cluster_adopted");
  if (found.kind !== "absent") return adopt(cluster, found, "cluster_adopted");
  // A stack that was undone has no attempt any more, but one of before may arrive late.
  const attempted = since(cluster.attemptedAt ?? cluster.statusSince, now);
  const confirmed = isAbsenceConfirmed(cluster, now) && attempted >= CLIENT_TOKEN_TRUST_MS + CREATE_LATE_MS;
  // The environment sees a lost cluster and writes a new intent with a new token.
  if (confirmed) return record(cluster, { status: "gone", lookMs: null, event: "create_lost" });
  return { ...absentRecord(cluster), reason: cluster.reason, trouble: cluster.trouble };
}

/**
 * After GetCluster, and DescribeStacks before it. Total over status × use × observation. `isFenced`: whether AWS shows
 * our fence; null where that was not read.
 */
export function decideSeen(
  cluster: Cluster,
  seen: Observation,
  now: Date,
  isFenced: boolean | null = null,
): ClusterDecision {
  if (seen.kind === "unknown") return retry(seen);
  if (seen.kind === "blocked" && cluster.status === "available") {
    const stands = standing(cluster, seen);
    if (stands) return seenUsable(cluster, stands, now, isFenced);
  }
  if (isStackObservation(seen)) return decideStack(cluster, seen, now);
  switch (cluster.status) {
    case "creating":
      return seenCreating(cluster, seen, now);
    case "available":
      return seenAvailable(cluster, seen, now, isFenced);
    case "removing":
      return seenRemoving(cluster, seen, now);
    case "intended":
      return seen.kind === "absent"
        ? decideFound(cluster, seen, now)
        : adopt(cluster, seen, "cluster_adopted");
    case "gone":
      return record(cluster, { lookMs: null });
  }
}

/** After DeleteCluster. `absent` ends the row: AWS answered 404 for an id that it once gave us. */
export function decideRemoved(cluster: Cluster, answer: RemoveAnswer, now: Date): ClusterDecision {
  if (isUndoing(cluster)) return decideUndone(cluster, answer, now);
  switch (answer.kind) {
    case "unknown":
      return retry(answer);
    case "removing":
      // Asked again because AWS did not seem to know of the first time: in its own time, not in a tight loop.
      if (cluster.status === "removing") {
        const { reason, trouble } = cluster;
        return record(cluster, { reason, trouble, lookMs: removingLookMs(cluster, now) });
      }
      return record(cluster, { status: "removing", lookMs: 0, event: "cluster_removing" });
    case "busy":
      // 409 while AWS still creates it: no budget, the delete is repeated until it is taken.
      return record(cluster, { lookMs: CREATING_LOOK_LAST_MS });
    case "protected":
      return mayUnprotect(cluster) ? { do: "unprotect" } : protectedRecord(cluster);
    case "absent":
      if (mayBeUnseen(cluster, now)) return record(cluster, { lookMs: ABSENCE_CONFIRM_MS / 2 });
      return gone(cluster, "cluster_gone");
  }
}

/** Right after its creation AWS may not show it yet; one in a stack has its id from a look, so it was shown. */
function mayBeUnseen({ status, stack, identifier, statusSince }: Cluster, now: Date): boolean {
  const wasShown = stack !== null && identifier !== null;
  return status === "creating" && !wasShown && since(statusSince, now) < CREATE_LAG_MS;
}

type Known = Exclude<Observation, { kind: "unknown" } | StackObservation>;

function seenCreating(cluster: Cluster, seen: Known, now: Date): ClusterDecision {
  switch (seen.kind) {
    case "absent":
      if (isUndoing(cluster)) return undone(cluster, now);
      if (since(cluster.statusSince, now) < CREATE_LAG_MS)
        return record(cluster, { lookMs: CREATING_LOOK_LAST_MS });
      return gone(cluster, "cluster_missing");
    case "creating":
      // A stack shows the cluster's id some time after it has begun with it.
      return { ...creatingRecord(cluster, now), seen: cluster.identifier ? null : seen };
    case "usable":
      return record(cluster, {
        status: "available",
        seen,
        lookMs: READY_LOOK_MS,
        event: "cluster_available",
      });
    case "failed":
      return { do: "remove" };
    case "deleting":
      return removedByOthers(cluster);
  }
}

function seenAvailable(cluster: Cluster, seen: Known, now: Date, isFenced: boolean | null): ClusterDecision {
  switch (seen.kind) {
    case "absent":
      return isAbsenceConfirmed(cluster, now) ? gone(cluster, "cluster_missing") : absentRecord(cluster);
    case "usable":
      return seenUsable(cluster, seen, now, isFenced);
    case "creating":
    case "failed":
      return unexpectedRecord(cluster);
    case "deleting":
      return removedByOthers(cluster);
  }
}

/** What AWS shows is compared with what the cluster is for, one difference at a time. */
function seenUsable(
  cluster: Cluster,
  seen: SeenCluster,
  now: Date,
  isFenced: boolean | null,
): ClusterDecision {
  // What AWS shows counts too: somebody may have removed the fence, or a late call have put it on again.
  if (cluster.use === "retired" && (!cluster.fencedAt || isFenced === false)) return { do: "fence" };
  if (cluster.use === "serve" && (cluster.fencedAt || isFenced === true)) return { do: "unfence" };
  const { inStack, deletionProtected } = seen;
  const shown = [deletionProtected, inStack?.terminationProtected ?? deletionProtected];
  if (cluster.kind === "tenant" && shown.some((on) => on !== cluster.protected)) {
    return { do: cluster.protected ? "protect" : "unprotect" };
  }
  if (inStack) return seenBeside(cluster, seen, inStack, now);
  return record(cluster, { absent: "clear", lookMs: READY_LOOK_MS });
}

/** After the policy was changed and read back. The next look is at once: its protection may differ as well. */
export function decideFenced(
  cluster: Cluster,
  change: "fence" | "unfence",
  answer: ChangeAnswer,
): ClusterDecision {
  if (answer.kind === "unknown") return retry(answer);
  return change === "fence"
    ? record(cluster, { fenced: "note", lookMs: 0, event: "access_revoked" })
    : record(cluster, { fenced: "clear", lookMs: 0, event: "access_restored" });
}

function seenRemoving(cluster: Cluster, seen: Known, now: Date): ClusterDecision {
  if (seen.kind === "absent") return gone(cluster, "cluster_gone");
  if (seen.kind !== "deleting") return { do: "remove" };
  const age = since(cluster.statusSince, now);
  return record(cluster, {
    reason: age > REMOVE_SLOW_MS ? "remove_slow" : null,
    lookMs: removingLookMs(cluster, now),
  });
}

function adopt(
  cluster: Cluster,
  seen: { readonly kind: "creating" | "usable" | "failed" | "deleting" } & SeenCluster,
  event: string,
): ClusterRecord {
  const isAvailable = seen.kind === "usable" && !isLeaving(cluster);
  const status = seen.kind === "deleting" ? "removing" : isAvailable ? "available" : "creating";
  return record(cluster, {
    status,
    seen,
    absent: "clear",
    lookMs: status === "creating" ? 0 : READY_LOOK_MS,
    event,
  });
}
