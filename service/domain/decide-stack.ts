/** Decisions about a cluster that a CloudFormation stack makes, as far as they differ from those about any other. */
import type {
  Cluster,
  CreateAnswer,
  Observation,
  RemoveAnswer,
  SeenCluster,
  SeenStack,
  StackObservation,
  UpdateAnswer,
} from "./cluster.ts";
import type { ClusterDecision, ClusterRecord } from "./cluster-decision.ts";
import {
  absentRecord,
  creatingRecord,
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
  CREATING_LOOK_LAST_MS,
  READY_LOOK_MS,
  REFUSED_LOOK_MS,
  REMOVE_SLOW_MS,
  REMOVING_LOOK_MS,
  ROLLED_BACK_LOOK_MS,
  STACK_UPDATE_AGAIN_MS,
  WAITING_LOOK_MS,
} from "./limits.ts";

const KINDS: ReadonlySet<string> = new Set(["forming", "broken", "hollow", "leaving", "blocked"]);
/** Why a stack that could not be made is removed, to be made anew under the same row and name. */
const UNDOING: ReadonlySet<string> = new Set(["quota", "create_rolled_back"]);

export function isStackObservation(seen: Observation | CreateAnswer): seen is StackObservation {
  return KINDS.has(seen.kind);
}

/** Whether the stack of a wanted cluster failed, and is on its way out to make room for another try. */
export function isUndoing(cluster: Cluster): boolean {
  return cluster.status === "creating" && cluster.use !== "remove" && wasUndone(cluster);
}

/** Whether an intended one was tried before: then a late create may still arrive, so it is searched for. */
export function wasUndone(cluster: Cluster): boolean {
  return cluster.stack !== null && UNDOING.has(cluster.reason ?? "");
}

/** An intended cluster's stack is there, in whatever state. */
export function adoptStack(cluster: Cluster, seen: StackObservation, event: string): ClusterRecord {
  if (seen.kind === "forming" || isLeaving(cluster)) {
    return record(cluster, { status: "creating", absent: "clear", lookMs: 0, event });
  }
  return undo(cluster, seen);
}

/** After a look at a stack of which no cluster can be worked with. Total over status × use × observation. */
export function decideStack(cluster: Cluster, seen: StackObservation, now: Date): ClusterDecision {
  switch (cluster.status) {
    case "intended":
      return adoptStack(cluster, seen, "cluster_adopted");
    case "creating":
      return stackCreating(cluster, seen, now);
    case "available":
      return stackAvailable(cluster, seen, now);
    case "removing":
      return stackRemoving(cluster, seen, now);
    case "gone":
      return record(cluster, {});
  }
}

function stackCreating(cluster: Cluster, seen: StackObservation, now: Date): ClusterDecision {
  if (seen.kind === "forming") return creatingRecord(cluster, now);
  if (!isUndoing(cluster)) return undo(cluster, seen);
  switch (seen.kind) {
    case "leaving":
      return stillUndoing(cluster, removingLookMs(cluster, now));
    case "broken":
      return seen.rolling ? undo(cluster, seen) : { do: "remove" };
    case "hollow":
      return { do: "remove" };
    case "blocked":
      return removeAgain(cluster, seen, now, cluster.reason);
  }
}

/** CloudFormation can do nothing with a stack that failed to be made but delete it; then the row begins anew. */
function undo(cluster: Cluster, seen: StackObservation): ClusterRecord {
  const known = isUndoing(cluster) ? cluster.reason : "create_rolled_back";
  const isRolling = seen.kind === "broken" && seen.rolling;
  return record(cluster, {
    status: "creating",
    absent: "clear",
    reason: seen.kind === "broken" && seen.quota ? "quota" : known,
    trouble: "cause" in seen ? seen.cause : cluster.trouble,
    lookMs: isRolling ? CREATING_LOOK_LAST_MS : 0,
    event: isUndoing(cluster) ? null : "create_rolled_back",
  });
}

function stillUndoing(cluster: Cluster, lookMs: number): ClusterRecord {
  return record(cluster, { reason: cluster.reason, trouble: cluster.trouble, lookMs });
}

/** After the removal of a stack that could not be made. */
export function decideUndone(cluster: Cluster, answer: RemoveAnswer, now: Date): ClusterDecision {
  switch (answer.kind) {
    case "unknown":
      return retry(answer);
    case "removing":
      return stillUndoing(cluster, removingLookMs(cluster, now));
    case "busy":
      return stillUndoing(cluster, CREATING_LOOK_LAST_MS);
    case "protected":
      return { do: "unprotect" };
    case "absent":
      return undone(cluster, now);
  }
}

/** The name is free again. A full quota is waited for as with any cluster; what else failed is tried ever less often. */
export function undone(cluster: Cluster, now: Date): ClusterRecord {
  const { reason, trouble } = cluster;
  const again = Math.min(REFUSED_LOOK_MS, Math.max(ROLLED_BACK_LOOK_MS, since(cluster.createdAt, now)));
  const lookMs = reason === "quota" ? WAITING_LOOK_MS : again;
  return record(cluster, { status: "intended", attempted: "clear", reason, trouble, lookMs });
}

function stackAvailable(cluster: Cluster, seen: StackObservation, now: Date): ClusterDecision {
  switch (seen.kind) {
    case "forming":
    case "broken":
      return unexpectedRecord(cluster);
    case "leaving":
      return removedByOthers(cluster);
    case "blocked":
    case "hollow":
      // As with any cluster, one 404 is not believed; what is left of the stack is then seen out by this row.
      return isAbsenceConfirmed(cluster, now) ? removedByOthers(cluster) : absentRecord(cluster);
  }
}

function stackRemoving(cluster: Cluster, seen: StackObservation, now: Date): ClusterDecision {
  switch (seen.kind) {
    case "forming":
    case "broken":
    case "hollow":
      return { do: "remove" };
    case "blocked":
      return removeAgain(cluster, seen, now, "remove_blocked");
    case "leaving": {
      // Another try that is under way does not make the report forget what blocked the last one.
      const isBlocked = cluster.reason === "remove_blocked";
      const slow = since(cluster.statusSince, now) > REMOVE_SLOW_MS ? "remove_slow" : null;
      return record(cluster, {
        reason: isBlocked ? cluster.reason : slow,
        trouble: isBlocked ? cluster.trouble : null,
        lookMs: removingLookMs(cluster, now),
      });
    }
  }
}

/** A failed deletion is repeated for ever: soon after the first one, which may be over, and half as often after each. */
function removeAgain(
  cluster: Cluster,
  seen: Extract<StackObservation, { kind: "blocked" }>,
  now: Date,
  reason: string | null,
): ClusterDecision {
  if (seen.cluster?.deletionProtected) {
    return mayUnprotect(cluster) ? { do: "unprotect" } : protectedRecord(cluster);
  }
  const waitMs = Math.min(REFUSED_LOOK_MS, REMOVING_LOOK_MS * 2 ** (seen.tries - 1)) - since(seen.at, now);
  // By then the text is in the report: the first look at a failure always writes it down.
  if (waitMs <= 0 && cluster.reason === reason) return { do: "remove" };
  return record(cluster, {
    reason,
    trouble: seen.cause,
    lookMs: Math.max(0, Math.min(waitMs, REFUSED_LOOK_MS)),
    event: cluster.reason === reason ? null : reason,
  });
}

/** A stack whose deletion failed with a cluster that still serves: the cluster as any, the stack for a person to mend. */
export function standing(
  cluster: Cluster,
  { cause, at, cluster: seen }: Extract<StackObservation, { kind: "blocked" }>,
): SeenCluster | null {
  const { protected: terminationProtected, roles } = cluster;
  const failure = { cause, at, stuck: true };
  return (
    seen && { ...seen, inStack: { outdated: false, changing: false, terminationProtected, roles, failure } }
  );
}

/** The stack of a usable cluster that is as it should be otherwise. */
export function seenBeside(
  cluster: Cluster,
  seen: SeenCluster,
  stack: SeenStack,
  now: Date,
): ClusterDecision {
  const { failure } = stack;
  const isLearnt = stack.roles !== null && !isSame(stack.roles, cluster.roles);
  const look = (lookMs: number, reason: string | null = null) =>
    record(cluster, {
      seen: isLearnt ? seen : null,
      absent: "clear",
      reason,
      trouble: reason && failure ? failure.cause : null,
      lookMs,
      event: reason === cluster.reason ? null : reason,
    });
  if (stack.changing) return look(REMOVING_LOOK_MS);
  if (failure?.stuck) return look(READY_LOOK_MS, "stack_stuck");
  if (!stack.outdated || cluster.use !== "serve") return look(READY_LOOK_MS);
  const waitMs = failure ? STACK_UPDATE_AGAIN_MS - since(failure.at, now) : 0;
  if (waitMs > 0) return look(Math.min(waitMs, READY_LOOK_MS), "update_failed");
  return isLearnt ? look(0) : { do: "update" };
}

/** After UpdateStack. Until CloudFormation is done with it, the database goes on serving. */
export function decideUpdated(cluster: Cluster, answer: UpdateAnswer): ClusterDecision {
  switch (answer.kind) {
    case "unknown":
      return retry(answer);
    case "done":
      return record(cluster, { lookMs: REMOVING_LOOK_MS, event: "stack_updated" });
    case "unchanged":
      // It is as it should be, whatever its version says: asking again at once would go on for ever.
      return record(cluster, { lookMs: READY_LOOK_MS });
    case "refused":
      return record(cluster, {
        reason: "update_failed",
        trouble: answer.cause,
        lookMs: READY_LOOK_MS,
        event: cluster.reason === "update_failed" ? null : "update_failed",
      });
  }
}

function isSame(one: SeenStack["roles"], other: SeenStack["roles"]): boolean {
  return one?.connect === other?.connect && one?.reader === other?.reader;
}
