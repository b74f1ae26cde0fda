import {
  DescribeStackEventsCommand,
  waitUntilStackCreateComplete,
  waitUntilStackDeleteComplete,
} from "@aws-sdk/client-cloudformation";
import { GetClusterCommand } from "@aws-sdk/client-dsql";
import { afterAll, beforeAll, expect, it } from "vitest";
import { controlClient, rejection } from "../dsql/clients.ts";
import {
  type Both,
  CLUSTER_AND_ROLE,
  create,
  describe as describeStack,
  remove,
  resourceOf,
  startBoth,
  story,
  WAIT,
} from "./stacks.ts";

let both: Both;
let client: ReturnType<Both["client"]>;

beforeAll(async () => {
  both = await startBoth();
  client = both.client();
});

afterAll(() => both.stop());

it("a stack makes a cluster and removes it again, told in AWS' order of events", async () => {
  const { StackId } = await create(client, "story", { ClientRequestToken: "first" });
  await waitUntilStackCreateComplete({ client, ...WAIT }, { StackName: "story" });
  const created = await story(client, "story");
  await remove(client, "story", { ClientRequestToken: "second" });
  await waitUntilStackDeleteComplete({ client, ...WAIT }, { StackName: StackId });
  const { StackEvents } = await client.send(new DescribeStackEventsCommand({ StackName: StackId }));
  expect(created).toEqual([
    "story CREATE_IN_PROGRESS",
    ...["Cluster CREATE_IN_PROGRESS", "Cluster CREATE_IN_PROGRESS", "Cluster CREATE_COMPLETE"],
    "story CREATE_COMPLETE",
  ]);
  expect(StackEvents!.map((event) => [event.ResourceStatus, event.ClientRequestToken])).toEqual([
    ...["DELETE_COMPLETE", "DELETE_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS"].map((status) => [
      ...[status, "second"],
    ]),
    ...["CREATE_COMPLETE", "CREATE_COMPLETE", "CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS"].map((status) => [
      ...[status, "first"],
    ]),
    ["CREATE_IN_PROGRESS", "first"],
  ]);
  expect(StackEvents!.map((event) => event.ResourceStatusReason).slice(-3)).toEqual([
    ...["Resource creation Initiated", undefined, "User Initiated"],
  ]);
});

it("a complete stack tells its outputs, its tags and the cluster they are on", async () => {
  await create(client, "told", {
    ...{ TemplateBody: CLUSTER_AND_ROLE, Capabilities: ["CAPABILITY_IAM"] },
    Tags: [{ Key: "offshoot:kind", Value: "preview" }],
    RoleARN: "arn:aws:iam::000000000000:role/deployer",
  });
  await waitUntilStackCreateComplete({ client, ...WAIT }, { StackName: "told" });
  const stack = await describeStack(client, "told");
  const { PhysicalResourceId: identifier } = await resourceOf(client, "told", "Cluster");
  const cluster = await controlClient(both.dsql).send(new GetClusterCommand({ identifier }));
  expect(stack).toMatchObject({
    ...{ StackName: "told", StackStatus: "CREATE_COMPLETE", Description: "One cluster" },
    Parameters: [{ ParameterKey: "Protected", ParameterValue: "false" }],
    Tags: [{ Key: "offshoot:kind", Value: "preview" }],
    ...{ Capabilities: ["CAPABILITY_IAM"], RoleARN: "arn:aws:iam::000000000000:role/deployer" },
    Outputs: [
      { OutputKey: "Identifier", OutputValue: identifier },
      { OutputKey: "Endpoint", OutputValue: cluster.endpoint, Description: "Where to connect" },
      {
        OutputKey: "RoleArn",
        OutputValue: expect.stringMatching(/^arn:aws:iam::000000000000:role\/told-Reader-[A-Z0-9]{12}$/),
      },
    ],
  });
  expect(cluster).toMatchObject({
    ...{ status: "ACTIVE", deletionProtectionEnabled: false },
    tags: {
      ...{ "offshoot:kind": "preview", Name: "told in us-east-1" },
      ...{ "aws:cloudformation:stack-name": "told", "aws:cloudformation:stack-id": stack.StackId },
      "aws:cloudformation:logical-id": "Cluster",
    },
  });
});

it("a stack that does not exist is a ValidationError, and deleting it succeeds", async () => {
  const refusal = await rejection(describeStack(client, "nobody"));
  const deleted = await remove(client, "nobody");
  expect(refusal).toMatchObject({
    ...{ name: "ValidationError", message: "Stack with id nobody does not exist" },
    $metadata: { httpStatusCode: 400 },
  });
  expect(deleted.$metadata.httpStatusCode).toBe(200);
});
