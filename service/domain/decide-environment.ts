import type { Cluster } from "./cluster.ts";
import type { Environment } from "./environment.ts";
import { READY_LOOK_MS, WAITING_LOOK_MS } from "./limits.ts";
import type { Offer } from "./slots.ts";

/** One step towards what the owner wants. `target` says which of the two clusters it concerns. */
export type EnvironmentDecision =
  /** The time is up: want it absent. */
  | { readonly do: "expire" }
  /** The serving cluster is lost: forget it. */
  | { readonly do: "detach"; readonly event: string }
  | { readonly do: "read_plan" }
  /** Ask for a slot, then decide again. */
  | { readonly do: "ask_slot" }
  | { readonly do: "intend"; readonly target: Target }
  | { readonly do: "queue"; readonly offer: Offer; readonly lookMs: number }
  /** It waited for a slot that it needs no longer, such as after a push that took a change back. */
  | { readonly do: "leave_queue" }
  | { readonly do: "migrate"; readonly target: Target }
  | { readonly do: "verify"; readonly target: Target }
  /** The serving cluster cannot be repaired and was never ready: remove it and begin anew. */
  | { readonly do: "discard" }
  /** The rebuilt cluster is of no use any more. */
  | { readonly do: "drop_next" }
  /** The rebuilt cluster takes over; the old one goes. */
  | { readonly do: "switch" }
  | { readonly do: "remove" }
  /** Keep the data for a while, closed to everybody. */
  | { readonly do: "retire"; readonly graceMs: number }
  /** It is wanted again within its grace: the same data is back. */
  | { readonly do: "restore" }
  /** Absent and nothing left at AWS. */
  | { readonly do: "end" }
  | { readonly do: "rest"; readonly lookMs: number | null };

export type Target = "serving" | "next";

/** How a cluster stands from the environment's point of view. */
export function standing(cluster: Cluster | null): "none" | "pending" | "available" | "retired" | "lost" {
  if (!cluster) return "none";
  if (cluster.use === "retired" && cluster.status === "available") return "retired";
  if (cluster.use !== "serve" || cluster.status === "removing" || cluster.status === "gone") return "lost";
  // A restored one refuses everybody until its policy is taken back.
  return cluster.status === "available" && cluster.fencedAt === null ? "available" : "pending";
}

/** How far the plan of the present generation is on a cluster. */
export function progress(
  environment: Environment,
  cluster: Cluster,
): "behind" | "applied" | "diverged" | "failed" | "verified" {
  if (cluster.migrationGeneration !== environment.generation) return "behind";
  if (cluster.migrationState !== "applied") return cluster.migrationState;
  return cluster.verifiedGeneration === environment.generation ? "verified" : "applied";
}

/**
 * What to do next for an environment. `serving` of an unwanted one may be any cluster that it left behind. Total and
 * pure; the first matching row wins. `offer` is null until the decision was `ask_slot`; `graceMs`: how long the data of
 * an unwanted one is kept.
 */
export function decideEnvironment(
  environment: Environment,
  serving: Cluster | null,
  next: Cluster | null,
  offer: Offer | null,
  now: Date,
  graceMs = 0,
): EnvironmentDecision {
  return environment.wanted === "absent"
    ? decideAbsent(environment, serving, next, now, graceMs)
    : decidePresent(environment, serving, next, offer, now);
}

function decideAbsent(
  environment: Environment,
  serving: Cluster | null,
  next: Cluster | null,
  now: Date,
  graceMs: number,
): EnvironmentDecision {
  if (next) return { do: "drop_next" };
  if (!serving || serving.status === "gone") {
    return environment.endedAt && !environment.servingId ? rest(null) : { do: "end" };
  }
  // A removing cluster wakes this environment when AWS has confirmed that it is gone.
  if (serving.use === "remove" || serving.status === "removing") return rest(null);
  if (serving.use === "retired") return decideRetired(environment, serving, now, graceMs);
  const kept = graceMs > 0 && serving.status === "available" && environment.readyAt !== null;
  return kept ? { do: "retire", graceMs } : { do: "remove" };
}

/**
 * The end was fixed when it was retired, unless it was wanted and unwanted again before it could be restored. A grace of
 * 0 now means that somebody does not want to wait for it; but what a customer was promised is kept, whatever the limits
 * or the configuration say since.
 */
function decideRetired(
  { kind, wantedAt }: Environment,
  serving: Cluster,
  now: Date,
  graceMs: number,
): EnvironmentDecision {
  const until = Math.max(serving.retiredUntil?.getTime() ?? 0, wantedAt.getTime() + graceMs);
  const leftMs = until - now.getTime();
  const isHurried = graceMs === 0 && kind !== "tenant";
  return leftMs <= 0 || isHurried ? { do: "remove" } : rest(leftMs);
}

function decidePresent(
  environment: Environment,
  serving: Cluster | null,
  next: Cluster | null,
  offer: Offer | null,
  now: Date,
): EnvironmentDecision {
  const { until } = environment;
  const ends = until !== null && !environment.protected;
  if (ends && now >= until) return { do: "expire" };
  if (next && next.bornGeneration < environment.resetGeneration) return { do: "drop_next" };
  if (serving && serving.bornGeneration < environment.resetGeneration) return { do: "discard" };
  if (standing(serving) === "retired") return { do: "restore" };
  if (standing(serving) === "lost") {
    // An empty database in the place of a customer's data would be the wrong one: a person must look.
    return isCustomers(environment) ? rest(READY_LOOK_MS) : { do: "detach", event: "cluster_lost" };
  }
  if (environment.planGeneration !== environment.generation) return { do: "read_plan" };
  const look = ends ? Math.min(until.getTime() - now.getTime(), READY_LOOK_MS) : READY_LOOK_MS;
  // A plan that cannot be read as SQL needs a push; it takes no slot while it waits.
  if (environment.planProblem) return next ? { do: "drop_next" } : rest(look);
  if (!serving && !next) return acquire(offer, "serving");
  const decision = decideHeld(environment, serving, next, offer, look);
  return environment.queuedAt && !WAITS.has(decision.do) ? { do: "leave_queue" } : decision;
}

/** Data of a customer that may be there: nothing is rebuilt over it. */
export function isCustomers(environment: Environment): boolean {
  return environment.kind === "tenant" && environment.readyAt !== null;
}

const WAITS: ReadonlySet<EnvironmentDecision["do"]> = new Set(["ask_slot", "intend", "queue"]);

function decideHeld(
  environment: Environment,
  serving: Cluster | null,
  next: Cluster | null,
  offer: Offer | null,
  look: number,
): EnvironmentDecision {
  // Also if the serving one was lost meanwhile: the rebuilt one has its slot already.
  if (next) return decideNext(environment, next, look);
  if (!serving || standing(serving) === "pending") return rest(look);
  return decideServing(environment, serving, offer, look);
}

function decideServing(
  environment: Environment,
  serving: Cluster,
  offer: Offer | null,
  look: number,
): EnvironmentDecision {
  switch (progress(environment, serving)) {
    case "behind":
      return { do: "migrate", target: "serving" };
    case "failed":
    case "verified":
      return rest(look);
    case "applied":
      return { do: "verify", target: "serving" };
    case "diverged":
      if (isCustomers(environment)) return rest(look);
      // Whoever works with the old schema keeps it until the new cluster answers.
      return environment.readyAt ? acquire(offer, "next") : { do: "discard" };
  }
}

function decideNext(environment: Environment, next: Cluster, look: number): EnvironmentDecision {
  switch (standing(next)) {
    case "lost":
      return { do: "drop_next" };
    case "pending":
    case "retired":
    case "none":
      return rest(look);
    case "available":
      break;
  }
  switch (progress(environment, next)) {
    case "behind":
      return { do: "migrate", target: "next" };
    case "applied":
      return { do: "verify", target: "next" };
    case "verified":
      return { do: "switch" };
    case "diverged":
      return { do: "drop_next" };
    case "failed":
      // Kept to be looked into; the next push is compared with its ledger.
      return rest(look);
  }
}

function acquire(offer: Offer | null, target: Target): EnvironmentDecision {
  if (!offer) return { do: "ask_slot" };
  return offer.kind === "free" ? { do: "intend", target } : { do: "queue", offer, lookMs: WAITING_LOOK_MS };
}

function rest(lookMs: number | null): EnvironmentDecision {
  return { do: "rest", lookMs };
}
