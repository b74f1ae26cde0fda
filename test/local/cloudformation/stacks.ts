import { setTimeout as sleep } from "node:timers/promises";
import {
  CloudFormationClient,
  CreateStackCommand,
  type CreateStackCommandInput,
  DeleteStackCommand,
  type DeleteStackCommandInput,
  DescribeStackEventsCommand,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
  type Stack,
  UpdateStackCommand,
  type UpdateStackCommandInput,
  waitUntilStackCreateComplete,
} from "@aws-sdk/client-cloudformation";
import { expect } from "vitest";
import {
  type LocalCloudFormation,
  type LocalDsql,
  startLocalCloudFormation,
  startLocalDsql,
} from "../../support/local-dsql.ts";
import { type Credentials, LOCAL, temporaryDirectory } from "../dsql/clients.ts";

/** Waiters ask as often as that; the real default is 30 s. */
export const WAIT = { maxWaitTime: 60, minDelay: 0.05, maxDelay: 0.2 };

/** Longer than any test. */
export const NEVER_MS = 3_600_000;

type Flags = Readonly<Record<string, string | number | true>>;

/** A local DSQL without engines, unless `dsql` says otherwise, and a local CloudFormation on it. */
export async function startBoth({
  dsql = { "no-engines": true },
  cloudformation = {},
}: {
  dsql?: Flags;
  cloudformation?: Flags;
} = {}) {
  const directory = await temporaryDirectory();
  const clusters: LocalDsql = await startLocalDsql({ directory: `${directory.path}/dsql`, flags: dsql });
  const start = (flags: Flags): Promise<LocalCloudFormation> =>
    startLocalCloudFormation({
      directory: `${directory.path}/cloudformation`,
      flags: {
        "control-url": clusters.ready.controlUrl,
        "principals-directory": `${directory.path}/dsql`,
        ...flags,
      },
    });
  let local = await start(cloudformation);
  const both = {
    dsql: clusters.ready,
    url: () => local.ready.cloudformationUrl,
    client: (credentials: Credentials = LOCAL) => stackClient(local.ready.cloudformationUrl, credentials),
    kill: () => local.kill(),
    async restart(flags: Flags = {}) {
      local = await start(flags);
    },
    async stop() {
      await local.stop();
      await clusters.stop();
      await directory.remove();
    },
  };
  return both;
}

export type Both = Awaited<ReturnType<typeof startBoth>>;

export function stackClient(endpoint: string, credentials: Credentials = LOCAL): CloudFormationClient {
  return new CloudFormationClient({ region: "us-east-1", endpoint, credentials, maxAttempts: 1 });
}

/** One cluster, protected or not, with outputs. */
export const CLUSTER = `
Description: One cluster
Parameters:
  Protected: { Type: String, Default: "false", AllowedValues: ["true", "false"] }
Resources:
  Cluster:
    Type: AWS::DSQL::Cluster
    Properties:
      DeletionProtectionEnabled: !Ref Protected
      Tags: [{ Key: Name, Value: !Sub "\${AWS::StackName} in \${AWS::Region}" }]
Outputs:
  Identifier: { Value: !Ref Cluster }
  Endpoint: { Value: !GetAtt Cluster.Endpoint, Description: Where to connect }
`;

/** The cluster and a role that comes after it. */
export const CLUSTER_AND_ROLE = `${CLUSTER}
  RoleArn: { Value: !GetAtt Reader.Arn }
`.replace(
  "Outputs:",
  `  Reader:
    Type: AWS::IAM::Role
    DependsOn: Cluster
    Properties:
      AssumeRolePolicyDocument: { Version: 2012-10-17, Statement: [] }
      Description: !Sub "Reads \${Cluster.ResourceArn}"
Outputs:`,
);

export function create(
  client: CloudFormationClient,
  StackName: string,
  input: Partial<CreateStackCommandInput> = {},
) {
  return client.send(new CreateStackCommand({ StackName, TemplateBody: CLUSTER, ...input }));
}

/** Creates a stack and waits until it is complete. Out: its id. */
export async function complete(
  client: CloudFormationClient,
  StackName: string,
  input: Partial<CreateStackCommandInput> = {},
): Promise<string> {
  const { StackId } = await create(client, StackName, input);
  await waitUntilStackCreateComplete({ client, ...WAIT }, { StackName });
  return StackId!;
}

export function update(
  client: CloudFormationClient,
  StackName: string,
  input: Partial<UpdateStackCommandInput> = {},
) {
  return client.send(new UpdateStackCommand({ StackName, UsePreviousTemplate: true, ...input }));
}

export function remove(
  client: CloudFormationClient,
  StackName: string,
  input: Partial<DeleteStackCommandInput> = {},
) {
  return client.send(new DeleteStackCommand({ StackName, ...input }));
}

export async function describe(client: CloudFormationClient, StackName: string): Promise<Stack> {
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
  return Stacks![0]!;
}

/** Waits for a status, which must come. Use the SDK's waiters where they know the status. */
export async function reach(client: CloudFormationClient, StackName: string, status: string): Promise<Stack> {
  for (;;) {
    const stack = await describe(client, StackName);
    if (stack.StackStatus === status) return stack;
    expect(stack.StackStatus, stack.StackStatusReason).toMatch(/IN_PROGRESS$/);
    await sleep(50);
  }
}

/** The events, the oldest first, as `logical id status`. */
export async function story(client: CloudFormationClient, StackName: string): Promise<string[]> {
  const { StackEvents } = await client.send(new DescribeStackEventsCommand({ StackName }));
  return StackEvents!.reverse().map((event) => `${event.LogicalResourceId} ${event.ResourceStatus}`);
}

export async function resourceOf(client: CloudFormationClient, StackName: string, LogicalResourceId: string) {
  const { StackResources } = await client.send(
    new DescribeStackResourcesCommand({ StackName, LogicalResourceId }),
  );
  return StackResources![0]!;
}

/** The clusters of the local DSQL, as its page shows them. */
export async function clustersOf({
  dsql,
}: Both): Promise<{ identifier: string; tags: Record<string, string> }[]> {
  return (await (await fetch(`${dsql.controlUrl}/_local/clusters`)).json()) as never;
}

export async function post(url: string, body: object): Promise<void> {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  expect(response.status).toBe(204);
}
