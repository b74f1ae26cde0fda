import type {
  ChangeAnswer,
  Cluster,
  CreateAnswer,
  Observation,
  RemoveAnswer,
  UpdateAnswer,
} from "../domain/cluster.ts";
import {
  isLeavingStack,
  needsCluster,
  observationOfStack,
  type StackSeen,
  stackToken,
} from "../domain/stack.ts";
import type { Context } from "./context.ts";
import type { ClusterTags } from "./ports.ts";

/** How one cluster comes and goes: by itself, or as part of its stack. As in ports.ts, every answer is a value. */
export interface ClusterLife {
  /** Repeatable under the row's token. */
  create(tags: ClusterTags): Promise<CreateAnswer>;
  observe(): Promise<Observation>;
  /** Searches for what a create whose answer was lost may have made. */
  find(): Promise<Observation>;
  remove(): Promise<RemoveAnswer>;
  /** Switches its protection from deletion, and its stack's. */
  protect(on: boolean): Promise<ChangeAnswer>;
  /** Brings its stack to today's template. */
  update(tags: ClusterTags): Promise<UpdateAnswer>;
}

type Ports = Pick<Context, "control" | "stacks">;

export function lifeOf(ports: Ports, cluster: Cluster): ClusterLife {
  return cluster.stack === null
    ? ownLife(ports, cluster)
    : stackLife(ports, { ...cluster, stack: cluster.stack });
}

function ownLife({ control }: Ports, cluster: Cluster): ClusterLife {
  const { clientToken, protected: deletionProtected } = cluster;
  return {
    create: (tags) => control.create({ clientToken, tags, deletionProtected }),
    observe: () => control.observe(identifierOf(cluster)),
    find: () => control.find(cluster.id),
    remove: () => control.remove(identifierOf(cluster)),
    protect: (on) => control.protect(identifierOf(cluster), on),
    update: async () => ({ kind: "unchanged" }),
  };
}

type StackCluster = Cluster & { readonly stack: string };

/** Where there is no stack of ours (any more), what is left is a cluster like any other. */
function stackLife(ports: Ports, cluster: StackCluster): ClusterLife {
  const { control, stacks } = ports;
  const describe = () => stacks.describe(cluster.stack, cluster.id);
  const ownerOf = (tags: ClusterTags) => ({ tags, deletionProtected: cluster.protected });
  const look = async () => lookAt(ports, cluster, await describe());
  return {
    observe: look,
    find: look,
    async create(tags) {
      if (!cluster.attemptedAt) throw new Error(`The attempt to create ${cluster.id} was not written down.`);
      const token = stackToken(cluster.clientToken, cluster.attemptedAt);
      const answer = await stacks.create({ name: cluster.stack, token, owner: ownerOf(tags) });
      if (answer.kind === "made") return { kind: "forming" };
      return answer.kind === "exists" ? adoptable(ports, cluster, await describe()) : answer;
    },
    async remove() {
      const stack = await describe();
      return stack.kind === "stack" ? removeStack(ports, cluster, stack) : removeRest(ports, cluster, stack);
    },
    async protect(on) {
      const stack = await describe();
      if (stack.kind === "unknown") return stack;
      const identifier = identifierIn(cluster, stack);
      const changed = identifier ? await control.protect(identifier, on) : ({ kind: "done" } as const);
      return stack.kind === "stack" && changed.kind === "done" ? stacks.guard(stack.id, on) : changed;
    },
    async update(tags) {
      const stack = await describe();
      if (stack.kind === "unknown") return stack;
      return stack.kind === "stack" ? stacks.update(stack.id, ownerOf(tags)) : { kind: "unchanged" };
    },
  };
}

type Stack = Extract<StackSeen, { kind: "stack" }>;

async function lookAt(ports: Ports, cluster: Cluster, stack: StackSeen): Promise<Observation> {
  if (stack.kind === "unknown") return stack;
  const identifier = identifierIn(cluster, stack);
  if (stack.kind === "absent") {
    return identifier ? ports.control.observe(identifier) : ports.control.find(cluster.id);
  }
  const beneath = identifier && needsCluster(stack) ? await ports.control.observe(identifier) : null;
  const seen = observationOfStack(stack, beneath);
  const isOther = stack.identifier !== null && stack.identifier !== identifier;
  if (!isOther || seen.kind !== "usable" || !seen.inStack) return seen;
  // A person must look; meanwhile nothing is changed in a stack that is not this cluster's any more.
  const cause = `The stack's cluster is ${stack.identifier}, not this one.`;
  return { ...seen, inStack: { ...seen.inStack, failure: { cause, at: new Date(0), stuck: true } } };
}

/** What has the name already is ours, from a create whose answer was lost, or it is left alone. */
async function adoptable(ports: Ports, cluster: StackCluster, stack: StackSeen): Promise<CreateAnswer> {
  const seen = stack.kind === "absent" ? stack : await lookAt(ports, cluster, stack);
  if (seen.kind !== "absent") return seen;
  const cause = `A stack that is not Offshoot's has the name ${cluster.stack}. Remove it, or choose another prefix.`;
  return { kind: "refused", cause };
}

/**
 * Deletion protection is looked at first: CloudFormation would remove the roles, fail at the cluster, and leave a
 * customer with half a stack.
 */
async function removeStack(
  { control, stacks }: Ports,
  cluster: Cluster,
  stack: Stack,
): Promise<RemoveAnswer> {
  if (isLeavingStack(stack)) return { kind: "removing" };
  if (stack.terminationProtected) return { kind: "protected" };
  const identifier = identifierIn(cluster, stack);
  const beneath = identifier ? await control.observe(identifier) : null;
  if (beneath?.kind === "unknown") return beneath;
  const isProtected = beneath !== null && "deletionProtected" in beneath && beneath.deletionProtected;
  return isProtected ? { kind: "protected" } : stacks.remove(stack.id);
}

async function removeRest(
  { control }: Ports,
  cluster: Cluster,
  stack: Exclude<StackSeen, Stack>,
): Promise<RemoveAnswer> {
  if (stack.kind === "unknown") return stack;
  if (cluster.identifier) return control.remove(cluster.identifier);
  const found = await control.find(cluster.id);
  if (found.kind === "unknown" || found.kind === "absent") return found;
  return "identifier" in found ? control.remove(found.identifier) : { kind: "busy" };
}

/**
 * While it is being made the stack knows best. Later the row does: a stack that somebody changed may hold another cluster,
 * which is the wrong one.
 */
function identifierIn({ status, identifier }: Cluster, stack: StackSeen): string | null {
  const shown = stack.kind === "stack" ? stack.identifier : null;
  const isMade = status === "available" || status === "removing";
  return isMade ? (identifier ?? shown) : (shown ?? identifier);
}

/** AWS' id of a cluster that must have one by now. */
export function identifierOf({ id, status, identifier }: Cluster): string {
  if (!identifier) throw new Error(`Cluster ${id} is ${status} without an identifier.`);
  return identifier;
}
