import {
  CloudFormationClient,
  type CloudFormationClientConfig,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  ListStacksCommand,
  type Stack,
  type StackEvent,
  UpdateStackCommand,
  UpdateTerminationProtectionCommand,
} from "@aws-sdk/client-cloudformation";
import { CALL_TIMEOUT_MS } from "../domain/limits.ts";
import { CLUSTER_TAG } from "../domain/names.ts";
import { hasFailed, type StackSeen } from "../domain/stack.ts";
import {
  CLUSTER_RESOURCE,
  rolesOfOutputs,
  type StackBody,
  type StackPolicy,
  stackBody,
  templateVersion,
  VERSION_PARAMETER,
} from "../domain/stack-template.ts";
import type { StackControl } from "../handlers/ports-stack.ts";
import { failureOf, stackFailure } from "./cloudformation-failure.ts";
import { listOthers, PRESENT } from "./cloudformation-list.ts";
import type { Credentials } from "./dsql-credentials.ts";
import { unknownOf } from "./dsql-failure.ts";
import { checkTags, isIdentifier } from "./dsql-shape.ts";

export interface StackControlOptions {
  readonly region: string;
  readonly credentials: Credentials;
  readonly policy: StackPolicy;
  /** The role that CloudFormation works as; null: as the service itself. */
  readonly roleArn: string | null;
  /** Another address of CloudFormation, such as the local one. */
  readonly endpoint?: string;
  readonly callTimeoutMs?: number;
}

/**
 * StackControl on the AWS SDK, with one client for the life of the process; `close` drops its connections. The SDK
 * retries nothing, and none of its waiters is used: the wakeup that made the call looks again, with its own back-off.
 */
export function createStackControl(options: StackControlOptions): StackControl & { close(): void } {
  const { region, credentials, policy, endpoint, callTimeoutMs = CALL_TIMEOUT_MS } = options;
  const config: CloudFormationClientConfig = { region, credentials, maxAttempts: 1 };
  const client = new CloudFormationClient(endpoint ? { ...config, endpoint } : config);
  const calls = callsOf(client, options.roleArn, callTimeoutMs);
  const version = templateVersion(policy);
  return {
    async create({ name, token, owner }) {
      const body = stackBody(owner, policy);
      const wrong = checkTags(body.tags);
      if (wrong) return { kind: "refused", cause: wrong };
      try {
        await calls.create(name, token, body, owner.deletionProtected);
        return { kind: "made" };
      } catch (error) {
        const failure = failureOf(error);
        const isAnswer = failure.kind === "exists" || failure.kind === "quota" || failure.kind === "conflict";
        return isAnswer || failure.kind === "refused" ? failure : unknownOf(error);
      }
    },
    async describe(name, clusterId) {
      try {
        return await describe(calls, name, clusterId, version);
      } catch (error) {
        return failureOf(error).kind === "absent" ? { kind: "absent" } : unknownOf(error);
      }
    },
    async update(id, owner) {
      try {
        await calls.update(id, stackBody(owner, policy));
        return { kind: "done" };
      } catch (error) {
        const failure = failureOf(error);
        if (failure.kind === "unchanged") return { kind: "unchanged" };
        return failure.kind === "refused" ? failure : unknownOf(error);
      }
    },
    async remove(id) {
      try {
        await calls.remove(id);
        return { kind: "removing" };
      } catch (error) {
        const { kind } = failureOf(error);
        return kind === "absent" || kind === "busy" || kind === "protected" ? { kind } : unknownOf(error);
      }
    },
    async guard(id, on) {
      try {
        await calls.guard(id, on);
        return { kind: "done" };
      } catch (error) {
        return failureOf(error).kind === "absent" ? { kind: "done" } : unknownOf(error);
      }
    },
    async others(prefix, known) {
      try {
        return await listOthers(calls, prefix, known);
      } catch {
        return null;
      }
    },
    close: () => client.destroy(),
  };
}

type Calls = ReturnType<typeof callsOf>;

/** The calls, each with a limit in time. */
function callsOf(client: CloudFormationClient, roleArn: string | null, timeoutMs: number) {
  const limit = () => ({ abortSignal: AbortSignal.timeout(timeoutMs) });
  const role = roleArn === null ? {} : { RoleARN: roleArn };
  return {
    create: (StackName: string, ClientRequestToken: string, body: StackBody, isProtected: boolean) =>
      client.send(
        new CreateStackCommand({
          ...{ StackName, ClientRequestToken, EnableTerminationProtection: isProtected },
          ...bodyOf(body),
          ...role,
        }),
        limit(),
      ),
    update: (StackName: string, body: StackBody) =>
      client.send(new UpdateStackCommand({ StackName, ...bodyOf(body), ...role }), limit()),
    remove: (StackName: string) => client.send(new DeleteStackCommand({ StackName, ...role }), limit()),
    guard: (StackName: string, EnableTerminationProtection: boolean) =>
      client.send(
        new UpdateTerminationProtectionCommand({ StackName, EnableTerminationProtection }),
        limit(),
      ),
    describe: (StackName: string) => client.send(new DescribeStacksCommand({ StackName }), limit()),
    list: (NextToken: string | undefined) =>
      client.send(
        new ListStacksCommand({ StackStatusFilter: PRESENT, ...(NextToken ? { NextToken } : {}) }),
        limit(),
      ),
    resources: (StackName: string) => client.send(new DescribeStackResourcesCommand({ StackName }), limit()),
    /** The newest page, 100 events: an operation on three resources has a fraction of that. */
    events: (StackName: string) => client.send(new DescribeStackEventsCommand({ StackName }), limit()),
  };
}

/** The roles have no names of ours, so the smaller of the two capabilities is enough. */
function bodyOf({ templateBody, parameters, tags }: StackBody) {
  return {
    TemplateBody: templateBody,
    Capabilities: ["CAPABILITY_IAM" as const],
    Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
      ParameterKey,
      ParameterValue,
    })),
    Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
  };
}

async function describe(calls: Calls, name: string, clusterId: string, version: string): Promise<StackSeen> {
  const { Stacks = [] } = await calls.describe(name);
  const [stack] = Stacks;
  const { StackId: id, StackStatus: status } = stack ?? {};
  if (!stack || !id || !status) return { kind: "unknown", cause: "AWS answered without a stack." };
  // Somebody else's stack of this name is none of ours, whatever it holds.
  if (stack.Tags?.find(({ Key }) => Key === CLUSTER_TAG)?.Value !== clusterId) return { kind: "absent" };
  const outputs = new Map((stack.Outputs ?? []).map((one) => [one.OutputKey ?? "", one.OutputValue ?? ""]));
  const parameters = new Map(stack.Parameters?.map((one) => [one.ParameterKey, one.ParameterValue]));
  return {
    kind: "stack",
    id,
    status,
    identifier: outputs.get("Identifier") ?? (await identifierIn(calls, id)),
    roles: rolesOfOutputs(outputs),
    terminationProtected: stack.EnableTerminationProtection ?? false,
    outdated: parameters.get(VERSION_PARAMETER) !== version,
    failure: hasFailed(status) ? await failureIn(calls, stack) : null,
  };
}

/** Outputs are shown only when all is done; the cluster's id as soon as there is one. */
async function identifierIn(calls: Calls, id: string): Promise<string | null> {
  const { StackResources = [] } = await calls.resources(id);
  const cluster = StackResources.find(({ LogicalResourceId }) => LogicalResourceId === CLUSTER_RESOURCE);
  const physical = cluster?.PhysicalResourceId ?? "";
  return isIdentifier(physical) ? physical : null;
}

async function failureIn(calls: Calls, { StackId = "", StackStatusReason }: Stack) {
  const events: readonly StackEvent[] = (await calls.events(StackId)).StackEvents ?? [];
  return stackFailure(StackId, events, StackStatusReason ?? null);
}
