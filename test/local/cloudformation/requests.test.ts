import {
  DeleteStackCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
  ListStacksCommand,
  UpdateTerminationProtectionCommand,
  ValidateTemplateCommand,
  waitUntilStackDeleteComplete,
  waitUntilStackUpdateComplete,
} from "@aws-sdk/client-cloudformation";
import { GetClusterCommand } from "@aws-sdk/client-dsql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assume, controlClient, policyOf, rejection, roleArn } from "../dsql/clients.ts";
import {
  type Both,
  CLUSTER,
  CLUSTER_AND_ROLE,
  complete,
  create,
  describe as describeStack,
  post,
  remove,
  resourceOf,
  stackClient,
  startBoth,
  update,
  WAIT,
} from "./stacks.ts";

let both: Both;
let client: ReturnType<Both["client"]>;

beforeAll(async () => {
  both = await startBoth({ dsql: { "no-engines": true, quota: 200 } });
  client = both.client();
});

afterAll(() => both.stop());

/** A template of roles only, which cost nothing. */
const roles = (count: number) =>
  JSON.stringify({
    Resources: Object.fromEntries(
      Array.from({ length: count }, (_none, index) => [
        `Role${index}`,
        { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: {} } },
      ]),
    ),
  });

const withRoles = (count: number) => ({
  TemplateBody: roles(count),
  Capabilities: ["CAPABILITY_IAM" as const],
});

describe("a ClientRequestToken", () => {
  it("makes the same request answer the same stack, and refuses another one", async () => {
    const first = await create(client, "token", { ClientRequestToken: "t1" });
    const repeated = await create(client, "token", { ClientRequestToken: "t1" });
    const other = await rejection(create(client, "other", { ClientRequestToken: "t1" }));
    expect(repeated.StackId).toBe(first.StackId);
    expect(other).toMatchObject({ name: "TokenAlreadyExistsException", $metadata: { httpStatusCode: 400 } });
  });
});

describe("an update", () => {
  it("changes the cluster, adds and removes resources, and keeps what it is not told", async () => {
    await complete(client, "grown", { Tags: [{ Key: "a", Value: "1" }] });
    const before = await resourceOf(client, "grown", "Cluster");
    const TemplateBody = CLUSTER_AND_ROLE.replace("Tags: [", "Tags: [{ Key: b, Value: x }, ");
    const withRole = { UsePreviousTemplate: false, TemplateBody, Capabilities: ["CAPABILITY_IAM" as const] };
    await update(client, "grown", withRole);
    await waitUntilStackUpdateComplete({ client, ...WAIT }, { StackName: "grown" });
    const grown = await describeStack(client, "grown");
    await update(client, "grown", { UsePreviousTemplate: false, TemplateBody: CLUSTER });
    await waitUntilStackUpdateComplete({ client, ...WAIT }, { StackName: "grown" });
    const shrunk = await describeStack(client, "grown");
    const role = await resourceOf(client, "grown", "Reader");
    const after = await resourceOf(client, "grown", "Cluster");
    const { tags } = await controlClient(both.dsql).send(
      new GetClusterCommand({ identifier: after.PhysicalResourceId }),
    );
    expect(grown.Outputs!.map(({ OutputKey }) => OutputKey)).toEqual(["Identifier", "Endpoint", "RoleArn"]);
    expect(shrunk.Outputs!.map(({ OutputKey }) => OutputKey)).toEqual(["Identifier", "Endpoint"]);
    expect(role.ResourceStatus).toBe("DELETE_COMPLETE");
    expect(after.PhysicalResourceId).toBe(before.PhysicalResourceId);
    expect(tags).toMatchObject({ a: "1" });
    expect(tags).not.toHaveProperty("b");
  });

  it("of nothing but a resource's metadata is one; of nothing but a parameter that no resource names is not", async () => {
    const TemplateBody = CLUSTER_AND_ROLE.replace(
      "DependsOn: Cluster",
      "DependsOn: Cluster\n    Metadata: { Version: !Ref Version }",
    ).replace(
      "Parameters:",
      "Parameters:\n  Version: { Type: String }\n  Idle: { Type: String, Default: a }",
    );
    const versioned = (ParameterValue: string, idle = "a") => ({
      ...{ TemplateBody, Capabilities: ["CAPABILITY_IAM" as const] },
      Parameters: [
        { ParameterKey: "Version", ParameterValue },
        { ParameterKey: "Idle", ParameterValue: idle },
      ],
    });
    await complete(client, "versioned", versioned("1"));
    const before = await resourceOf(client, "versioned", "Reader");
    const again = (...given: Parameters<typeof versioned>) =>
      update(client, "versioned", { UsePreviousTemplate: false, ...versioned(...given) });
    expect(await rejection(again("1", "b"))).toMatchObject({ message: "No updates are to be performed." });
    await again("2");
    await waitUntilStackUpdateComplete({ client, ...WAIT }, { StackName: "versioned" });
    const after = await resourceOf(client, "versioned", "Reader");
    expect(after).toMatchObject({
      ResourceStatus: "UPDATE_COMPLETE",
      PhysicalResourceId: before.PhysicalResourceId,
    });
    expect(await rejection(again("2"))).toMatchObject({ message: "No updates are to be performed." });
  });

  it("that changes nothing is refused", async () => {
    await complete(client, "same");
    const refusal = await rejection(update(client, "same"));
    expect(refusal).toMatchObject({ name: "ValidationError", message: "No updates are to be performed." });
  });

  it("may not change the type of a resource", async () => {
    await complete(client, "typed", withRoles(1));
    const TemplateBody = roles(1).replace("IAM::Role", "DSQL::Cluster");
    const refusal = await rejection(update(client, "typed", { UsePreviousTemplate: false, TemplateBody }));
    expect(refusal).toMatchObject({ message: expect.stringContaining("resource type is not permitted") });
  });
});

it("termination protection refuses the deletion until it is lifted", async () => {
  const StackId = await complete(client, "kept", { EnableTerminationProtection: true });
  const refusal = await rejection(remove(client, "kept"));
  await client.send(
    new UpdateTerminationProtectionCommand({ StackName: "kept", EnableTerminationProtection: false }),
  );
  await remove(client, "kept");
  await waitUntilStackDeleteComplete({ client, ...WAIT }, { StackName: StackId });
  expect(refusal).toMatchObject({
    ...{
      name: "ValidationError",
      message: expect.stringContaining("while TerminationProtection is enabled"),
    },
  });
});

it.each([
  ["a role", CLUSTER_AND_ROLE, [], "Requires capabilities : [CAPABILITY_IAM]"],
  [
    "a role with a name",
    CLUSTER_AND_ROLE.replace("Description: !Sub", "RoleName: reader\n      Description: !Sub"),
    ["CAPABILITY_IAM"],
    "Requires capabilities : [CAPABILITY_NAMED_IAM]",
  ],
])("%s needs its capability", async (_what, TemplateBody, Capabilities, message) => {
  const refusal = await rejection(
    create(client, "able", { TemplateBody, Capabilities: Capabilities as never }),
  );
  expect(refusal).toMatchObject({ name: "InsufficientCapabilitiesException", message });
});

it("a parameter with NoEcho is not shown, and the template is given back as it came", async () => {
  const TemplateBody = CLUSTER.replace("Parameters:", "Parameters:\n  Quiet: { Type: String, NoEcho: true }");
  await complete(client, "quiet", {
    TemplateBody,
    Parameters: [{ ParameterKey: "Quiet", ParameterValue: "psst" }],
  });
  const { Parameters } = await describeStack(client, "quiet");
  const template = await client.send(new GetTemplateCommand({ StackName: "quiet" }));
  const valid = await client.send(new ValidateTemplateCommand({ TemplateBody }));
  expect(Parameters).toContainEqual({ ParameterKey: "Quiet", ParameterValue: "****" });
  expect(template.TemplateBody).toBe(TemplateBody);
  expect(valid.Parameters!.map(({ ParameterKey }) => ParameterKey)).toEqual(["Quiet", "Protected"]);
});

describe("pages", () => {
  it("tell every event once, the newest first", async () => {
    await complete(client, "pages", withRoles(40));
    const ids: string[] = [];
    const pages: number[] = [];
    let NextToken: string | undefined;
    do {
      const page = await client.send(new DescribeStackEventsCommand({ StackName: "pages", NextToken }));
      ids.push(...page.StackEvents!.map(({ EventId }) => EventId!));
      pages.push(page.StackEvents!.length);
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    // Three events for each role, and two of the stack.
    expect(pages).toEqual([100, 22]);
    expect(new Set(ids).size).toBe(122);
  });

  it("tell every stack once; deleted ones are only in the list, also if they went between two pages", async () => {
    for (let count = 0; count < 101; count++) await create(client, `many-${count}`, withRoles(1));
    const StackId = await complete(client, "deleted", withRoles(1));
    const gone = async (stack: { StackName?: string | undefined; StackId?: string | undefined }) => {
      await remove(client, stack.StackName!);
      await waitUntilStackDeleteComplete({ client, ...WAIT }, { StackName: stack.StackId! });
    };
    await gone({ StackName: "deleted", StackId });
    const names: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await client.send(new DescribeStacksCommand({ NextToken }));
      names.push(...page.Stacks!.map(({ StackName }) => StackName!));
      NextToken = page.NextToken;
      // The one after which the next page begins.
      if (NextToken !== undefined) await gone(page.Stacks!.at(-1)!);
    } while (NextToken !== undefined);
    const { StackSummaries } = await client.send(
      new ListStacksCommand({ StackStatusFilter: ["DELETE_COMPLETE"] }),
    );
    expect(names.filter((name) => name.startsWith("many-")).length).toBe(101);
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain("deleted");
    expect(StackSummaries!.map((summary) => summary.StackId)).toContain(StackId);
  });
});

describe("a request is refused, and told why:", () => {
  it.each([
    ["a name with an underscore", () => create(client, "a_b"), /stackName/],
    ["a name that is too long", () => create(client, "a".repeat(129)), /stackName/],
    [
      "a template that is too long",
      () => create(client, "long", { TemplateBody: `#${"x".repeat(51_200)}` }),
      /51200/,
    ],
    ["a tag of AWS", () => create(client, "tag", { Tags: [{ Key: "aws:x", Value: "" }] }), /tags.0.Key/],
    [
      "no template",
      () => create(client, "none", { TemplateBody: undefined }),
      /Template Body must be specified/,
    ],
    [
      "a template elsewhere",
      () => create(client, "url", { TemplateURL: "https://a.example" }),
      /TemplateURL is not offered/,
    ],
    [
      "two words on a failure",
      () => create(client, "two", { OnFailure: "DELETE", DisableRollback: true }),
      /but not both/,
    ],
    ["an update of nothing", () => update(client, "nobody"), /Stack \[nobody\] does not exist/],
    ["a page that is none", () => client.send(new DescribeStacksCommand({ NextToken: "x" })), /NextToken/],
  ])("%s", async (_what, send, message) => {
    expect(await rejection(send())).toMatchObject({
      ...{ name: "ValidationError", message: expect.stringMatching(message) },
      $metadata: { httpStatusCode: 400, requestId: expect.any(String) },
    });
  });

  it("a wrong secret, no signature, an unknown operation", async () => {
    const stranger = stackClient(both.url(), { accessKeyId: "local", secretAccessKey: "guess" });
    const refusal = await rejection(describeStack(stranger, "x"));
    const unsigned = await fetch(both.url(), {
      method: "POST",
      body: "Action=ListStacks&Version=2010-05-15",
    });
    expect(refusal).toMatchObject({ name: "SignatureDoesNotMatch", $metadata: { httpStatusCode: 403 } });
    expect([unsigned.status, await unsigned.text()]).toEqual([
      ...[403, expect.stringContaining("<Code>MissingAuthenticationToken</Code>")],
    ]);
  });

  it("a session whose policy leaves out the stack, or the role that is passed", async () => {
    const StackArn = "arn:aws:cloudformation:us-east-1:000000000000:stack/mine-*/*";
    const narrow = policyOf({ Action: "cloudformation:*", Resource: StackArn });
    const session = stackClient(both.url(), await assume(both.dsql, "worker", narrow));
    const other = await rejection(create(session, "theirs"));
    const passed = await rejection(create(session, "mine-1", { RoleARN: roleArn("deployer") }));
    const mine = await create(session, "mine-1");
    expect(other).toMatchObject({ name: "AccessDenied", message: expect.stringContaining("CreateStack") });
    expect(passed).toMatchObject({ name: "AccessDenied", message: expect.stringContaining("iam:PassRole") });
    expect(mine.StackId).toContain(":stack/mine-1/");
  });
});

describe("faults on demand", () => {
  it.each([
    [429, "Throttling", "Rate exceeded", 400],
    [500, "InternalFailure", "Internal failure", 500],
  ])("%d is answered as CloudFormation says it", async (answer, name, message, httpStatusCode) => {
    await post(`${both.url()}/_local/faults`, { operation: "DeleteStack", answer, times: 1 });
    const refusal = await rejection(client.send(new DeleteStackCommand({ StackName: "nobody" })));
    expect(refusal).toMatchObject({ name, message, $metadata: { httpStatusCode } });
  });

  it("a lost answer leaves its stack, which the same token finds again", async () => {
    await post(`${both.url()}/_local/faults`, { operation: "CreateStack", answer: "lost", times: 1 });
    const input = { ClientRequestToken: "lost-1" };
    const lost = await rejection(create(client, "lost", input));
    const found = await create(client, "lost", input);
    expect(lost).toBeInstanceOf(Error);
    expect((await describeStack(client, "lost")).StackId).toBe(found.StackId);
  });

  it("a failure of another shape is refused", async () => {
    const response = await fetch(`${both.url()}/_local/failures`, { method: "POST", body: "{}" });
    expect(response.status).toBe(400);
  });
});
