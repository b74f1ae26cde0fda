import type { Cluster } from "./cluster.ts";
import { isCustomers, progress, standing } from "./decide-environment.ts";
import type { Environment } from "./environment.ts";
import { VERIFY_DEADLINE_MS } from "./limits.ts";

/** The phases that people see. Computed from the rows, never stored. */
export type Phase =
  | "queued"
  | "waiting"
  | "creating"
  | "migrating"
  | "verifying"
  | "unverified"
  | "ready"
  | "failed"
  /** Closed, and its data kept for a while. */
  | "retired"
  | "closed"
  | "destroyed"
  | "skipped";

const SKIPPED = new Set(["fork", "bot", "opened_before_installation"]);

/** The cluster that the phase speaks of: the rebuilt one while there is one. */
export function currentCluster(serving: Cluster | null, next: Cluster | null): Cluster | null {
  return next ?? serving;
}

/** The phase of an environment with its serving and its next cluster. Total and pure. */
export function phaseOf(
  environment: Environment,
  serving: Cluster | null,
  next: Cluster | null,
  now: Date,
): Phase {
  if (environment.wanted === "absent") {
    if (serving && serving.status !== "gone") return serving.use === "retired" ? "retired" : "closed";
    return SKIPPED.has(environment.wantedReason) ? "skipped" : "destroyed";
  }
  if (environment.planGeneration === environment.generation && environment.planProblem) return "failed";
  const cluster = currentCluster(serving, next);
  if (environment.queuedAt) return "waiting";
  switch (standing(cluster)) {
    case "lost":
      return isCustomers(environment) ? "failed" : "queued";
    case "none":
      return "queued";
    case "retired":
      return "creating";
    case "pending":
      // The census said free, AWS said 402: the arbiter's word is a wait, not an error.
      return cluster?.reason?.startsWith("quota") ? "waiting" : "creating";
    case "available":
      return cluster ? migrationPhase(environment, cluster, now) : "queued";
  }
}

function migrationPhase(environment: Environment, cluster: Cluster, now: Date): Phase {
  switch (progress(environment, cluster)) {
    case "diverged":
      return isCustomers(environment) ? "failed" : "migrating";
    case "behind":
      return "migrating";
    case "failed":
      return "failed";
    case "applied":
      return now.getTime() - (cluster.migrationSince ?? now).getTime() > VERIFY_DEADLINE_MS
        ? "unverified"
        : "verifying";
    case "verified":
      return "ready";
  }
}
