import type { Cluster } from "./cluster.ts";
import type { Environment } from "./environment.ts";
import type { MigrationProblem } from "./migration.ts";
import type { Phase } from "./phase.ts";

/** What went wrong, for the one who asked. The message says what to do next. */
export interface Failure {
  readonly reason: string;
  readonly message: string;
  readonly file: string | null;
  readonly line: number | null;
}

/** The reason code of a statement of which nobody knows whether it was applied. */
export const OUTCOME_UNKNOWN = "outcome_unknown";
const LOOK_AND_REPEAT =
  "The connection was lost during this statement, and nobody knows whether it was applied. Look into the database, and put the same migrations again: the statement is sent once more.";

/** Why AWS does not get on, by the cluster's reason code. */
const TROUBLES: Readonly<Record<string, string>> = {
  create_refused: "AWS refuses to create the cluster. The operator looks into the service's permissions.",
  create_slow: "AWS has needed more than 15 minutes for the cluster. It is still waited for.",
  quota: "AWS says that the quota of clusters is full. It is tried again as soon as one is gone.",
  protected: "The cluster is protected from deletion. Lift the protection.",
  create_rolled_back:
    "AWS could not create the cluster's stack and takes back what it had made. It is tried again by itself.",
  remove_blocked:
    "AWS could not remove the cluster's stack. It is tried again by itself; the operator looks into what blocks it.",
  remove_slow: "AWS has needed more than an hour to remove the cluster. It is still waited for.",
};

/**
 * The failure of an environment in this phase, or null. `statement` is the failed statement of its ledger, if there is
 * one; its message is the server's own.
 */
export function failureOf(
  environment: Environment,
  cluster: Cluster | null,
  phase: Phase,
  statement: Pick<MigrationProblem, "file" | "line" | "code" | "message"> | null,
): Failure | null {
  if (phase === "unverified") {
    const message =
      "No query was answered through the public endpoint. It is tried again; see the operator's log.";
    return { reason: "unverified", message, file: null, line: null };
  }
  if (phase === "failed") return failed(environment, cluster, statement);
  const trouble = cluster?.reason ? TROUBLES[cluster.reason] : undefined;
  if (!trouble) return null;
  const says = cluster?.trouble ? ` AWS says: ${cluster.trouble}` : "";
  return { reason: String(cluster?.reason), message: `${trouble}${says}`, file: null, line: null };
}

function failed(
  environment: Environment,
  cluster: Cluster | null,
  statement: Pick<MigrationProblem, "file" | "line" | "code" | "message"> | null,
): Failure {
  const { planProblem, planGeneration, generation } = environment;
  const problem = planGeneration === generation && planProblem ? planProblem : statement;
  if (problem) {
    const { file, line, code, message } = problem;
    if (code === OUTCOME_UNKNOWN) return { reason: code, message: LOOK_AND_REPEAT, file, line };
    return { reason: "migration_failed", message: `${code}: ${message}`, file, line };
  }
  if (cluster?.migrationState === "diverged") {
    const message =
      "Statements that were applied were changed or removed. Put them back, and add new ones after them.";
    return { reason: "migration_diverged", message, file: null, line: null };
  }
  const message =
    "Its cluster is gone at AWS, and nobody asked Offshoot for that. Nothing is made in its place.";
  return { reason: "cluster_lost", message, file: null, line: null };
}
