import { setTimeout as sleep } from "node:timers/promises";
import type { Changes, Outcome } from "./changes.ts";
import type { Failures } from "./failures.ts";
import type { Records, ResourceRecord, StackRecord } from "./records.ts";
import { ResourceError, type ResourceTypes } from "./resource-type.ts";
import { type Ask, nextStep, type Step } from "./steps.ts";

export interface RunnerOptions {
  records: Records;
  changes: Changes;
  types: ResourceTypes;
  failures: Failures;
  /** The pause before each step, so that somebody can see what is in progress. */
  stepMs: number;
}

/** How soon a resource that is not there yet, or a service that did not answer, is asked again. */
const AGAIN_MS = 50;

/**
 * Moves stacks on, each by itself and one step at a time. A step that was cut off is repeated by the next process. What has no
 * answer is asked again without an end, because giving up could leave a cluster that no stack knows.
 */
export function makeRunner(options: RunnerOptions) {
  const { records, stepMs } = options;
  const running = new Map<string, Promise<void>>();
  const closing = new AbortController();
  const run = async (stackId: string): Promise<void> => {
    for (;;) {
      await pause(stepMs, closing.signal);
      const stack = records.stacks.get(stackId);
      const step = stack && nextStep(stack);
      if (closing.signal.aborted || !stack || !step) return;
      // A bug must not end the process: the next start would meet it again, and so would every other stack.
      const moved = await takeStep(stack, step, options).catch((error: unknown) => {
        console.error(`${stack.stackName}: a step is tried again:`, error);
        return false;
      });
      if (!moved) await pause(AGAIN_MS, closing.signal);
    }
  };
  const start = (stackId: string): void => {
    if (running.has(stackId) || closing.signal.aborted) return;
    const ended = run(stackId).finally(() => {
      running.delete(stackId);
      // A change may have come after the last look.
      const stack = records.stacks.get(stackId);
      if (stack && nextStep(stack)) start(stackId);
    });
    running.set(stackId, ended);
  };
  return {
    /** Call it after every change of a stack; idempotent. */
    start,
    /** Goes on with what the last process left. */
    resume(): void {
      for (const stackId of records.stacks.keys()) start(stackId);
    },
    async close(): Promise<void> {
      closing.abort();
      await Promise.all(running.values());
    },
  };
}

/** Out: whether anything changed. */
async function takeStep(stack: StackRecord, step: Step, options: RunnerOptions): Promise<boolean> {
  const { records, changes } = options;
  if (step.do !== "ask") {
    changes.take(stack, step);
    return true;
  }
  const find = (source?: StackRecord) =>
    source?.resources.find(({ logicalId }) => logicalId === step.logicalId);
  const resource = find(stack);
  const outcome = resource && (await ask(stack, resource, step.action, options));
  // Meanwhile somebody may have deleted the stack: what was learned goes into what it is now.
  const now = records.stacks.get(stack.stackId);
  const found = find(now);
  if (!outcome || !now || !found) return false;
  changes.learn(now, found, outcome);
  return true;
}

/** Out: nothing while there is nothing new. */
async function ask(
  stack: StackRecord,
  resource: ResourceRecord,
  action: Ask,
  { types, failures }: RunnerOptions,
): Promise<Outcome | undefined> {
  const type = types[resource.type];
  if (!type) throw new Error(`No resource type ${resource.type}`);
  const { logicalId, properties, token, physicalId = "" } = resource;
  const making = { stackName: stack.stackName, logicalId, properties, token };
  try {
    const failure = failures.take(action, resource.type);
    if (failure !== undefined) return { is: "failed", reason: failure };
    if (action === "create") return { is: "created", physicalId: await type.create(making) };
    if (action === "update") {
      const updated = await type.update(physicalId, making);
      const condition = await type.observe(updated, making);
      if (!condition.present) return { is: "failed", reason: `${updated} does not exist` };
      return { is: "complete", physicalId: updated, attributes: condition.attributes };
    }
    if (action === "remove") return (await type.remove(physicalId)) ? { is: "gone" } : undefined;
    const condition = await type.observe(physicalId, making);
    if (!condition.present) return { is: "failed", reason: `${physicalId} does not exist` };
    return condition.stable ? { is: "complete", attributes: condition.attributes } : undefined;
  } catch (error) {
    if (error instanceof ResourceError) return { is: "failed", reason: error.message };
    console.error(`${stack.stackName}: ${action} ${logicalId} is tried again:`, error);
    return undefined;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal }).catch(() => {});
}
