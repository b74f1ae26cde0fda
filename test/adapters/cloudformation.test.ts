import { setTimeout } from "node:timers/promises";
import { CreateStackCommand } from "@aws-sdk/client-cloudformation";
import { CreateClusterCommand, DeleteClusterCommand } from "@aws-sdk/client-dsql";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createStackControl } from "../../service/adapters/cloudformation.ts";
import { stackFailure } from "../../service/adapters/cloudformation-failure.ts";
import { type Both, CLUSTER, post, startBoth } from "../local/cloudformation/stacks.ts";
import { controlClient, LOCAL } from "../local/dsql/clients.ts";

const PLAIN = { boundaryArn: null, kmsKeyArn: null, extraTags: {} };
const QUOTA = 3;

let both: Both;
let stacks: ReturnType<typeof createStackControl>;
const made: { close(): void }[] = [];

beforeAll(async () => {
  both = await startBoth({ dsql: { "no-engines": true, quota: QUOTA } });
  stacks = controlWith(PLAIN);
});
afterAll(async () => {
  for (const one of made) one.close();
  await both.stop();
});
afterEach(async () => {
  for (const what of ["failures", "faults"])
    await fetch(`${both.url()}/_local/${what}`, { method: "DELETE" });
});

function controlWith(policy: typeof PLAIN, callTimeoutMs = 2_000) {
  const options = { region: "us-east-1", endpoint: both.url(), credentials: async () => LOCAL };
  const control = createStackControl({ ...options, policy, roleArn: null, callTimeoutMs });
  made.push(control);
  return control;
}

const ownerOf = (name: string) => ({
  tags: { "offshoot:service": "offshoot", "offshoot:cluster": name },
  deletionProtected: false,
});
const create = (name: string) => stacks.create({ name, token: `token-${name}`, owner: ownerOf(name) });
const fail = (action: string, type: string, reason: string) =>
  post(`${both.url()}/_local/failures`, { action, type, reason, times: 1 });
const fault = (operation: string, answer: unknown, more: object = {}) =>
  post(`${both.url()}/_local/faults`, { operation, answer, times: 1, ...more });

async function until(name: string, end: RegExp, control = stacks) {
  for (;;) {
    const seen = await control.describe(name, name);
    const status = seen.kind === "stack" ? seen.status : seen.kind;
    if (end.test(status)) return seen;
    expect(status, JSON.stringify(seen)).toMatch(/_IN_PROGRESS$/);
    await setTimeout(20);
  }
}

async function gone(name: string): Promise<void> {
  const seen = await stacks.describe(name, name);
  if (seen.kind === "stack") await stacks.remove(seen.id);
  await until(name, /^absent$/);
}

describe("a stack that fails", () => {
  it("because of the quota says so", async () => {
    const dsql = controlClient(both.dsql);
    const clusters: string[] = [];
    for (let n = 0; n < QUOTA; n += 1) {
      const { identifier } = await dsql.send(new CreateClusterCommand({ deletionProtectionEnabled: false }));
      clusters.push(String(identifier));
    }
    await create("full");
    const seen = await until("full", /^ROLLBACK_COMPLETE$/);
    expect(seen).toMatchObject({
      identifier: null,
      failure: { quota: true, cause: expect.stringContaining("Cluster") },
    });
    for (const identifier of clusters) await dsql.send(new DeleteClusterCommand({ identifier }));
    dsql.destroy();
    await gone("full");
  });

  it("for another reason tells the first one, in a line without the account", async () => {
    await fail("create", "AWS::IAM::Role", "arn:aws:iam::123456789012:role/x\n  may not be made");
    await create("rolled");
    const seen = await until("rolled", /^ROLLBACK_COMPLETE$/);
    expect(seen).toMatchObject({
      failure: {
        quota: false,
        cause: expect.stringMatching(/Role.*arn:aws:iam::<account>:role\/x may not be made/),
      },
    });
    await gone("rolled");
  });

  it("at its update goes on as it was, and tells why", async () => {
    await create("kept");
    const before = await until("kept", /^CREATE_COMPLETE$/);
    const tagged = controlWith({ ...PLAIN, extraTags: { team: "db" } as never });
    await fail("update", "AWS::DSQL::Cluster", "no change today");
    expect(await tagged.update(before.kind === "stack" ? before.id : "", ownerOf("kept"))).toEqual({
      kind: "done",
    });
    const seen = await until("kept", /^UPDATE_ROLLBACK_COMPLETE$/, tagged);
    expect(seen).toMatchObject({
      outdated: true,
      failure: { cause: expect.stringContaining("no change today") },
    });
    await gone("kept");
  });

  it("to be deleted tells what blocks it, and is deleted by the next try", async () => {
    await create("stuck");
    const seen = await until("stuck", /^CREATE_COMPLETE$/);
    await fail("remove", "AWS::IAM::Role", "the role is in use");
    const id = seen.kind === "stack" ? seen.id : "";
    expect(await stacks.remove(id)).toEqual({ kind: "removing" });
    expect(await until("stuck", /^DELETE_FAILED$/)).toMatchObject({
      failure: { cause: expect.stringContaining("the role is in use"), at: expect.any(Date) },
    });
    await gone("stuck");
  });
});

describe("an answer that is no answer", () => {
  it.each([
    ["throttled", 429],
    ["an internal error", 500],
    ["lost after its effect", "lost"],
  ])(
    "of CreateStack, %s, is unknown, and the same request goes on with what it made",
    async (_what, answer) => {
      const name = `lost-${answer}`;
      await fault("CreateStack", answer);
      expect(await create(name)).toMatchObject({ kind: "unknown" });
      expect(await create(name)).toEqual({ kind: "made" });
      await until(name, /^CREATE_COMPLETE$/);
      await gone(name);
    },
  );

  it.each(["DescribeStacks", "DescribeStackResources"])(
    "of %s is unknown, never absent",
    async (operation) => {
      const name = `seen-${operation}`;
      await create(name);
      for (const answer of [429, 500, "lost"]) {
        await fault(operation, answer);
        const { kind } = await stacks.describe(name, name);
        // Once a stack is complete its outputs tell what its resources would, and they are not asked for.
        expect(operation === "DescribeStacks" ? ["unknown"] : ["unknown", "stack"]).toContain(kind);
      }
      await fetch(`${both.url()}/_local/faults`, { method: "DELETE" });
      await until(name, /^CREATE_COMPLETE$/);
      await gone(name);
    },
  );

  it("in time is unknown", async () => {
    await fault("DescribeStacks", "hang");
    const impatient = controlWith(PLAIN, 200);
    expect(await impatient.describe("seen", "seen")).toMatchObject({
      kind: "unknown",
      cause: expect.stringContaining("in time"),
    });
  });
});

describe("what is not ours", () => {
  it("keeps its name: it is not described, and no stack is made under it", async () => {
    const client = both.client();
    await client.send(new CreateStackCommand({ StackName: "theirs", TemplateBody: CLUSTER }));
    expect(await create("theirs")).toMatchObject({ kind: "exists" });
    expect(await stacks.describe("theirs", "theirs")).toEqual({ kind: "absent" });
    client.destroy();
  });
});

describe("the stacks that nobody knows", () => {
  it("are those below the prefix that are there, with their tags, whosever they are", async () => {
    const client = both.client();
    const Tags = [{ Key: "team", Value: "db" }];
    const role = { Type: "AWS::IAM::Role", Properties: { AssumeRolePolicyDocument: {} } };
    const TemplateBody = JSON.stringify({ Resources: { Role: role } });
    const foreign = { TemplateBody, Capabilities: ["CAPABILITY_IAM" as const], Tags };
    await client.send(new CreateStackCommand({ StackName: "sought-foreign", ...foreign }));
    for (const name of ["sought-1", "sought-2"]) await create(name);
    await until("sought-2", /^CREATE_COMPLETE$/);
    await gone("sought-2");
    const found = await stacks.others("sought-", new Set(["sought-known"]));
    const seen = found?.map(({ name, tags }) => [name, tags]);
    expect(seen).toEqual([
      ["sought-1", ownerOf("sought-1").tags],
      ["sought-foreign", { team: "db" }],
    ]);
    // One that is not ours, and out of sight of this prefix.
    expect((await stacks.others("", new Set()))?.map(({ name }) => name)).toContain("theirs");
    expect(await stacks.others("sought-", new Set(["sought-1", "sought-foreign"]))).toEqual([]);
    client.destroy();
    await gone("sought-1");
  });

  it.each(["ListStacks", "DescribeStacks"])("are not known if %s has no answer", async (operation) => {
    await fault(operation, 429);
    expect(await stacks.others("theirs", new Set())).toBeNull();
  });
});

describe("the failure in a stack's history", () => {
  const event = (id: string, ResourceStatus: string, ResourceStatusReason?: string) => ({
    ...{ StackId: "stack", EventId: id, StackName: "s", PhysicalResourceId: id, LogicalResourceId: id },
    ...{ ResourceType: "AWS::IAM::Role", ResourceStatus, ResourceStatusReason, Timestamp: new Date(0) },
  });

  it("is the first of the last operation that is no mere consequence", () => {
    const newestFirst = [
      event("stack", "DELETE_FAILED", "The following resource(s) failed to delete"),
      event("B", "DELETE_FAILED", "Resource deletion cancelled"),
      event("A", "DELETE_FAILED", "in use"),
      event("stack", "DELETE_IN_PROGRESS"),
      event("C", "CREATE_FAILED", "long ago"),
      event("stack", "CREATE_IN_PROGRESS"),
    ];
    expect(stackFailure("stack", newestFirst as never, "because")).toMatchObject({
      cause: "A (AWS::IAM::Role): in use",
    });
  });

  it("says how many deletions failed", () => {
    const failed = [
      event("stack", "DELETE_FAILED"),
      event("A", "DELETE_FAILED"),
      event("stack", "DELETE_IN_PROGRESS"),
    ];
    expect(stackFailure("stack", [...failed, ...failed] as never, null)).toMatchObject({ tries: 2 });
  });

  it("is the stack's own reason where its events show none", () => {
    const events = [event("stack", "ROLLBACK_COMPLETE"), event("stack", "CREATE_IN_PROGRESS")];
    expect(stackFailure("stack", events as never, "because")).toMatchObject({ cause: "because", tries: 0 });
    expect(stackFailure("stack", [], null)).toBeNull();
  });
});
