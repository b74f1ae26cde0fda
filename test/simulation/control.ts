import type { CreateAnswer, Observation, Unknown } from "../../service/domain/cluster.ts";
import { isFence } from "../../service/domain/fence.ts";
import { CLUSTER_TAG } from "../../service/domain/names.ts";
import type { ClusterControl } from "../../service/handlers/ports.ts";
import type { Actor } from "./actor.ts";
import { type Aws, type AwsCluster, type CreateRequest, refuseForeign, seenOf } from "./aws.ts";
import type { Stage } from "./stage.ts";

/** An SDK call is given up after 30 s; what was sent may still arrive until then. */
const LATE_MS = 30_000;

const KINDS = { CREATING: "creating", ACTIVE: "usable", FAILED: "failed", DELETING: "deleting" } as const;

/** Takes the turn; the fault that comes before any effect, or null. */
export async function beginCall(
  aws: Aws,
  { name, stage, turn: ordinary }: Actor,
  what: string,
  turn = ordinary,
): Promise<Unknown | null> {
  await turn();
  aws.advance();
  stage.say(`${name} aws ${what}`);
  if (stage.fault(0.02)) return { kind: "unknown", cause: "throttled", retryAfterMs: 2_000 };
  return stage.fault(0.03) ? { kind: "unknown", cause: "no answer" } : null;
}

export function lostAnswer(stage: Stage): Unknown | null {
  return stage.fault(0.04) ? { kind: "unknown", cause: "the answer was lost" } : null;
}

/** ClusterControl as one worker reaches it: throttled, timed out, and with answers lost after the effect. */
export function createSimulatedControl(aws: Aws, actor: Actor): ClusterControl {
  const { stage } = actor;
  const before = (what: string, turn = actor.turn) => beginCall(aws, actor, what, turn);
  const lost = () => lostAnswer(stage);
  return {
    async create(request) {
      return (await before(`create ${request.tags[CLUSTER_TAG]}`)) ?? create(aws, actor, request);
    },
    async observe(identifier) {
      const fault = await before(`observe ${identifier}`);
      return fault ?? lost() ?? observation(visible(aws, actor, identifier));
    },
    async find(clusterId) {
      const fault = (await before(`find ${clusterId}`)) ?? lost();
      if (fault) return fault;
      const found = [...aws.clusters.values()].find((cluster) => cluster.tags[CLUSTER_TAG] === clusterId);
      return observation(found && visible(aws, actor, found.identifier));
    },
    async remove(identifier) {
      const fault = await before(`remove ${identifier}`);
      if (fault) return fault;
      const cluster = visible(aws, actor, identifier);
      if (!cluster) return { kind: "absent" };
      refuseForeign(stage, cluster, "removal");
      if (cluster.status === "CREATING") return { kind: "busy" };
      if (cluster.protected) return { kind: "protected" };
      aws.remove(cluster);
      return lost() ?? { kind: "removing" };
    },
    async protect(identifier, on) {
      const fault = await before(`protect ${identifier} ${on}`);
      if (fault) return fault;
      const cluster = aws.clusters.get(identifier);
      if (!cluster) return { kind: "unknown", cause: "not found" };
      refuseForeign(stage, cluster, "change");
      cluster.protected = on;
      return lost() ?? { kind: "done" };
    },
    async readPolicy(identifier) {
      const fault = (await before(`read policy ${identifier}`)) ?? lost();
      if (fault) return fault;
      const cluster = visible(aws, actor, identifier);
      if (!cluster) return { kind: "unknown", cause: "not found" };
      return { kind: "seen", text: cluster.policy?.text ?? null, version: cluster.policy?.version ?? null };
    },
    async putPolicy(identifier, text, version) {
      // Sent under a lease that was extended just before. One whose process stands still for longer than that between
      // the two is not played: without a policy there is no version that could tell its call from a timely one.
      const fault = await before(`put policy ${identifier} ${isFence(text)}`, actor.lockedTurn);
      if (fault) return fault;
      const cluster = visible(aws, actor, identifier);
      if (!cluster) return { kind: "unknown", cause: "not found" };
      refuseForeign(stage, cluster, "policy");
      if (version !== null && version !== cluster.policy?.version)
        return { kind: "unknown", cause: "conflict" };
      aws.setPolicy(cluster, text);
      return lost() ?? { kind: "done" };
    },
    async inventory() {
      if ((await before("inventory")) || lost()) return null;
      return [...aws.clusters.values()].map(({ identifier, tags }) => ({ identifier, tags }));
    },
    async identifiers() {
      return (await before("list")) || lost() ? null : [...aws.clusters.keys()];
    },
  };
}

function create(aws: Aws, actor: Actor, request: CreateRequest): CreateAnswer {
  const { stage } = actor;
  if (stage.fault(0.01)) return { kind: "conflict", cause: "another request with this token is under way" };
  if (stage.fault(0.01)) return { kind: "refused", cause: "AccessDenied" };
  if (stage.fault(0.03)) {
    aws.createLater(request, stage.now().getTime() + stage.random.between(1, LATE_MS));
    return { kind: "unknown", cause: "no answer within 30 s" };
  }
  const made = aws.create(request);
  if (typeof made === "string") return { kind: made, cause: made };
  if (stage.fault(0.06)) return { kind: "unknown", cause: "the answer was lost" };
  return { kind: KINDS[made.status], ...seenOf(made) };
}

function observation(cluster: AwsCluster | undefined): Observation {
  return cluster ? { kind: KINDS[cluster.status], ...seenOf(cluster) } : { kind: "absent" };
}

/** A new cluster is not shown everywhere at once. */
function visible(aws: Aws, { stage }: Actor, identifier: string): AwsCluster | undefined {
  const cluster = aws.clusters.get(identifier);
  return cluster && cluster.visibleAt <= stage.now().getTime() ? cluster : undefined;
}
