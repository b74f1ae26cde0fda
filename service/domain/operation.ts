import type { Cluster } from "./cluster.ts";
import type { Environment } from "./environment.ts";
import type { Phase } from "./phase.ts";

/** What a request began. */
export interface OperationFacts {
  readonly kind: "create" | "restore" | "migrate" | "reset" | "delete";
  /** The generation that the request made. */
  readonly generation: number;
}

export type OperationStatus = "running" | "succeeded" | "failed" | "superseded";

/** Phases in which nothing more happens by itself. */
const SETTLED: ReadonlySet<Phase> = new Set<Phase>([
  "ready",
  "failed",
  "unverified",
  "retired",
  "destroyed",
  "skipped",
]);

/** Whether the environment rests in this phase until somebody asks for something. */
export function isSettled(phase: Phase, serving: Cluster | null): boolean {
  // Retired means that nobody can connect any more, and that AWS shows it.
  return SETTLED.has(phase) && (phase !== "retired" || serving?.fencedAt !== null);
}

/** How far an operation is, computed from the environment as it is now. Total and pure. */
export function operationStatus(
  operation: OperationFacts,
  environment: Environment,
  serving: Cluster | null,
  phase: Phase,
): OperationStatus {
  if (environment.generation > operation.generation) return "superseded";
  if (!isSettled(phase, serving)) return "running";
  if (operation.kind === "delete") return "succeeded";
  return phase === "ready" ? "succeeded" : "failed";
}
