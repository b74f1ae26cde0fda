/** How an environment comes to a cluster: by an intent when a slot is free, else by a place in the queue. */
import type { Cluster } from "../domain/cluster.ts";
import type { Environment } from "../domain/environment.ts";
import { GRACE_WAITED_MS, SLOTS_SETTLE_LOOK_MS, SLOTS_SETTLE_MS } from "../domain/limits.ts";
import { stackName } from "../domain/stack.ts";
import { type Context, newId, type Policy } from "./context.ts";
import { clusterWakes, type Work, write } from "./environment-work.ts";
import type { StoreTransaction } from "./ports-store.ts";
import type { Offered } from "./slots.ts";
import { later } from "./step.ts";

/** Written intent: the row, with its token, exists before AWS hears of it. */
export async function intend(work: Work, target: "serving" | "next", offered: Offered | null): Promise<void> {
  const { context, environment } = work;
  if (!offered) throw new Error(`Environment ${environment.id} intends a cluster without an offer.`);
  const now = context.clock.now();
  const cluster = newCluster(context, environment, now);
  const link =
    target === "serving" ? { servingId: cluster.id, queuedAt: null } : { nextId: cluster.id, queuedAt: null };
  await write(work, link, "cluster_intended", null, async (tx) => {
    await tx.takeSlot(cluster.account, cluster.region, offered.regionVersion);
    await tx.insertCluster(cluster);
    return clusterWakes(cluster.id, now);
  });
}

/** Takes a place in the queue, unless the count is only unsettled by creates that end within moments. */
export async function queue(work: Work, lookMs: number, offered: Offered | null): Promise<void> {
  const { context, environment } = work;
  const waitedMs = context.clock.now().getTime() - environment.wantedAt.getTime();
  if (offered?.settling && waitedMs < SLOTS_SETTLE_MS) {
    return work.step.commit(later(context, SLOTS_SETTLE_LOOK_MS), async () => {});
  }
  const isFirst =
    offered?.offer.kind === "wait" && offered.offer.scope === "slots" && offered.offer.position === 1;
  if (environment.queuedAt) {
    return work.step.commit(later(context, lookMs), (tx) =>
      isFirst ? askToYield(context, tx) : Promise.resolve(),
    );
  }
  await write(work, { queuedAt: context.clock.now() }, "queued", later(context, lookMs), async () => []);
}

/** Whoever waits first asks the oldest closed preview to go; one that was closed only now keeps its data a while. */
async function askToYield(context: Context, tx: StoreTransaction): Promise<void> {
  const { account, region } = context.policy;
  const now = context.clock.now();
  const oldest = await tx.oldestRetired(account, region, new Date(now.getTime() - GRACE_WAITED_MS));
  if (!oldest) return;
  const owner = await tx.environment(oldest.environmentId);
  // It may be wanted again since; the write keeps a reopening at this very moment from being overlooked.
  if (owner?.wanted !== "absent") return;
  await tx.updateEnvironment(owner, {});
  if (!(await tx.setUse(oldest.id, "remove"))) return;
  await tx.addEvent({
    environmentId: oldest.environmentId,
    id: newId(context, "evt"),
    at: now,
    kind: "yielded",
    actor: null,
    detail: oldest.id,
  });
  await tx.wake(
    [...clusterWakes(oldest.id, now), { topic: "environment", key: oldest.environmentId, dueAt: now }],
    now,
  );
}

function newCluster(context: Context, environment: Environment, now: Date): Cluster {
  const { account, region } = context.policy;
  const id = newId(context, "cl");
  return {
    id,
    stack: stackOf(context.policy, environment, id),
    roles: null,
    environmentId: environment.id,
    kind: environment.kind === "tenant" ? "tenant" : "preview",
    account,
    region,
    repositoryId: environment.repositoryId,
    protected: environment.protected,
    fencedAt: null,
    formerPolicy: null,
    bornGeneration: environment.generation,
    status: "intended",
    use: "serve",
    clientToken: newId(context, "tok"),
    identifier: null,
    arn: null,
    endpoint: null,
    attemptedAt: null,
    absentSince: null,
    statusSince: now,
    retiredUntil: null,
    createdAt: now,
    reason: null,
    trouble: null,
    migrationGeneration: 0,
    migrationState: "behind",
    migrationSince: null,
    verifiedGeneration: 0,
    verifiedAt: null,
    version: 1,
  };
}

/** The name of the stack that makes the cluster, if the operator wants one; it stays whatever is wanted of others later. */
function stackOf({ stacks }: Policy, { kind }: Environment, clusterId: string): string | null {
  const isWanted = stacks.for === "all" || (stacks.for === "previews" && kind !== "tenant");
  return isWanted ? stackName(stacks.prefix, clusterId) : null;
}
