import type { Cluster } from "../domain/cluster.ts";
import type { Environment } from "../domain/environment.ts";
import { type Context, newId } from "./context.ts";
import { parameterWakes } from "./parameter.ts";
import type { RepositoryTarget } from "./ports.ts";
import type { EnvironmentChange, StoreTransaction, Wake } from "./ports-store.ts";
import type { Step } from "./step.ts";
import { reportWakes } from "./targets.ts";

/** What one step of an environment works with. */
export interface Work {
  readonly context: Context;
  readonly step: Step;
  readonly environment: Environment;
  readonly serving: Cluster | null;
  readonly next: Cluster | null;
  /** Null for a customer, whose migrations are in the store. */
  readonly target: RepositoryTarget | null;
}

/** Lets go of a cluster: its own reconciler removes it at AWS. */
export async function release(
  work: Work,
  link: EnvironmentChange,
  cluster: Cluster | null,
  event: string,
): Promise<void> {
  const now = work.context.clock.now();
  await write(work, link, event, now, async (tx) => {
    if (!cluster) return [];
    await tx.setUse(cluster.id, "remove");
    return clusterWakes(cluster.id, now);
  });
}

export async function change(work: Work, columns: EnvironmentChange, event: string): Promise<void> {
  await write(work, columns, event, work.context.clock.now(), async () => []);
}

/** One commit: the environment's columns, more writes, the event, the report, and when to look again. */
export async function write(
  work: Work,
  columns: EnvironmentChange,
  event: string,
  again: Date | null,
  more: (tx: StoreTransaction) => Promise<readonly Wake[]>,
): Promise<void> {
  const { context, environment } = work;
  const now = context.clock.now();
  await work.step.commit(again, async (tx) => {
    await tx.updateEnvironment(environment, columns);
    const wakes = await more(tx);
    await tx.addEvent({
      environmentId: environment.id,
      id: newId(context, "evt"),
      at: now,
      kind: event,
      actor: null,
      detail: null,
    });
    const told = [...reportWakes(environment, now), ...parameterWakes(context.policy, environment, now)];
    await tx.wake([...wakes, ...told], now);
  });
}

export function clusterWakes(id: string, dueAt: Date): readonly Wake[] {
  return [{ topic: "cluster", key: id, dueAt }];
}

export function clusterOf(work: Work, target: "serving" | "next"): Cluster {
  const cluster = target === "serving" ? work.serving : work.next;
  if (!cluster) throw new Error(`Environment ${work.environment.id} has no ${target} cluster.`);
  return cluster;
}
