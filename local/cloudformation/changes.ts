import { randomUUID } from "node:crypto";
import type { Change, EventRecord, Records, ResourceRecord, StackRecord } from "./records.ts";
import { isGone, outputsOf, resolve, type Step, turnAfterFailure } from "./steps.ts";

/** What a resource's service answered. */
export type Outcome =
  | { is: "created"; physicalId: string }
  | { is: "complete"; attributes: Record<string, string>; physicalId?: string }
  | { is: "gone" }
  | { is: "failed"; reason: string };

const STACK_TYPE = "AWS::CloudFormation::Stack";

/** Writes what happens to a stack, each time with its event. */
export function makeChanges(records: Pick<Records, "eventsOf" | "save">) {
  const save = (stack: StackRecord, events: NewEvent[], token?: Change["token"]): void => {
    let sequence = records.eventsOf(stack.stackId).at(-1)?.sequence ?? 0;
    const dated = events.map((event) => ({ ...event, sequence: ++sequence }));
    records.save({ stack, events: dated, ...(token ? { token } : {}) });
  };
  const put = (stack: StackRecord, resource: ResourceRecord): void =>
    save(withResource(stack, resource), [resourceEvent(stack, resource)]);
  const turn = (stack: StackRecord, status: string, reason?: string): void => {
    const turned = turnStack(stack, status, reason);
    save(turned, [stackEvent(turned)]);
  };
  const fail = (stack: StackRecord, failure: ResourceRecord, status: string): void => {
    const broken = withResource(stack, failure);
    const turned = turnStack(broken, status, reasonOf(broken, failure));
    save(turned, [resourceEvent(stack, failure), stackEvent(turned)]);
  };
  return {
    /** Puts the start of an operation on file, with the token that asked for it. */
    open: (stack: StackRecord, token?: Change["token"]): void => save(stack, [stackEvent(stack)], token),
    /** A change that is no event. */
    note: (stack: StackRecord): void => save(stack, []),

    /** A step that asks nobody. */
    take(stack: StackRecord, step: Exclude<Step, { do: "ask" }>): void {
      if (step.do === "turn") turn(stack, step.status, step.reason);
      else if (step.do === "begin") put(stack, beginResource(stack, step));
      else put(stack, changed(resourceOf(stack, step.logicalId), step.status));
    },

    /** In: the stack as it is now, which may have changed its course while the service was asked. */
    learn(stack: StackRecord, found: ResourceRecord, outcome: Outcome): void {
      const next = turnAfterFailure(stack);
      if (outcome.is !== "failed") put(stack, learned(found, outcome));
      else if (next) fail(stack, failed(found, outcome.reason), next.status);
      else put(...afterFailedCleanup(stack, failed(found, outcome.reason)));
    },
  };
}

export type Changes = ReturnType<typeof makeChanges>;

type NewEvent = Omit<EventRecord, "sequence">;

/** What fails while a stack cleans up. A failed creation leaves nothing to remove; a failed removal is left, if that was asked for. */
function afterFailedCleanup(
  stack: StackRecord,
  failure: ResourceRecord,
): [stack: StackRecord, resource: ResourceRecord] {
  const { operation } = stack;
  if (failure.status !== "DELETE_FAILED") return [stack, failure];
  if (operation.force) return [stack, { ...failure, status: "DELETE_SKIPPED" }];
  const unremoved = [...operation.failed, failure.logicalId];
  return [{ ...stack, operation: { ...operation, failed: unremoved } }, failure];
}

function turnStack(stack: StackRecord, status: string, reason?: string): StackRecord {
  const { reason: _before, ...rest } = stack;
  const { previous, ...operation } = stack.operation;
  return {
    ...rest,
    ...(reason === undefined ? {} : { reason }),
    status,
    ...(status === "UPDATE_ROLLBACK_IN_PROGRESS" && previous ? { wanted: previous, operation } : {}),
    ...(status === "DELETE_COMPLETE" ? { deletedAt: Date.now() } : {}),
    // Outputs are those of the last time that everything was there.
    ...(OUTPUTS_CHANGE.includes(status) ? { outputs: outputsOf(stack) } : {}),
  };
}

const OUTPUTS_CHANGE = [
  ...["CREATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"],
  "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
];

function reasonOf(
  { operation, status }: StackRecord,
  { logicalId, status: failure }: ResourceRecord,
): string {
  const verb = failure.startsWith("UPDATE") ? "update" : "create";
  const rollsBack = status === "CREATE_IN_PROGRESS" && operation.onFailure === "ROLLBACK";
  const then = rollsBack ? "Rollback requested by user." : "";
  return `The following resource(s) failed to ${verb}: [${logicalId}]. ${then}`;
}

function beginResource(stack: StackRecord, { plan, status }: Extract<Step, { do: "begin" }>): ResourceRecord {
  const { logicalId, type, deletionPolicy, metadata } = plan;
  const found = stack.resources.find((one) => one.logicalId === logicalId);
  const kept = found && !isGone(found) && status === "UPDATE_IN_PROGRESS" ? found : undefined;
  const { metadata: _before, ...rest } = kept ?? { logicalId, type, token: randomUUID(), attributes: {} };
  return {
    ...rest,
    ...(metadata === undefined ? {} : { metadata }),
    ...{ status, deletionPolicy, properties: resolve(stack, plan), changedAt: Date.now() },
  };
}

function resourceOf({ resources, stackName }: StackRecord, logicalId: string): ResourceRecord {
  const found = resources.find((one) => one.logicalId === logicalId);
  if (!found) throw new Error(`The stack ${stackName} has no resource ${logicalId}`);
  return found;
}

function changed(found: ResourceRecord, status: string, reason?: string): ResourceRecord {
  const { reason: _before, ...rest } = found;
  return { ...rest, status, ...(reason === undefined ? {} : { reason }), changedAt: Date.now() };
}

function failed(found: ResourceRecord, reason: string): ResourceRecord {
  return changed(found, found.status.replace("IN_PROGRESS", "FAILED"), reason);
}

function learned(found: ResourceRecord, outcome: Exclude<Outcome, { is: "failed" }>): ResourceRecord {
  if (outcome.is === "gone") return changed(found, "DELETE_COMPLETE");
  if (outcome.is === "complete") {
    const { attributes, physicalId = found.physicalId } = outcome;
    const complete = changed(found, found.status.replace("IN_PROGRESS", "COMPLETE"));
    return { ...complete, attributes, ...(physicalId === undefined ? {} : { physicalId }) };
  }
  const { physicalId } = outcome;
  return { ...changed(found, "CREATE_IN_PROGRESS", "Resource creation Initiated"), physicalId };
}

/** In the order of their creation, in whose reverse they are removed. */
function withResource(stack: StackRecord, resource: ResourceRecord): StackRecord {
  const { resources } = stack;
  const isNew = resource.status === "CREATE_IN_PROGRESS" && resource.physicalId === undefined;
  if (!isNew) {
    const one = (known: ResourceRecord) => (known.logicalId === resource.logicalId ? resource : known);
    return { ...stack, resources: resources.map(one) };
  }
  const others = resources.filter(({ logicalId }) => logicalId !== resource.logicalId);
  return { ...stack, resources: [...others, resource] };
}

function stackEvent({ stackId, stackName, status, reason, operation }: StackRecord): NewEvent {
  return {
    ...{ eventId: randomUUID(), stackId, stackName, logicalId: stackName, physicalId: stackId },
    ...{ type: STACK_TYPE, at: Date.now(), status },
    ...(reason === undefined ? {} : { reason }),
    ...(operation.token === undefined ? {} : { token: operation.token }),
  };
}

function resourceEvent({ stackId, stackName, operation }: StackRecord, resource: ResourceRecord): NewEvent {
  const { logicalId, physicalId, type, status, reason, properties, changedAt } = resource;
  return {
    ...{ eventId: `${logicalId}-${status}-${randomUUID()}`, stackId, stackName, logicalId, type, status },
    ...{ at: changedAt, properties },
    ...(physicalId === undefined ? {} : { physicalId }),
    ...(reason === undefined ? {} : { reason }),
    ...(operation.token === undefined ? {} : { token: operation.token }),
  };
}
