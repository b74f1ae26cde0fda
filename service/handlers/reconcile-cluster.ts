import type { Cluster } from "../domain/cluster.ts";
import {
  type ClusterDecision,
  type ClusterRecord,
  decideCreated,
  decideFenced,
  decideFound,
  decideRemoved,
  decideSeen,
  decideUnasked,
  firstCall,
} from "../domain/decide-cluster.ts";
import { decideUpdated } from "../domain/decide-stack.ts";
import type { Environment } from "../domain/environment.ts";
import { Fenced, Refused, Retryable } from "../domain/errors.ts";
import { branchTags, previewTags, tenantTags } from "../domain/names.ts";
import { parsePullKey } from "../domain/owner.ts";
import { lifeOf } from "./cluster-life.ts";
import { type Context, newId } from "./context.ts";
import { changeFence, readFence } from "./fence.ts";
import { holdCluster } from "./hold-cluster.ts";
import type { ClusterTags } from "./ports.ts";
import type { ClusterChange, StoreTransaction, Wake } from "./ports-store.ts";
import { later, refusePaused, type Step } from "./step.ts";
import { reportWakes, repositoryOf } from "./targets.ts";

/** Waiting environments that are woken when a slot becomes free; the others look by themselves. */
const WOKEN_WHEN_FREE = 5;
/** What was switched off may be shown as on for a moment: without a pause the two calls would chase each other. */
const UNPROTECTED_LOOK_MS = 1_000;

/** Brings one cluster a step closer to its use: one look at AWS, at most one change there, one commit. */
export async function reconcileCluster(context: Context, step: Step): Promise<void> {
  const { store, clock, policy } = context;
  const cluster = await store.cluster(step.key);
  if (!cluster || cluster.status === "gone") return step.commit(null, async () => {});
  refuseElsewhere(context, cluster);
  const call = firstCall(cluster, clock.now());
  if (call === "nothing") return writeDown(context, step, cluster, decideUnasked(cluster));
  const paused = await store.regionPause(policy.account, policy.region);
  refusePaused(context, paused, `AWS in ${policy.region}`);
  switch (call) {
    case "attempt":
      return attempt(context, step, cluster);
    case "create":
      return create(context, step, cluster, false);
    case "find":
      return follow(
        context,
        step,
        cluster,
        decideFound(cluster, await lifeOf(context, cluster).find(), clock.now()),
      );
    case "observe": {
      const seen = await lifeOf(context, cluster).observe();
      const mayBeFenced =
        cluster.status === "available" && (seen.kind === "usable" || seen.kind === "blocked");
      const isFenced = mayBeFenced ? await readFence(context, cluster) : null;
      return follow(context, step, cluster, decideSeen(cluster, seen, clock.now(), isFenced));
    }
    case "remove":
      return remove(context, step, cluster);
  }
}

/** After a change of the configuration AWS would answer 404 for it here, which says nothing about it there. */
function refuseElsewhere({ policy }: Context, { id, account, region }: Cluster): void {
  if (account === policy.account && region === policy.region) return;
  throw new Refused(
    "other_region",
    `Cluster ${id} is in ${region} of account ${account}, but this service works in ${policy.region} of ${policy.account}. Run one for that Region to remove it.`,
  );
}

/** Written intent before creation: the attempt is durable, under a fresh lease, before AWS is asked. */
async function attempt(context: Context, step: Step, cluster: Cluster): Promise<void> {
  const held = await holdCluster(step, cluster, { attemptedAt: context.clock.now() });
  await create(context, step, held, true);
}

async function create(context: Context, step: Step, cluster: Cluster, first: boolean): Promise<void> {
  const tags = await tagsOf(context, cluster);
  step.ensureHeld();
  const answer = await lifeOf(context, cluster).create(tags);
  await follow(context, step, cluster, decideCreated(cluster, answer, first));
}

async function tagsOf({ store }: Context, cluster: Cluster): Promise<ClusterTags> {
  const environment = await store.environment(cluster.environmentId);
  if (environment?.customerKey) return tenantTags(cluster.id, environment.customerKey);
  const target = environment && (await repositoryOf(store, environment));
  if (!target) throw new Error(`Cluster ${cluster.id} belongs to no known owner.`);
  const { gitBranch, pullKey } = environment;
  if (gitBranch !== null) return branchTags(cluster.id, { ...target, gitBranch }, target.repositoryName);
  const pull = parsePullKey(pullKey ?? "");
  if (!pull) throw new Error(`Environment ${environment.id} is for neither a pull request nor a git branch.`);
  return previewTags(cluster.id, pull, target.repositoryName);
}

/** What cannot be undone is asked for under a fresh lease, on the row as it is, and in a store that was not restored. */
async function remove(context: Context, step: Step, cluster: Cluster): Promise<void> {
  const held = await holdCluster(step, cluster, {});
  const answer = await lifeOf(context, held).remove();
  await follow(context, step, held, decideRemoved(held, answer, context.clock.now()));
}

async function follow(
  context: Context,
  step: Step,
  cluster: Cluster,
  decision: ClusterDecision,
): Promise<void> {
  switch (decision.do) {
    case "record":
      return writeDown(context, step, cluster, decision);
    case "remove":
      return remove(context, step, cluster);
    case "protect":
    case "unprotect":
      return notLate(context, cluster, protect(context, step, cluster, decision.do));
    case "update":
      return notLate(context, cluster, update(context, step, cluster));
    case "fence":
    case "unfence":
      return notLate(context, cluster, fence(context, step, cluster, decision.do));
    case "retry":
      throw await backOff(context, decision);
  }
}

/** Under a fresh lease and on the row as it is: a late call would shut people out, or let them in, against its use. */
async function fence(
  context: Context,
  step: Step,
  cluster: Cluster,
  change: "fence" | "unfence",
): Promise<void> {
  const { held, answer } = await changeFence(context, step, cluster, change);
  await follow(context, step, held, decideFenced(held, change, answer));
}

/** A change of a cluster in use may have come late: then whoever has the cluster now looks again. */
async function notLate(context: Context, cluster: Cluster, change: Promise<void>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (error instanceof Fenced) await wakeNow(context, cluster);
    throw error;
  }
}

async function wakeNow({ store, clock }: Context, { id }: Cluster): Promise<void> {
  const now = clock.now();
  await store.transaction((tx) => tx.wake([{ topic: "cluster", key: id, dueAt: now }], now));
}

/**
 * Previews may be unprotected by us: somebody switched protection on by hand (field case F36). Under a fresh lease and on
 * the row as it is: a customer may have been restored meanwhile.
 */
async function protect(
  context: Context,
  step: Step,
  cluster: Cluster,
  change: "protect" | "unprotect",
): Promise<void> {
  const held = await holdCluster(step, cluster, {});
  const answer = await lifeOf(context, held).protect(change === "protect");
  if (answer.kind === "unknown") throw await backOff(context, answer);
  await step.commit(later(context, UNPROTECTED_LOOK_MS), async () => {});
}

/** Under a fresh lease and on the row as it is, like every change that a cluster in use would notice. */
async function update(context: Context, step: Step, cluster: Cluster): Promise<void> {
  const tags = await tagsOf(context, cluster);
  const held = await holdCluster(step, cluster, {});
  const answer = await lifeOf(context, held).update(tags);
  await follow(context, step, held, decideUpdated(held, answer));
}

async function backOff(
  context: Context,
  answer: { readonly cause: string; readonly retryAfterMs?: number },
): Promise<Retryable> {
  const { policy, store } = context;
  if (answer.retryAfterMs !== undefined) {
    const until = later(context, answer.retryAfterMs);
    await store.transaction((tx) => tx.pauseRegion(policy.account, policy.region, until));
  }
  return new Retryable("aws_unavailable", answer.cause, { afterMs: answer.retryAfterMs });
}

async function writeDown(
  context: Context,
  step: Step,
  cluster: Cluster,
  record: ClusterRecord,
): Promise<void> {
  const now = context.clock.now();
  const change = changeOf(cluster, record, now);
  const again = record.lookMs === null ? null : later(context, record.lookMs);
  const visible =
    record.status !== cluster.status ||
    record.reason !== cluster.reason ||
    record.trouble !== cluster.trouble ||
    record.seen !== null ||
    record.fenced !== "keep";
  await step.commit(again, async (tx) => {
    if (Object.keys(change).length > 0) await tx.updateCluster(cluster, change);
    if (!visible) return;
    const environment = await tx.environment(cluster.environmentId);
    if (environment) await tell(context, tx, cluster, record, environment, now);
  });
}

async function tell(
  context: Context,
  tx: StoreTransaction,
  cluster: Cluster,
  record: ClusterRecord,
  environment: Environment,
  now: Date,
): Promise<void> {
  const wakes: Wake[] = [...reportWakes(environment, now)];
  // While it is only being created its environment has nothing to do; what people are shown may change all the same.
  const isUnderWay = record.status === "creating" && record.reason === null;
  if (!isUnderWay) wakes.push({ topic: "environment", key: environment.id, dueAt: now });
  if (record.status === "gone") {
    const waiting = (await tx.waiting()).slice(0, WOKEN_WHEN_FREE);
    wakes.push(...waiting.map((w) => ({ topic: "environment" as const, key: w.environmentId, dueAt: now })));
  }
  await tx.wake(wakes, now);
  if (!record.event) return;
  const detail = [cluster.id, record.seen?.identifier ?? cluster.identifier, record.reason];
  await tx.addEvent({
    environmentId: environment.id,
    id: newId(context, "evt"),
    at: now,
    kind: record.event,
    actor: null,
    detail: detail.filter((part) => part !== null).join(" "),
  });
}

function changeOf(cluster: Cluster, record: ClusterRecord, now: Date): ClusterChange {
  const { seen } = record;
  // What was made under this row before, and taken back, is not what it makes next.
  const isAnew = record.status === "intended" && cluster.status !== "intended";
  return {
    ...(record.status !== cluster.status ? { status: record.status, statusSince: now } : {}),
    ...(record.status === "removing" && cluster.use !== "remove" ? { use: "remove" as const } : {}),
    ...(record.reason !== cluster.reason ? { reason: record.reason } : {}),
    ...(record.trouble !== cluster.trouble ? { trouble: record.trouble } : {}),
    ...(seen ? { identifier: seen.identifier, arn: seen.arn, endpoint: seen.endpoint } : {}),
    ...(seen?.inStack?.roles ? { roles: seen.inStack.roles } : {}),
    ...(isAnew ? { identifier: null, arn: null, endpoint: null, roles: null } : {}),
    ...(record.attempted === "clear" ? { attemptedAt: null } : {}),
    ...fenceOf(cluster, record, now),
    ...(record.absent === "note" ? { absentSince: now } : {}),
    ...(record.absent === "clear" && cluster.absentSince ? { absentSince: null } : {}),
  };
}

/** One that is fenced again, because somebody removed the fence, was retired when it was first. */
function fenceOf(cluster: Cluster, { fenced }: ClusterRecord, now: Date): ClusterChange {
  if (fenced === "keep") return {};
  return fenced === "note" ? { fencedAt: cluster.fencedAt ?? now } : { fencedAt: null, formerPolicy: null };
}
