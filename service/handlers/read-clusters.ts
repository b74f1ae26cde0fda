import type { Cluster } from "../domain/cluster.ts";
import type { Environment } from "../domain/environment.ts";
import type { StoreReads } from "./ports-store.ts";

/**
 * The two clusters that the decisions and the phase of an environment speak of. An unwanted environment has not ended
 * while a cluster that it let go of earlier, such as one that could not be migrated, is still at AWS.
 */
export async function readClusters(
  store: StoreReads,
  environment: Environment,
): Promise<{ readonly serving: Cluster | null; readonly next: Cluster | null }> {
  const { servingId, nextId, wanted } = environment;
  const serving = servingId ? await store.cluster(servingId) : null;
  const next = nextId ? await store.cluster(nextId) : null;
  const isLast = wanted === "absent" && (serving === null || serving.status === "gone");
  return { serving: isLast ? await store.lastCluster(environment.id) : serving, next };
}
