/** What CloudFormation says of a stack, and what that means for its cluster. */
import type { Observation, SeenCluster, StackRoles, Unknown } from "./cluster.ts";

/** Stack names: a letter, then letters, digits and hyphens, at most 128 (CreateStack). */
const NAME_FORBIDDEN = /[^A-Za-z0-9-]/g;

/** The name of a cluster's stack. Ids are unique, so no two clusters ever meet under one name. */
export function stackName(prefix: string, clusterId: string): string {
  return `${prefix}${clusterId.replace(NAME_FORBIDDEN, "-")}`;
}

/** The token of one attempt: a stack that was deleted since must not be answered for, so a later attempt has another. */
export function stackToken(clientToken: string, attemptedAt: Date): string {
  return `${clientToken.replace(NAME_FORBIDDEN, "-")}-${attemptedAt.getTime()}`;
}

/** One look at a stack. `absent`: no stack of ours has the name; another's is not ours to speak of. */
export type StackSeen =
  | Unknown
  | { readonly kind: "absent" }
  | {
      readonly kind: "stack";
      /** AWS' id of this very stack: another one of the same name has another. */
      readonly id: string;
      readonly status: string;
      /** Of its cluster, once it has begun with one. */
      readonly identifier: string | null;
      readonly roles: StackRoles | null;
      readonly terminationProtected: boolean;
      readonly outdated: boolean;
      /** What failed last, in AWS' words; `tries`: deletions that failed, as far as the newest events tell. */
      readonly failure: {
        readonly cause: string;
        readonly at: Date;
        readonly quota: boolean;
        readonly tries: number;
      } | null;
    };

/** A stack as a list of them shows it. */
export interface ListedStack {
  readonly name: string;
  readonly status: string;
  readonly tags: Readonly<Record<string, string>>;
}

type Seen = Extract<StackSeen, { kind: "stack" }>;

/** How a stack stands. */
type Standing =
  | "forming"
  | "rolling"
  | "broken"
  | "settled"
  | "changing"
  | "unchanged"
  | "stuck"
  | "leaving"
  | "blocked"
  | "absent";

/** Every StackStatus of the service model (2010-05-15). */
const STANDINGS: ReadonlyMap<string, Standing> = new Map<string, Standing>([
  ["CREATE_IN_PROGRESS", "forming"],
  ["CREATE_COMPLETE", "settled"],
  ["CREATE_FAILED", "broken"],
  ["ROLLBACK_IN_PROGRESS", "rolling"],
  ["ROLLBACK_COMPLETE", "broken"],
  ["ROLLBACK_FAILED", "broken"],
  // A change set that nobody executed; nothing is in it, and it can only be deleted.
  ["REVIEW_IN_PROGRESS", "broken"],
  ["UPDATE_IN_PROGRESS", "changing"],
  ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "changing"],
  ["UPDATE_COMPLETE", "settled"],
  ["UPDATE_FAILED", "unchanged"],
  ["UPDATE_ROLLBACK_IN_PROGRESS", "changing"],
  ["UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "changing"],
  ["UPDATE_ROLLBACK_COMPLETE", "unchanged"],
  // CloudFormation takes no update from here until somebody lets the rollback go on.
  ["UPDATE_ROLLBACK_FAILED", "stuck"],
  ["IMPORT_IN_PROGRESS", "changing"],
  ["IMPORT_COMPLETE", "settled"],
  ["IMPORT_ROLLBACK_IN_PROGRESS", "changing"],
  ["IMPORT_ROLLBACK_COMPLETE", "settled"],
  ["IMPORT_ROLLBACK_FAILED", "stuck"],
  ["DELETE_IN_PROGRESS", "leaving"],
  ["DELETE_FAILED", "blocked"],
  ["DELETE_COMPLETE", "absent"],
]);

/** Failures are worth reading for in these states; `failure` of any other is of the past. */
export function hasFailed(status: string): boolean {
  const standing = STANDINGS.get(status);
  return (
    standing === "rolling" || standing === "broken" || standing === "blocked" || isFailedChange(standing)
  );
}

/** Whether a removal is under way already. */
export function isLeavingStack({ status }: Seen): boolean {
  return STANDINGS.get(status) === "leaving";
}

/** Whether CloudFormation still works on it; a change set that is under review does nothing by itself. */
export function isAtWork(status: string): boolean {
  return status.endsWith("_IN_PROGRESS") && status !== "REVIEW_IN_PROGRESS";
}

/** Whether the cluster must be looked at as well, to know how it is with a stack. */
export function needsCluster({ status }: Seen): boolean {
  const standing = STANDINGS.get(status);
  return standing !== "rolling" && standing !== "broken" && standing !== "leaving" && standing !== "absent";
}

/**
 * What a stack and its cluster are together. `beneath`: the cluster as DSQL shows it; null if no id is known of it, or
 * nobody asked. Total over every status, also one that is not known yet.
 */
export function observationOfStack(stack: Seen, beneath: Observation | null): Observation {
  const standing = STANDINGS.get(stack.status);
  const cause = stack.failure?.cause ?? `The stack is ${stack.status}.`;
  switch (standing) {
    case undefined:
      return { kind: "unknown", cause: `AWS answered with the stack status ${stack.status.slice(0, 60)}.` };
    case "forming":
      return beneath && "identifier" in beneath ? { ...beneath, kind: "creating" } : { kind: "forming" };
    case "rolling":
    case "broken": {
      const quota = stack.failure?.quota ?? false;
      return { kind: "broken", quota, rolling: standing === "rolling", cause };
    }
    case "leaving":
    case "absent":
      return { kind: standing };
    case "blocked": {
      if (beneath?.kind === "unknown") return beneath;
      const cluster = beneath && "identifier" in beneath ? seenOf(beneath) : null;
      // Without the time of the failure the next try is not put off.
      const { at = new Date(0), tries = 1 } = stack.failure ?? {};
      return { kind: "blocked", cause, at, tries, cluster };
    }
    default:
      return standingObservation(stack, standing, cause, beneath);
  }
}

function standingObservation(
  stack: Seen,
  standing: "settled" | "changing" | "unchanged" | "stuck",
  cause: string,
  beneath: Observation | null,
): Observation {
  if (!beneath) return { kind: "unknown", cause: "The stack shows no cluster." };
  if (beneath.kind === "absent") return { kind: "hollow" };
  if (beneath.kind !== "usable") return beneath;
  const { terminationProtected, roles, outdated, failure } = stack;
  const failed = { cause, at: failure?.at ?? new Date(0), stuck: standing === "stuck" };
  return {
    ...beneath,
    inStack: {
      ...{ outdated, terminationProtected, roles },
      changing: standing === "changing",
      failure: isFailedChange(standing) ? failed : null,
    },
  };
}

function isFailedChange(standing: Standing | undefined): boolean {
  return standing === "unchanged" || standing === "stuck";
}

function seenOf({ identifier, arn, endpoint, deletionProtected }: SeenCluster): SeenCluster {
  return { identifier, arn, endpoint, deletionProtected };
}
