/** The stacks of the decision model: CloudFormation, as far as it makes and removes the clusters of rows. */
import type { Observation } from "../../service/domain/cluster.ts";
import { observationOfStack } from "../../service/domain/stack.ts";
import { ago, SEEN } from "./builders.ts";
import type { Row } from "./decision-model-clusters.ts";

/** Of a row: none there, or how it stands. `full`: rolled back because of the quota. */
export type ModelStack = "none" | "forming" | "whole" | "broken" | "full" | "leaving" | "blocked";

const STATUSES: Readonly<Record<Exclude<ModelStack, "none">, string>> = {
  forming: "CREATE_IN_PROGRESS",
  whole: "CREATE_COMPLETE",
  broken: "ROLLBACK_COMPLETE",
  full: "ROLLBACK_COMPLETE",
  leaving: "DELETE_IN_PROGRESS",
  blocked: "DELETE_FAILED",
};
const LONG_AGO_MS = 30 * 60_000;

/** The row's cluster, and its stack if there is one, as cluster-life.ts sees them together. */
export function observationOfRow({ aws, guarded, stack, known }: Row): Observation {
  const beneath: Observation =
    aws === "none"
      ? { kind: "absent" }
      : { kind: aws === "active" ? "usable" : aws, ...SEEN, deletionProtected: guarded };
  if (stack === "none") return beneath;
  // The outputs of a whole one tell the id also of a cluster that somebody deleted.
  const isKnown = known || aws !== "none" || stack === "whole";
  return observationOfStack(
    {
      kind: "stack",
      id: "arn",
      status: STATUSES[stack],
      identifier: isKnown ? SEEN.identifier : null,
      roles: null,
      terminationProtected: guarded,
      outdated: false,
      failure: { cause: "it failed", at: ago(LONG_AGO_MS), quota: stack === "full", tries: 1 },
    },
    isKnown ? beneath : null,
  );
}

/** What CloudFormation may do next by itself. */
export function stackChanges({ stack, aws, guarded }: Row): readonly Partial<Row>[] {
  switch (stack) {
    case "forming":
      if (aws === "none") return [{ aws: "creating" }, { stack: "full" }];
      if (aws === "active") return [{ stack: "whole" }, { stack: "broken" }];
      return aws === "deleting" ? [{ stack: "broken" }] : [];
    case "leaving":
      if (aws === "none") return [{ stack: "none" }, { stack: "blocked" }];
      if (aws !== "active") return [];
      return [guarded ? { stack: "blocked" } : { aws: "deleting" }];
    default:
      return [];
  }
}
