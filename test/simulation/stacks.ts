import { CLUSTER_TAG } from "../../service/domain/names.ts";
import type { StackSeen } from "../../service/domain/stack.ts";
import type { StackControl } from "../../service/handlers/ports-stack.ts";
import type { Actor } from "./actor.ts";
import type { Aws, AwsCluster } from "./aws.ts";
import { beginCall, lostAnswer } from "./control.ts";
import { Broken, type Stage } from "./stage.ts";

type Seen = Extract<StackSeen, { kind: "stack" }>;
type Request = Parameters<StackControl["create"]>[0];

interface AwsStack {
  readonly id: string;
  readonly request: Request;
  status: string;
  identifier: string | null;
  failure: Seen["failure"];
  tries: number;
  guarded: boolean;
}

/** What CloudFormation holds for one account and Region; its clusters are those of `aws`. */
export interface Stacks {
  /** By name. */
  readonly stacks: ReadonlyMap<string, AwsStack>;
  create(request: Request): void;
  remove(stack: AwsStack): void;
  /** Lets every stack go as far as its cluster has come. */
  advance(): void;
}

export function createStacks(stage: Stage, aws: Aws): Stacks {
  const stacks = new Map<string, AwsStack>();
  const fail = (stack: AwsStack, status: string, cause: string, quota = false) =>
    void Object.assign(stack, {
      status,
      failure: {
        cause,
        at: stage.now(),
        quota,
        tries: status === "DELETE_FAILED" ? ++stack.tries : stack.tries,
      },
    });
  const advance = (name: string, stack: AwsStack): void => {
    const cluster = aws.clusters.get(stack.identifier ?? "");
    if (stack.status === "CREATE_IN_PROGRESS") form(stack, cluster);
    else if (stack.status === "ROLLBACK_IN_PROGRESS") {
      empty(stack, cluster, "ROLLBACK_FAILED", () => {
        stack.status = "ROLLBACK_COMPLETE";
      });
    } else if (stack.status === "DELETE_IN_PROGRESS") {
      // Somebody uses the roles, or CloudFormation has a bad day.
      if (stage.fault(0.05)) fail(stack, "DELETE_FAILED", "a role is in use");
      else empty(stack, cluster, "DELETE_FAILED", () => void stacks.delete(name));
    }
  };
  const form = (stack: AwsStack, cluster: AwsCluster | undefined) => {
    if (stack.identifier === null) {
      const { tags, deletionProtected } = stack.request.owner;
      const made = aws.create({ clientToken: stack.id, tags, deletionProtected });
      if (typeof made === "string") return fail(stack, "ROLLBACK_IN_PROGRESS", made, made === "quota");
      stack.identifier = made.identifier;
    } else if (cluster?.status === "ACTIVE") {
      if (stage.fault(0.1)) return fail(stack, "ROLLBACK_IN_PROGRESS", "a role could not be made");
      stack.status = "CREATE_COMPLETE";
    } else if (cluster?.status !== "CREATING") fail(stack, "ROLLBACK_IN_PROGRESS", "the cluster failed");
  };
  const empty = (stack: AwsStack, cluster: AwsCluster | undefined, failed: string, ended: () => void) => {
    if (!cluster) return ended();
    if (cluster.status === "CREATING") return;
    if (cluster.protected && cluster.status !== "DELETING")
      return fail(stack, failed, "the cluster is protected");
    aws.remove(cluster);
  };
  return {
    stacks,
    create(request) {
      const id = `${request.name}/${request.token}`;
      const { deletionProtected: guarded } = request.owner;
      const begun = { status: "CREATE_IN_PROGRESS", identifier: null, failure: null, tries: 0 };
      stacks.set(request.name, { id, request, ...begun, guarded });
    },
    remove: (stack) => void Object.assign(stack, { status: "DELETE_IN_PROGRESS", failure: null }),
    advance() {
      for (const [name, stack] of stacks) advance(name, stack);
    },
  };
}

/** StackControl as one worker reaches it: throttled, timed out, and with answers lost after the effect. */
export function createSimulatedStacks(
  { aws, stacks }: { aws: Aws; stacks: Stacks },
  actor: Actor,
): StackControl {
  const { stage } = actor;
  const before = async (what: string) => {
    const fault = await beginCall(aws, actor, `stack ${what}`);
    stacks.advance();
    return fault;
  };
  const byId = (id: string) => [...stacks.stacks.values()].find((stack) => stack.id === id);
  return {
    async create(request) {
      const fault = await before(`create ${request.name}`);
      if (fault) return fault;
      const present = stacks.stacks.get(request.name);
      if (present && present.request.token !== request.token)
        return { kind: "exists", cause: "AlreadyExists" };
      if (!present && stage.fault(0.02)) return { kind: "refused", cause: "AccessDenied" };
      if (!present) stacks.create(request);
      return lostAnswer(stage) ?? { kind: "made" };
    },
    async describe(name, clusterId) {
      const fault = (await before(`describe ${name}`)) ?? lostAnswer(stage);
      if (fault) return fault;
      const stack = stacks.stacks.get(name);
      if (!stack || stack.request.owner.tags[CLUSTER_TAG] !== clusterId) return { kind: "absent" };
      const { id, status, identifier, failure, guarded: terminationProtected } = stack;
      const plain = { kind: "stack", roles: null, outdated: false } as const;
      return { ...plain, id, status, identifier, failure, terminationProtected };
    },
    async update(id) {
      throw stage.fail(new Broken("stack", `${id} is updated, though its template is today's`));
    },
    async remove(id) {
      const fault = await before(`remove ${id}`);
      if (fault) return fault;
      const stack = byId(id);
      if (!stack) return { kind: "absent" };
      if (stack.guarded) return { kind: "protected" };
      if (stack.status === "ROLLBACK_IN_PROGRESS") return { kind: "busy" };
      stacks.remove(stack);
      return lostAnswer(stage) ?? { kind: "removing" };
    },
    async others(prefix, known) {
      const fault = (await before("list")) ?? lostAnswer(stage);
      if (fault) return null;
      return [...stacks.stacks].flatMap(([name, { status, request }]) =>
        name.startsWith(prefix) && !known.has(name) ? [{ name, status, tags: request.owner.tags }] : [],
      );
    },
    async guard(id, on) {
      const fault = await before(`guard ${id} ${on}`);
      if (fault) return fault;
      const stack = byId(id);
      if (stack) stack.guarded = on;
      return lostAnswer(stage) ?? { kind: "done" };
    },
  };
}
