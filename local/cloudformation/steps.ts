import { canonical } from "../dsql/text.ts";
import { evaluate } from "./functions.ts";
import type { ResourcePlan, ResourceRecord, StackRecord } from "./records.ts";

/** What a stack in progress does: make its resources what is wanted, or remove those that are not. */
interface Course {
  phase: "apply" | "cleanup";
  done: string;
  failed(stack: StackRecord): string;
}

const AFTER_FAILED_CREATE = {
  ROLLBACK: "ROLLBACK_IN_PROGRESS",
  DO_NOTHING: "CREATE_FAILED",
  DELETE: "DELETE_IN_PROGRESS",
} as const;

/** Each status in progress, with what follows it. */
const COURSES: Readonly<Record<string, Course>> = {
  CREATE_IN_PROGRESS: {
    ...{ phase: "apply", done: "CREATE_COMPLETE" },
    failed: ({ operation }) => AFTER_FAILED_CREATE[operation.onFailure],
  },
  ROLLBACK_IN_PROGRESS: {
    ...{ phase: "cleanup", done: "ROLLBACK_COMPLETE", failed: () => "ROLLBACK_FAILED" },
  },
  UPDATE_IN_PROGRESS: {
    ...{ phase: "apply", done: "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" },
    failed: ({ operation }) =>
      operation.onFailure === "DO_NOTHING" ? "UPDATE_FAILED" : "UPDATE_ROLLBACK_IN_PROGRESS",
  },
  // What an update could not remove is told in an event; the update itself is complete.
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: {
    ...{ phase: "cleanup", done: "UPDATE_COMPLETE", failed: () => "UPDATE_COMPLETE" },
  },
  UPDATE_ROLLBACK_IN_PROGRESS: {
    ...{ phase: "apply", done: "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" },
    failed: () => "UPDATE_ROLLBACK_FAILED",
  },
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: {
    ...{ phase: "cleanup", done: "UPDATE_ROLLBACK_COMPLETE", failed: () => "UPDATE_ROLLBACK_COMPLETE" },
  },
  DELETE_IN_PROGRESS: {
    ...{ phase: "cleanup", done: "DELETE_COMPLETE", failed: () => "DELETE_FAILED" },
  },
};

/** What a resource's service is asked; `settle` is whether a creation is complete. */
export type Ask = "create" | "settle" | "update" | "remove";

/** One step of a stack; `ask` goes to the resource's service, everything else is only put on file. */
export type Step =
  | { do: "begin"; plan: ResourcePlan; status: "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" }
  | { do: "mark"; logicalId: string; status: "DELETE_IN_PROGRESS" | "DELETE_COMPLETE" | "DELETE_SKIPPED" }
  | { do: "ask"; logicalId: string; action: Ask }
  | { do: "turn"; status: string; reason?: string };

/** The next step of a stack; nothing when it rests. */
export function nextStep(stack: StackRecord): Step | undefined {
  const course = COURSES[stack.status];
  if (!course) return undefined;
  return course.phase === "apply" ? nextToApply(stack, course) : nextToClean(stack, course);
}

/** Where a stack turns when a resource could not be made or changed; nothing while it cleans up, which goes on. */
export function turnAfterFailure(stack: StackRecord): { status: string } | undefined {
  const course = COURSES[stack.status];
  return course?.phase === "apply" ? { status: course.failed(stack) } : undefined;
}

function nextToApply(stack: StackRecord, { done }: Course): Step {
  for (const plan of stack.wanted.plan.resources) {
    const found = stack.resources.find(({ logicalId }) => logicalId === plan.logicalId);
    if (!found || isGone(found) || found.physicalId === undefined) {
      if (found?.status === "CREATE_IN_PROGRESS") return ask(found, "create");
      return { do: "begin", plan, status: "CREATE_IN_PROGRESS" };
    }
    if (found.status === "CREATE_IN_PROGRESS") return ask(found, "settle");
    if (found.status === "UPDATE_IN_PROGRESS") return ask(found, "update");
    // Metadata counts like a property, though no service hears of it.
    const meaning = [resolve(stack, plan), plan.deletionPolicy, plan.metadata ?? {}];
    const changed =
      canonical([found.properties, found.deletionPolicy, found.metadata ?? {}]) !== canonical(meaning);
    if (changed || found.status === "UPDATE_FAILED")
      return { do: "begin", plan, status: "UPDATE_IN_PROGRESS" };
  }
  return { do: "turn", status: done };
}

function nextToClean(stack: StackRecord, { done, failed }: Course): Step {
  const { operation, resources, status } = stack;
  const stays = status.startsWith("UPDATE") ? stack.wanted.plan.resources.map((plan) => plan.logicalId) : [];
  for (const found of [...resources].reverse()) {
    const { logicalId, physicalId } = found;
    if (stays.includes(logicalId) || isGone(found) || operation.failed.includes(logicalId)) continue;
    // What is being created is waited for: deleting it half-made could leave it behind.
    if (found.status === "CREATE_IN_PROGRESS")
      return ask(found, physicalId === undefined ? "create" : "settle");
    if (found.status === "DELETE_IN_PROGRESS") return ask(found, "remove");
    if (physicalId === undefined) return { do: "mark", logicalId, status: "DELETE_COMPLETE" };
    if (isKept(stack, found)) return { do: "mark", logicalId, status: "DELETE_SKIPPED" };
    return { do: "mark", logicalId, status: "DELETE_IN_PROGRESS" };
  }
  if (operation.failed.length === 0) return { do: "turn", status: done };
  const reason = `The following resource(s) failed to delete: [${operation.failed.join(", ")}]. `;
  return { do: "turn", status: failed(stack), reason };
}

function ask({ logicalId }: ResourceRecord, action: Ask): Step {
  return { do: "ask", logicalId, action };
}

/** Left behind on purpose. A resource that is new in an operation that failed is kept by `Retain` only. */
function isKept({ operation, status }: StackRecord, { logicalId, deletionPolicy }: ResourceRecord): boolean {
  if (operation.retain.includes(logicalId)) return true;
  const rollsBack = status.includes("ROLLBACK");
  if (deletionPolicy === "Retain") return !(rollsBack && operation.retainExceptOnCreate);
  return deletionPolicy === "RetainExceptOnCreate" && !rollsBack;
}

export function isGone({ status }: ResourceRecord): boolean {
  return status === "DELETE_COMPLETE" || status === "DELETE_SKIPPED";
}

/** A resource's properties with the resources it refers to filled in, and the stack's tags among its own, which win. */
export function resolve(
  stack: StackRecord,
  { logicalId, properties }: ResourcePlan,
): Record<string, unknown> {
  const own = Array.isArray(properties["Tags"]) ? (fill(stack, properties["Tags"]) as { Key: string }[]) : [];
  const named = {
    ...stack.wanted.tags,
    "aws:cloudformation:stack-name": stack.stackName,
    "aws:cloudformation:stack-id": stack.stackId,
    "aws:cloudformation:logical-id": logicalId,
  };
  const inherited = Object.entries(named)
    .filter(([key]) => !own.some(({ Key }) => Key === key))
    .map(([Key, Value]) => ({ Key, Value }));
  return { ...(fill(stack, properties) as object), Tags: [...own, ...inherited] };
}

/** The outputs of a stack whose resources are there. */
export function outputsOf(stack: StackRecord): StackRecord["outputs"] {
  return stack.wanted.plan.outputs.map(({ value, ...rest }) => ({
    ...rest,
    value: String(fill(stack, value)),
  }));
}

function fill({ resources }: StackRecord, value: unknown): unknown {
  return evaluate(value, {
    parameter: () => undefined,
    condition: () => false,
    resource(logicalId, attribute) {
      const found = resources.find((one) => one.logicalId === logicalId);
      // An attribute that this one does not have, such as the key of a cluster under AWS' own, is empty.
      return attribute === undefined ? found?.physicalId : (found?.attributes[attribute] ?? "");
    },
  });
}
