import type { GracePolicy } from "../../service/domain/grace.ts";
import { CLUSTER_TAG } from "../../service/domain/names.ts";
import type { AwsCluster } from "./aws.ts";
import type { ClusterSeen, EnvironmentSeen, Snapshot } from "./snapshot.ts";
import { Broken } from "./stage.ts";
import type { World } from "./world.ts";

/** Whoever waits for a slot may have a preview that was fenced for so long. */
const YIELDS_AFTER_MS = 60 * 60_000;
/** Ends after which nothing of a preview is kept. */
const FINAL = ["command_destroy", "api_destroy", "fork", "bot", "opened_before_installation"];

/** Watches from moment to moment that no data is removed before its time, and that what is closed is closed. */
export interface Keeper {
  /** Throws Broken. */
  check(seen: Snapshot): void;
}

export function createKeeper(world: World, grace: GracePolicy): Keeper {
  let before: Snapshot | null = null;
  return {
    check(seen) {
      if (seen === before) return;
      const environments = new Map(seen.environment.map((row) => [row.id, row]));
      const formerly = new Map(before?.cluster.map((row) => [row.id, row]));
      const former = new Map(before?.environment.map((row) => [row.id, row]));
      for (const row of seen.cluster) {
        const environment = environments.get(row.environment_id);
        if (!environment) throw new Broken("orphan", `${row.id} belongs to nobody`);
        checkFence(clusterAtAws(world, row), row);
        checkLinked(row, environment);
        const earlier = formerly.get(row.id);
        if (!earlier || !isLetGo(earlier, row)) continue;
        const linked = former.get(row.environment_id) ?? environment;
        checkLetGo(world, grace, seen, earlier, environment, linked);
      }
      before = seen;
    },
  };
}

function clusterAtAws({ aws }: World, { identifier }: ClusterSeen): AwsCluster | null {
  const cluster = aws.clusters.get(identifier ?? "");
  return cluster?.status === "ACTIVE" ? cluster : null;
}

/** What the store says of the fence is true at AWS. */
function checkFence(cluster: AwsCluster | null, row: ClusterSeen): void {
  if (!cluster || row.status !== "available") return;
  const what = `${row.id} (${row.use}, fenced ${row.fenced_at})`;
  if (row.use === "retired" && row.fenced_at !== null && !cluster.fenced) {
    throw new Broken("open", `${what} lets people in at AWS`);
  }
  if (row.use === "serve" && row.fenced_at === null && cluster.fenced) {
    throw new Broken("shut", `${what} lets nobody in at AWS`);
  }
}

/** Retired data belongs to its environment until it is let go of. */
function checkLinked({ id, use, status }: ClusterSeen, environment: EnvironmentSeen): void {
  if (use !== "retired" || status !== "available" || environment.serving_id === id) return;
  throw new Broken("orphan", `${id} is retired, but ${environment.id} does not know it`);
}

/** From holding data that somebody could use to being removed by us. */
function isLetGo(earlier: ClusterSeen, row: ClusterSeen): boolean {
  const held = earlier.status === "available" && (earlier.use === "serve" || earlier.use === "retired");
  return held && earlier.verified_generation > 0 && row.use === "remove";
}

function checkLetGo(
  { stage, aws }: World,
  { previewMs, tenantMs }: GracePolicy,
  seen: Snapshot,
  row: ClusterSeen,
  environment: EnvironmentSeen,
  linked: EnvironmentSeen,
): void {
  // Somebody deleted it by hand.
  if (aws.clusters.get(row.identifier ?? "")?.status !== "ACTIVE") return;
  const now = stage.now().getTime();
  const isTenant = environment.kind === "tenant";
  const graceMs = isTenant ? tenantMs : previewMs;
  const absent = environment.wanted === "absent";
  if (absent && now >= Date.parse(environment.wanted_at) + graceMs) return;
  const what = `${row.id} (${row.use}) of ${environment.owner_key}, ${environment.wanted} ${environment.wanted_reason}`;
  if (isTenant) throw new Broken("rash", `${what}, is removed before its time`);
  if (linked.serving_id !== row.id || FINAL.includes(environment.wanted_reason)) return;
  const destroyed = seen.command.some(
    ({ pull_key, verb, outcome }) =>
      pull_key === environment.pull_key && verb === "destroy" && outcome === "accepted",
  );
  if (destroyed) return;
  // While it is wanted it may be rebuilt, beside its data or, if it never was ready, instead of it.
  if (!absent && row.use === "serve") return;
  const yields = row.use === "retired" && now >= Date.parse(row.fenced_at ?? "") + YIELDS_AFTER_MS;
  if (!absent || !yields) throw new Broken("rash", `${what}, is removed before its time`);
}

export function tagOf(cluster: AwsCluster): string {
  return cluster.tags[CLUSTER_TAG] ?? "";
}
