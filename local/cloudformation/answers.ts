import type { Tree } from "../dsql/xml.ts";
import type { EventRecord, ResourceRecord, StackRecord } from "./records.ts";

/** What a value of a parameter with NoEcho looks like. */
const HIDDEN = "****";

/** The API's shapes (version 2010-05-15) of what is on file. */
export function stackTree(stack: StackRecord): Tree {
  const { wanted, operation } = stack;
  return {
    ...summaryOf(stack),
    ...(wanted.plan.description === undefined ? {} : { Description: wanted.plan.description }),
    Parameters: wanted.parameters.map(({ key, value, hidden }) => ({
      ParameterKey: key,
      ParameterValue: hidden ? HIDDEN : value,
    })),
    Tags: pairs(wanted.tags),
    Capabilities: wanted.capabilities,
    NotificationARNs: [],
    Outputs: stack.outputs.map(({ key, value, description }) => ({
      OutputKey: key,
      OutputValue: value,
      ...(description === undefined ? {} : { Description: description }),
    })),
    ...(stack.roleArn === undefined ? {} : { RoleARN: stack.roleArn }),
    DisableRollback: String(operation.onFailure === "DO_NOTHING"),
    EnableTerminationProtection: String(stack.terminationProtected),
  };
}

export function summaryOf({
  stackId,
  stackName,
  status,
  reason,
  createdAt,
  updatedAt,
  deletedAt,
}: StackRecord): Tree {
  return {
    ...{ StackId: stackId, StackName: stackName, StackStatus: status, CreationTime: time(createdAt) },
    // "User Initiated" is told by the event alone.
    ...(reason === undefined || reason === "User Initiated" ? {} : { StackStatusReason: reason }),
    ...(updatedAt === undefined ? {} : { LastUpdatedTime: time(updatedAt) }),
    ...(deletedAt === undefined ? {} : { DeletionTime: time(deletedAt) }),
    DriftInformation: { StackDriftStatus: "NOT_CHECKED" },
  };
}

export function resourceTree({ stackId, stackName }: StackRecord, resource: ResourceRecord): Tree {
  const { logicalId, physicalId, type, status, reason, changedAt } = resource;
  return {
    ...{ StackId: stackId, StackName: stackName, LogicalResourceId: logicalId, ResourceType: type },
    ...(physicalId === undefined ? {} : { PhysicalResourceId: physicalId }),
    ...{ ResourceStatus: status, Timestamp: time(changedAt) },
    ...(reason === undefined ? {} : { ResourceStatusReason: reason }),
  };
}

export function eventTree(event: EventRecord): Tree {
  const { eventId, stackId, stackName, logicalId, physicalId, type, at, status, reason, token, properties } =
    event;
  return {
    ...{ EventId: eventId, StackId: stackId, StackName: stackName, LogicalResourceId: logicalId },
    ...{
      PhysicalResourceId: physicalId ?? "",
      ResourceType: type,
      Timestamp: time(at),
      ResourceStatus: status,
    },
    ...(reason === undefined ? {} : { ResourceStatusReason: reason }),
    ...(token === undefined ? {} : { ClientRequestToken: token }),
    ...(properties === undefined ? {} : { ResourceProperties: JSON.stringify(properties) }),
  };
}

function pairs(tags: Readonly<Record<string, string>>): Tree[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

function time(at: number): string {
  return new Date(at).toISOString();
}
