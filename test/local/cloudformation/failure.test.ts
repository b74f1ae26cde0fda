import {
  DescribeStackEventsCommand,
  waitUntilStackCreateComplete,
  waitUntilStackDeleteComplete,
  waitUntilStackRollbackComplete,
} from "@aws-sdk/client-cloudformation";
import { GetClusterCommand, UpdateClusterCommand } from "@aws-sdk/client-dsql";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { controlClient, rejection } from "../dsql/clients.ts";
import {
  type Both,
  CLUSTER_AND_ROLE,
  clustersOf,
  complete,
  create,
  describe as describeStack,
  post,
  reach,
  remove,
  resourceOf,
  startBoth,
  story,
  update,
  WAIT,
} from "./stacks.ts";

let both: Both;
let client: ReturnType<Both["client"]>;

beforeAll(async () => {
  both = await startBoth({ dsql: { "no-engines": true, quota: 30 } });
  client = both.client();
});

afterAll(() => both.stop());

beforeEach(async () => {
  await fetch(`${both.url()}/_local/failures`, { method: "DELETE" });
});

const fail = (action: "create" | "update" | "remove", type: "DSQL::Cluster" | "IAM::Role", times = 1) =>
  post(`${both.url()}/_local/failures`, {
    action,
    type: `AWS::${type}`,
    reason: `no ${action} today`,
    times,
  });

const withRole = { TemplateBody: CLUSTER_AND_ROLE, Capabilities: ["CAPABILITY_IAM" as const] };
const PROTECTED = [{ ParameterKey: "Protected", ParameterValue: "true" }];

describe("a creation that fails", () => {
  it("is rolled back, says why, keeps its name and can only be deleted", async () => {
    await fail("create", "IAM::Role");
    const { StackId } = await create(client, "rolled", withRole);
    const waited = await rejection(
      waitUntilStackCreateComplete({ client, ...WAIT }, { StackName: "rolled" }),
    );
    await reach(client, "rolled", "ROLLBACK_COMPLETE");
    const told = await story(client, "rolled");
    const again = await rejection(create(client, "rolled"));
    const updated = await rejection(update(client, "rolled", { Parameters: PROTECTED }));
    const left = (await clustersOf(both)).filter(
      ({ tags }) => tags["aws:cloudformation:stack-id"] === StackId,
    );
    await remove(client, "rolled");
    await waitUntilStackDeleteComplete({ client, ...WAIT }, { StackName: StackId });
    expect(waited).toMatchObject({ message: expect.stringContaining("FAILURE") });
    expect(told).toEqual([
      "rolled CREATE_IN_PROGRESS",
      ...["Cluster CREATE_IN_PROGRESS", "Cluster CREATE_IN_PROGRESS", "Cluster CREATE_COMPLETE"],
      ...["Reader CREATE_IN_PROGRESS", "Reader CREATE_FAILED", "rolled ROLLBACK_IN_PROGRESS"],
      ...["Reader DELETE_COMPLETE", "Cluster DELETE_IN_PROGRESS", "Cluster DELETE_COMPLETE"],
      "rolled ROLLBACK_COMPLETE",
    ]);
    expect(again).toMatchObject({ name: "AlreadyExistsException", message: "Stack [rolled] already exists" });
    expect(updated).toMatchObject({
      message: `Stack:${StackId} is in ROLLBACK_COMPLETE state and can not be updated.`,
    });
    expect(left).toEqual([]);
  });

  it("stays as it is with OnFailure DO_NOTHING, and can be deleted", async () => {
    await fail("create", "IAM::Role");
    const { StackId } = await create(client, "left", { ...withRole, OnFailure: "DO_NOTHING" });
    const stack = await reach(client, "left", "CREATE_FAILED");
    const cluster = await resourceOf(client, "left", "Cluster");
    const role = await resourceOf(client, "left", "Reader");
    await remove(client, "left");
    await waitUntilStackDeleteComplete({ client, ...WAIT }, { StackName: StackId });
    expect(stack.StackStatusReason).toBe("The following resource(s) failed to create: [Reader]. ");
    expect(cluster.ResourceStatus).toBe("CREATE_COMPLETE");
    expect(role).toMatchObject({ ResourceStatus: "CREATE_FAILED", ResourceStatusReason: "no create today" });
  });

  it("deletes itself with OnFailure DELETE", async () => {
    await fail("create", "IAM::Role");
    const { StackId } = await create(client, "vanished", { ...withRole, OnFailure: "DELETE" });
    const stack = await reach(client, StackId!, "DELETE_COMPLETE");
    const refusal = await rejection(describeStack(client, "vanished"));
    expect(stack.DeletionTime).toBeInstanceOf(Date);
    expect(refusal).toMatchObject({ message: "Stack with id vanished does not exist" });
  });

  it("whose rollback fails is ROLLBACK_FAILED until it is deleted", async () => {
    await fail("create", "IAM::Role");
    await fail("remove", "DSQL::Cluster");
    const { StackId } = await create(client, "stuck", withRole);
    const stack = await reach(client, "stuck", "ROLLBACK_FAILED");
    await remove(client, "stuck");
    await waitUntilStackDeleteComplete({ client, ...WAIT }, { StackName: StackId });
    expect(stack.StackStatusReason).toBe("The following resource(s) failed to delete: [Cluster]. ");
  });
});

describe("an update that fails", () => {
  it("goes back to what was, outputs and protection included", async () => {
    await complete(client, "back", withRole);
    const before = await describeStack(client, "back");
    await fail("update", "IAM::Role");
    const TemplateBody = CLUSTER_AND_ROLE.replace("Reads", "Has read");
    await update(client, "back", {
      ...withRole,
      UsePreviousTemplate: false,
      TemplateBody,
      Parameters: PROTECTED,
    });
    const stack = await reach(client, "back", "UPDATE_ROLLBACK_COMPLETE");
    const { PhysicalResourceId: identifier } = await resourceOf(client, "back", "Cluster");
    const cluster = await controlClient(both.dsql).send(new GetClusterCommand({ identifier }));
    const told = await story(client, "back");
    expect(stack).toMatchObject({ Outputs: before.Outputs, Parameters: before.Parameters });
    expect(cluster.deletionProtectionEnabled).toBe(false);
    expect(told.slice(told.indexOf("back UPDATE_IN_PROGRESS"))).toEqual([
      "back UPDATE_IN_PROGRESS",
      ...["Cluster UPDATE_IN_PROGRESS", "Cluster UPDATE_COMPLETE"],
      ...["Reader UPDATE_IN_PROGRESS", "Reader UPDATE_FAILED", "back UPDATE_ROLLBACK_IN_PROGRESS"],
      ...["Cluster UPDATE_IN_PROGRESS", "Cluster UPDATE_COMPLETE"],
      ...["Reader UPDATE_IN_PROGRESS", "Reader UPDATE_COMPLETE"],
      "back UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
      "back UPDATE_ROLLBACK_COMPLETE",
    ]);
  });

  it("is UPDATE_FAILED with DisableRollback, and the next update mends it", async () => {
    await complete(client, "mended");
    await fail("update", "DSQL::Cluster");
    await update(client, "mended", { Parameters: PROTECTED, DisableRollback: true });
    const broken = await reach(client, "mended", "UPDATE_FAILED");
    await update(client, "mended", { Parameters: [{ ParameterKey: "Protected", UsePreviousValue: true }] });
    await reach(client, "mended", "UPDATE_COMPLETE");
    const { PhysicalResourceId: identifier } = await resourceOf(client, "mended", "Cluster");
    const cluster = await controlClient(both.dsql).send(new GetClusterCommand({ identifier }));
    expect(broken.StackStatusReason).toBe("The following resource(s) failed to update: [Cluster]. ");
    expect(cluster.deletionProtectionEnabled).toBe(true);
  });

  it("whose way back fails, too, is UPDATE_ROLLBACK_FAILED", async () => {
    const StackId = await complete(client, "lost");
    await fail("update", "DSQL::Cluster", 2);
    await update(client, "lost", { Parameters: PROTECTED });
    await reach(client, "lost", "UPDATE_ROLLBACK_FAILED");
    await remove(client, "lost");
    await waitUntilStackDeleteComplete({ client, ...WAIT }, { StackName: StackId });
  });
});

describe("a deletion that fails", () => {
  it("of a protected cluster says what blocks it, and succeeds once it is unblocked", async () => {
    const StackId = await complete(client, "blocked", { Parameters: PROTECTED });
    await remove(client, "blocked");
    const waited = await rejection(waitUntilStackDeleteComplete({ client, ...WAIT }, { StackName: StackId }));
    const stack = await reach(client, "blocked", "DELETE_FAILED");
    const resource = await resourceOf(client, "blocked", "Cluster");
    await controlClient(both.dsql).send(
      new UpdateClusterCommand({ identifier: resource.PhysicalResourceId, deletionProtectionEnabled: false }),
    );
    await remove(client, "blocked");
    await waitUntilStackDeleteComplete({ client, ...WAIT }, { StackName: StackId });
    expect(waited).toMatchObject({ message: expect.stringContaining("FAILURE") });
    expect(stack.StackStatusReason).toBe("The following resource(s) failed to delete: [Cluster]. ");
    expect(resource).toMatchObject({
      ResourceStatus: "DELETE_FAILED",
      ResourceStatusReason: expect.stringMatching(
        /^Resource handler returned message: "Deletion protection is enabled .*HandlerErrorCode: InvalidRequest\)$/,
      ),
    });
  });

  it("leaves the resources that it is told to retain", async () => {
    const StackId = await complete(client, "retained", { Parameters: PROTECTED });
    const early = await rejection(remove(client, "retained", { RetainResources: ["Cluster"] }));
    await remove(client, "retained");
    await reach(client, "retained", "DELETE_FAILED");
    await remove(client, "retained", { RetainResources: ["Cluster"] });
    await reach(client, StackId, "DELETE_COMPLETE");
    const { PhysicalResourceId: identifier, ResourceStatus } = await resourceOf(client, StackId, "Cluster");
    const cluster = await controlClient(both.dsql).send(new GetClusterCommand({ identifier }));
    expect(early).toMatchObject({ name: "ValidationError" });
    expect([ResourceStatus, cluster.status]).toEqual(["DELETE_SKIPPED", "ACTIVE"]);
  });

  it("is forced through with FORCE_DELETE_STACK, which leaves what cannot be deleted", async () => {
    const StackId = await complete(client, "forced", { Parameters: PROTECTED });
    const early = await rejection(remove(client, "forced", { DeletionMode: "FORCE_DELETE_STACK" }));
    await remove(client, "forced");
    await reach(client, "forced", "DELETE_FAILED");
    await remove(client, "forced", { DeletionMode: "FORCE_DELETE_STACK" });
    await reach(client, StackId, "DELETE_COMPLETE");
    const { PhysicalResourceId: identifier, ResourceStatus } = await resourceOf(client, StackId, "Cluster");
    const cluster = await controlClient(both.dsql).send(new GetClusterCommand({ identifier }));
    expect(early).toMatchObject({ name: "ValidationError" });
    expect([ResourceStatus, cluster.status]).toEqual(["DELETE_SKIPPED", "ACTIVE"]);
  });
});

it("a full quota of clusters is the reason of a rollback", async () => {
  const full = await startBoth({ dsql: { "no-engines": true, quota: 0 } });
  try {
    await create(full.client(), "full");
    await reach(full.client(), "full", "ROLLBACK_COMPLETE");
    const { StackEvents } = await full.client().send(new DescribeStackEventsCommand({ StackName: "full" }));
    const told = await story(full.client(), "full");
    expect(told).toEqual([
      ...["full CREATE_IN_PROGRESS", "Cluster CREATE_IN_PROGRESS", "Cluster CREATE_FAILED"],
      ...["full ROLLBACK_IN_PROGRESS", "Cluster DELETE_COMPLETE", "full ROLLBACK_COMPLETE"],
    ]);
    const reasons = StackEvents!.map(({ ResourceStatusReason }) => ResourceStatusReason);
    expect(reasons.filter((reason) => reason !== undefined)).toEqual([
      "The following resource(s) failed to create: [Cluster]. Rollback requested by user.",
      expect.stringMatching(
        /^Resource handler returned message: "You have reached the cluster limit. \(Service: Dsql, Status Code: 402, .*HandlerErrorCode: ServiceLimitExceeded\)$/,
      ),
      "User Initiated",
    ]);
  } finally {
    await full.stop();
  }
});

it("the SDK's waiter for rollbacks knows the end of one", async () => {
  await complete(client, "awaited");
  await fail("update", "DSQL::Cluster");
  await update(client, "awaited", { Parameters: PROTECTED });
  const { state } = await waitUntilStackRollbackComplete({ client, ...WAIT }, { StackName: "awaited" });
  expect(state).toBe("SUCCESS");
});
