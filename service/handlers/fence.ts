/** Letting nobody connect to a retired cluster, and everybody again, without losing what an operator wrote. */
import type { ChangeAnswer, Cluster } from "../domain/cluster.ts";
import { FENCE_POLICY, isFence, withoutFence } from "../domain/fence.ts";
import { identifierOf } from "./cluster-life.ts";
import type { Context } from "./context.ts";
import { holdCluster } from "./hold-cluster.ts";
import type { Step } from "./step.ts";

/**
 * Puts the fence, or what was there before it, in place of the policy that is read now. What the fence replaces is written
 * down first. The change is for the version that was read under this lease: a process that stood still in between, and
 * comes after another one has changed the policy, is refused by AWS. Where there was no policy there is no version to hold
 * it to; then the next look puts it right. Idempotent. Out: the row as it is now, and what became of the change.
 */
export async function changeFence(
  { control }: Context,
  step: Step,
  cluster: Cluster,
  change: "fence" | "unfence",
): Promise<{ readonly held: Cluster; readonly answer: ChangeAnswer }> {
  const identifier = identifierOf(cluster);
  const seen = await control.readPolicy(identifier);
  if (seen.kind === "unknown") return { held: cluster, answer: seen };
  const { text, version } = seen;
  const isFenced = isFence(text);
  const wanted = change === "unfence" ? withoutFence(text, cluster.formerPolicy) : FENCE_POLICY;
  if (change === "fence" ? isFenced : wanted === text) return { held: cluster, answer: { kind: "done" } };
  const formerPolicy = isFenced ? cluster.formerPolicy : (text ?? cluster.formerPolicy);
  const held = await holdCluster(step, cluster, { formerPolicy });
  return { held, answer: await control.putPolicy(identifier, wanted, version) };
}

/** Whether AWS shows the fence; null if it could not be read. */
export async function readFence({ control }: Context, cluster: Cluster): Promise<boolean | null> {
  const seen = await control.readPolicy(identifierOf(cluster));
  return seen.kind === "seen" ? isFence(seen.text) : null;
}
