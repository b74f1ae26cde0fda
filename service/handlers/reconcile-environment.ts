import {
  decideEnvironment,
  type EnvironmentDecision,
  progress,
  standing,
} from "../domain/decide-environment.ts";
import { Refused, Retryable } from "../domain/errors.ts";
import { graceOf } from "../domain/grace.ts";
import { REFUSED_STEP_LOOK_MS, SLOT_TRIES_MAX } from "../domain/limits.ts";
import { refreshAccess, verifyAccess } from "./access.ts";
import { intend, queue } from "./acquire.ts";
import { type Context, newId } from "./context.ts";
import { change, clusterOf, clusterWakes, release, type Work, write } from "./environment-work.ts";
import { readForeign } from "./foreign.ts";
import { migrate } from "./migrate.ts";
import { parameterWakes } from "./parameter.ts";
import { readPlan } from "./plans.ts";
import { readClusters } from "./read-clusters.ts";
import { type Offered, readOffer } from "./slots.ts";
import { later, type Step } from "./step.ts";
import { reportWakes, repositoryOf } from "./targets.ts";
import { inTurn } from "./turn.ts";

/** Brings one environment a step closer to what its owner wants: load, decide, one step, one commit. */
export async function reconcileEnvironment(context: Context, step: Step): Promise<void> {
  const { store, clock } = context;
  const environment = await store.environment(step.key);
  const target = environment && (await repositoryOf(store, environment));
  if (!environment || (!target && environment.kind !== "tenant")) return step.commit(null, async () => {});
  const { serving, next } = await readClusters(store, environment);
  const work: Work = { context, step, environment, serving, next, target };
  const graceMs = graceOf(environment, context.policy.grace);
  const decision = decideEnvironment(environment, serving, next, null, clock.now(), graceMs);
  try {
    if (decision.do !== "ask_slot") return await perform(work, decision, null);
    // The list of AWS is not waited for in turn.
    await readForeign(context);
    await inTurn(context, () => performOffered(work, graceMs));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    await noteRefusal(work, error);
  }
}

/**
 * Takes the slot, or the place in the queue, that is offered. Of several processes that take one at once the first wins;
 * the others count again.
 */
async function performOffered(work: Work, graceMs: number): Promise<void> {
  const { context, environment, serving, next } = work;
  for (let tries = 1; ; tries += 1) {
    const offered = await readOffer(context, environment);
    const now = context.clock.now();
    const decision = decideEnvironment(environment, serving, next, offered.offer, now, graceMs);
    try {
      return await perform(work, decision, offered);
    } catch (error) {
      const isLost = error instanceof Retryable && error.reason === "stale";
      if (!isLost || tries >= SLOT_TRIES_MAX) throw error;
    }
  }
}

/** A person must change something first; the history says what, and somebody may have done so a little later. */
async function noteRefusal(work: Work, { reason, message }: Refused): Promise<void> {
  const { context, environment } = work;
  const at = context.clock.now();
  context.log.warn({ environment: environment.id, owner: environment.ownerKey, reason }, message);
  await work.step.commit(later(context, REFUSED_STEP_LOOK_MS), async (tx) => {
    // One that cannot go on must not keep its place before those that can.
    if (environment.queuedAt) await tx.updateEnvironment(environment, { queuedAt: null });
    await tx.addEvent({
      environmentId: environment.id,
      id: newId(context, "evt"),
      at,
      kind: "refused",
      actor: null,
      detail: `${reason}: ${message}`,
    });
    await tx.wake(reportWakes(environment, at), at);
  });
}

async function perform(work: Work, decision: EnvironmentDecision, offered: Offered | null): Promise<void> {
  switch (decision.do) {
    case "expire":
      return expire(work);
    case "detach":
      return change(work, { servingId: null, readyAt: null }, decision.event);
    case "read_plan":
      return readAndRecordPlan(work);
    case "intend":
      return intend(work, decision.target, offered);
    case "queue":
      return queue(work, decision.lookMs, offered);
    case "leave_queue":
      return change(work, { queuedAt: null }, "left_queue");
    case "migrate":
      return migrate(
        work.context,
        work.step,
        work.target,
        work.environment,
        clusterOf(work, decision.target),
      );
    case "verify":
      return verify(work, decision.target);
    case "discard":
      return release(work, { servingId: null, readyAt: null }, work.serving, "cluster_discarded");
    case "drop_next":
      return release(work, { nextId: null }, work.next, "rebuild_dropped");
    case "switch":
      return switchOver(work);
    case "remove":
      return release(work, {}, work.serving, "removing");
    case "retire":
      return retire(work, decision.graceMs);
    case "restore":
      return restore(work);
    case "end":
      return change(work, { servingId: null, readyAt: null, endedAt: work.context.clock.now() }, "ended");
    case "rest":
      return rest(work, decision.lookMs);
    case "ask_slot":
      throw new Error(`Environment ${work.environment.id} was offered a slot and asked for it again.`);
    default:
      // A decision that nobody carries out would let the lease run out again and again; the compiler knows them all.
      return decision satisfies never;
  }
}

/** Nothing changed here; but the cluster may have opened again, the repository have a new name, the access list another rule. */
async function rest(
  { context, step, environment, target, serving }: Work,
  lookMs: number | null,
): Promise<void> {
  const isReady = standing(serving) === "available" && environment.wanted === "present";
  if (serving && isReady && progress(environment, serving) === "verified") {
    await refreshAccess(context, step, environment, serving, target);
  }
  const now = context.clock.now();
  await step.commit(lookMs === null ? null : later(context, lookMs), (tx) =>
    tx.wake(parameterWakes(context.policy, environment, now), now),
  );
}

/** Kept, and closed to everybody: its own reconciler puts the policy, and reads it back. */
async function retire(work: Work, graceMs: number): Promise<void> {
  const { id } = clusterOf(work, "serving");
  const now = work.context.clock.now();
  await write(work, {}, "retired", now, async (tx) => {
    if (await tx.retireCluster(id, new Date(now.getTime() + graceMs))) return clusterWakes(id, now);
    return [];
  });
}

/** If it went meanwhile, such as to give its slot to somebody who waits, the next look finds it lost. */
async function restore(work: Work): Promise<void> {
  const { id, verifiedAt } = clusterOf(work, "serving");
  const now = work.context.clock.now();
  await write(work, { readyAt: verifiedAt ?? now }, "restored", now, async (tx) => {
    if (await tx.restoreCluster(id, now)) return clusterWakes(id, now);
    return [];
  });
}

async function expire(work: Work): Promise<void> {
  const now = work.context.clock.now();
  const generation = work.environment.generation + 1;
  const absent = {
    wanted: "absent",
    wantedReason: "expired",
    generation,
    wantedAt: now,
    queuedAt: null,
  } as const;
  await change(work, { ...absent, endedAt: null }, "expired");
}

async function readAndRecordPlan(work: Work): Promise<void> {
  const { context, environment, target } = work;
  const read = await readPlan(context, target, environment);
  const planGeneration = environment.generation;
  if ("problem" in read) {
    return change(
      work,
      { planGeneration, plan: null, planProblem: read.problem, queuedAt: null },
      "plan_failed",
    );
  }
  const { sha, files, statements } = read.plan;
  const plan = { sha, fileCount: files.length, statementCount: statements.length };
  await change(work, { planGeneration, plan, planProblem: null }, "plan_read");
}

async function verify(work: Work, target: "serving" | "next"): Promise<void> {
  const { context, environment } = work;
  const cluster = clusterOf(work, target);
  await verifyAccess(context, work.step, environment, cluster, work.target);
  const now = context.clock.now();
  const ready = target === "serving" && !environment.readyAt ? { readyAt: now } : {};
  await write(work, ready, "ready", now, async (tx) => {
    await tx.updateMigration(cluster.id, { verifiedGeneration: environment.generation, verifiedAt: now });
    return [];
  });
}

/** The rebuilt cluster has answered, so the environment is ready even if the old cluster was lost before. */
async function switchOver(work: Work): Promise<void> {
  const { nextId, readyAt } = work.environment;
  const link = { servingId: nextId, nextId: null, readyAt: readyAt ?? work.context.clock.now() };
  await release(work, link, work.serving, "switched");
}
