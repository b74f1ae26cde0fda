import { FORGET_MS, SWEEP_MS } from "../domain/limits.ts";
import { METRIC } from "../domain/metrics.ts";
import type { Context } from "./context.ts";
import { forget, forgetRest, isRest } from "./forget.ts";
import { wakeLeftParameters } from "./parameter.ts";
import type { Store } from "./ports-store.ts";
import { redeliver } from "./redeliver.ts";
import { later, type Step } from "./step.ts";
import { sweep } from "./sweep.ts";

/** When the last sweep ended, as ISO 8601. */
export const SWEPT = "swept";

/** What is done now and then: each is a key of the queue, so that one worker at a time does it, whatever asks for it. */
const CHORES: Readonly<Record<string, (context: Context, step: Step) => Promise<void>>> = {
  sweep: sweepAndTell,
  redeliver,
  forget: forgetEnded,
};

/** Makes the keys of the chores that have none. For the start of a process, and each tick. Idempotent. */
export async function ensureChores(store: Store, now: Date): Promise<void> {
  await store.ensureWakeups(Object.keys(CHORES).map((key) => ({ topic: "chore", key, dueAt: now })));
}

/** Does one chore. A key of another version of the service is let go. */
export async function chore(context: Context, step: Step): Promise<void> {
  const work = CHORES[step.key];
  if (work) return work(context, step);
  if (isRest(step.key)) return forgetRest(context, step);
  await step.commit(null, async () => {});
}

/** Reports only: what differs is for people to look at. */
async function sweepAndTell(context: Context, step: Step): Promise<void> {
  const { log, measure, policy, clock } = context;
  const { listed, findings } = await sweep(context);
  for (const { reason, message, clusterId } of findings) log.warn({ reason, cluster: clusterId }, message);
  measure.put({
    [METRIC.clusters]: listed,
    [METRIC.quota]: policy.quota,
    [METRIC.sweepFindings]: findings.length,
  });
  await step.commit(later(context, SWEEP_MS), (tx) => tx.putMark(SWEPT, clock.now().toISOString()));
}

async function forgetEnded(context: Context, step: Step): Promise<void> {
  await forget(context);
  await wakeLeftParameters(context);
  await step.commit(later(context, FORGET_MS), async () => {});
}
