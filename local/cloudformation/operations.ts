import { randomUUID } from "node:crypto";
import { NeighbourError } from "../dsql/neighbour.ts";
import { canonical, digestOf } from "../dsql/text.ts";
import type { Changes } from "./changes.ts";
import { invalid } from "./errors.ts";
import { readParameters } from "./parameters.ts";
import { makePlan } from "./plan.ts";
import type { Operation, Records, StackRecord, TokenRecord, Wanted } from "./records.ts";
import { type Input, items } from "./requests.ts";
import type { ResourceTypes } from "./resource-type.ts";
import { nextStep } from "./steps.ts";
import { parseTemplate } from "./template.ts";

export interface OperationsOptions {
  records: Records;
  changes: Changes;
  types: ResourceTypes;
  region: string;
  accountId: string;
  /** Called with a stack that has something to do. */
  started(stackId: string): void;
}

/** AWS' default quota of stacks in an account and Region. */
const MAX_STACKS = 2_000;

const UPDATABLE = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_FAILED"];

/** The operations that change stacks. Each answers with the stack's id as soon as it is on file. They throw NeighbourError. */
export function makeOperations(options: OperationsOptions) {
  const { records, changes, started } = options;
  const stackOf = (name: string): StackRecord => {
    const stack = findStack(records, name);
    if (!stack || stack.status === "DELETE_COMPLETE") throw invalid(`Stack [${name}] does not exist`);
    return stack;
  };
  const create = (input: Input<"CreateStack">): StackRecord => {
    const { StackName: stackName, RoleARN: roleArn } = input;
    if (findStack(records, stackName)) {
      throw new NeighbourError("AlreadyExistsException", `Stack [${stackName}] already exists`);
    }
    const present = [...records.stacks.values()].filter(({ deletedAt }) => deletedAt === undefined);
    if (present.length >= MAX_STACKS) {
      throw new NeighbourError(
        "LimitExceededException",
        `The limit of ${MAX_STACKS} stacks has been reached`,
      );
    }
    const id = `stack/${stackName}/${randomUUID()}`;
    const stackId = `arn:aws:cloudformation:${options.region}:${options.accountId}:${id}`;
    return {
      ...{ stackId, stackName, createdAt: Date.now(), resources: [], outputs: [] },
      ...{ status: "CREATE_IN_PROGRESS", reason: "User Initiated" },
      wanted: readWanted(input, { stackId, stackName }, undefined, options),
      ...(roleArn === undefined ? {} : { roleArn }),
      terminationProtected: input.EnableTerminationProtection === "true",
      operation: operationOf(input),
    };
  };
  return {
    create: (input: Input<"CreateStack">): string =>
      once(records, "CreateStack", input, (token) => {
        const stack = create(input);
        changes.open(stack, token(stack.stackId));
        started(stack.stackId);
        return stack.stackId;
      }),

    update: (input: Input<"UpdateStack">): string =>
      once(records, "UpdateStack", input, (token) => {
        const stack = stackOf(input.StackName);
        const updated = updateOf(stack, input, options);
        changes.open(updated, token(stack.stackId));
        started(stack.stackId);
        return stack.stackId;
      }),

    /** A stack that does not exist is deleted already. */
    remove(input: Input<"DeleteStack">): void {
      once(records, "DeleteStack", input, (token) => {
        const stack = findStack(records, input.StackName);
        if (!stack || stack.status === "DELETE_COMPLETE" || stack.status === "DELETE_IN_PROGRESS") return "";
        changes.open(removalOf(stack, input), token(stack.stackId));
        started(stack.stackId);
        return stack.stackId;
      });
    },

    protect({ StackName, EnableTerminationProtection }: Input<"UpdateTerminationProtection">): string {
      const stack = stackOf(StackName);
      changes.note({ ...stack, terminationProtected: EnableTerminationProtection === "true" });
      return stack.stackId;
    },
  };
}

export type Operations = ReturnType<typeof makeOperations>;

/** In: a name or an id. A deleted stack is found by its id only. */
export function findStack({ stacks }: Records, name: string): StackRecord | undefined {
  if (name.startsWith("arn:")) return stacks.get(name);
  return [...stacks.values()].find((one) => one.stackName === name && one.deletedAt === undefined);
}

/** Does it once per ClientRequestToken: a repeat answers the same, another request with the token is refused. */
function once(
  { tokens }: Records,
  action: string,
  input: { ClientRequestToken?: string },
  change: (token: (stackId: string) => TokenRecord | undefined) => string,
): string {
  const { ClientRequestToken: token } = input;
  const digest = digestOf([action, input]);
  const known = token === undefined ? undefined : tokens.get(token);
  if (known && known.digest !== digest) {
    const message = `The token ${token} was used before by another request`;
    throw new NeighbourError("TokenAlreadyExistsException", message);
  }
  if (known) return known.stackId;
  return change((stackId) => (token === undefined ? undefined : { token, digest, stackId }));
}

function operationOf(input: Partial<Input<"CreateStack">>): Operation {
  const { ClientRequestToken: token, DisableRollback, OnFailure, RetainExceptOnCreate } = input;
  if (DisableRollback !== undefined && OnFailure !== undefined) {
    throw invalid("You can specify either DisableRollback or OnFailure, but not both.");
  }
  return {
    ...(token === undefined ? {} : { token }),
    ...{ retain: [], force: false, failed: [], retainExceptOnCreate: RetainExceptOnCreate === "true" },
    onFailure: OnFailure ?? (DisableRollback === "true" ? "DO_NOTHING" : "ROLLBACK"),
  };
}

function updateOf(stack: StackRecord, input: Input<"UpdateStack">, options: OperationsOptions): StackRecord {
  if (!UPDATABLE.includes(stack.status)) {
    throw invalid(`Stack:${stack.stackId} is in ${stack.status} state and can not be updated.`);
  }
  const wanted = readWanted(input, stack, stack.wanted, options);
  const meaning = ({ plan: { resources, outputs }, tags }: Wanted) => canonical([resources, outputs, tags]);
  if (meaning(wanted) === meaning(stack.wanted) && stack.status !== "UPDATE_FAILED") {
    throw invalid("No updates are to be performed.");
  }
  checkTypesKept(stack.wanted, wanted);
  return {
    ...stack,
    ...{ status: "UPDATE_IN_PROGRESS", reason: "User Initiated", updatedAt: Date.now(), wanted },
    ...(input.RoleARN === undefined ? {} : { roleArn: input.RoleARN }),
    operation: { ...operationOf(input), previous: stack.wanted },
  };
}

function checkTypesKept(before: Wanted, after: Wanted): void {
  const typeBefore = new Map(before.plan.resources.map(({ logicalId, type }) => [logicalId, type]));
  const changed = after.plan.resources.filter(
    ({ logicalId, type }) => (typeBefore.get(logicalId) ?? type) !== type,
  );
  if (changed.length === 0) return;
  const names = changed.map(({ logicalId }) => logicalId).join(", ");
  const what = `The new template modifies resource type of the following resources: [${names}]`;
  throw invalid(`Update of resource type is not permitted. ${what}`);
}

function removalOf(stack: StackRecord, input: Input<"DeleteStack">): StackRecord {
  const { stackName, stackId, status, terminationProtected } = stack;
  if (terminationProtected) {
    throw invalid(`Stack [${stackName}] cannot be deleted while TerminationProtection is enabled`);
  }
  if (status.startsWith("UPDATE") && nextStep(stack)) {
    throw invalid(`Stack [${stackId}] cannot be deleted while in status ${status}`);
  }
  const retain = [...items(input.RetainResources)];
  const force = input.DeletionMode === "FORCE_DELETE_STACK";
  if ((retain.length > 0 || force) && status !== "DELETE_FAILED") {
    const what = force ? "DeletionMode FORCE_DELETE_STACK" : "RetainResources";
    throw invalid(`${what} can only be specified for a stack in DELETE_FAILED state, not in ${status}`);
  }
  const token = input.ClientRequestToken;
  const { operation } = stack;
  return {
    ...stack,
    ...{ status: "DELETE_IN_PROGRESS", reason: "User Initiated" },
    ...(input.RoleARN === undefined ? {} : { roleArn: input.RoleARN }),
    operation: {
      ...operationOf(token === undefined ? {} : { ClientRequestToken: token }),
      retain,
      force,
      ...kept(operation),
    },
  };
}

/** An operation that is taken over keeps what rollbacks and creations were told. */
function kept({ onFailure, retainExceptOnCreate }: Operation) {
  return { onFailure, retainExceptOnCreate };
}

function readWanted(
  input: Input<"CreateStack"> | Input<"UpdateStack">,
  { stackId, stackName }: Pick<StackRecord, "stackId" | "stackName">,
  before: Wanted | undefined,
  { types, region, accountId }: OperationsOptions,
): Wanted {
  const usesPrevious = "UsePreviousTemplate" in input && input.UsePreviousTemplate === "true";
  const body = usesPrevious ? before?.template : input.TemplateBody;
  if (body === undefined) throw invalid("Either Template URL or Template Body must be specified.");
  const template = parseTemplate(body);
  const given = items(input.Parameters).map(({ ParameterKey, ParameterValue, UsePreviousValue }) => ({
    ...{ key: ParameterKey, usePrevious: UsePreviousValue === "true" },
    ...(ParameterValue === undefined ? {} : { value: ParameterValue }),
  }));
  const parameters = readParameters(template, given, before?.parameters ?? []);
  const pseudo = {
    ...{ "AWS::Region": region, "AWS::AccountId": accountId, "AWS::Partition": "aws" },
    ...{ "AWS::StackName": stackName, "AWS::StackId": stackId, "AWS::URLSuffix": "amazonaws.com" },
  };
  const plan = makePlan({ template, parameters, pseudo, types });
  const capabilities = [...items(input.Capabilities)];
  checkCapabilities(plan, capabilities, types);
  const tags = Object.fromEntries(items(input.Tags).map(({ Key, Value }) => [Key, Value]));
  // An update without tags leaves those of the stack.
  return {
    template: body,
    plan,
    parameters,
    tags: input.Tags === undefined ? (before?.tags ?? {}) : tags,
    capabilities,
  };
}

function checkCapabilities(
  { resources }: Wanted["plan"],
  given: readonly string[],
  types: ResourceTypes,
): void {
  const needed = resources.map(({ type, properties }) => types[type]?.capability(properties));
  const capability = needed.includes("CAPABILITY_NAMED_IAM") ? "CAPABILITY_NAMED_IAM" : needed.find(Boolean);
  if (capability === undefined || given.includes(capability) || given.includes("CAPABILITY_NAMED_IAM"))
    return;
  throw new NeighbourError("InsufficientCapabilitiesException", `Requires capabilities : [${capability}]`);
}
