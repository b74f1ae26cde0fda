import type { Cluster } from "../domain/cluster.ts";
import type { ClusterChange } from "./ports-store.ts";
import type { Step } from "./step.ts";

/**
 * Writes the change under a fresh lease, before an effect that cannot be undone or that a cluster in use would notice. Out:
 * the row as it is now. Throws Fenced, and Retryable `stale` or `paused_after_restore`.
 */
export async function holdCluster(step: Step, cluster: Cluster, change: ClusterChange): Promise<Cluster> {
  await step.hold((tx) => tx.updateCluster(cluster, change));
  step.ensureHeld();
  return { ...cluster, ...change, version: cluster.version + 1 };
}
