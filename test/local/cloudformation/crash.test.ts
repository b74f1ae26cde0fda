import { setTimeout as sleep } from "node:timers/promises";
import { waitUntilStackCreateComplete, waitUntilStackDeleteComplete } from "@aws-sdk/client-cloudformation";
import { afterEach, expect, it } from "vitest";
import { rejection } from "../dsql/clients.ts";
import {
  type Both,
  clustersOf,
  create,
  describe as describeStack,
  NEVER_MS,
  post,
  remove,
  resourceOf,
  startBoth,
  update,
  WAIT,
} from "./stacks.ts";

let both: Both;

afterEach(() => both.stop());

const PROTECTED = [{ ParameterKey: "Protected", ParameterValue: "true" }];

it("a stack is in progress for the time given, and refuses a second one of its name and an update", async () => {
  both = await startBoth({ cloudformation: { "step-ms": NEVER_MS } });
  const client = both.client();
  await create(client, "slow");
  const stack = await describeStack(client, "slow");
  const second = await rejection(create(client, "slow"));
  const changed = await rejection(update(client, "slow", { Parameters: PROTECTED }));
  expect(stack.StackStatus).toBe("CREATE_IN_PROGRESS");
  expect(second).toMatchObject({ name: "AlreadyExistsException" });
  expect(changed).toMatchObject({ message: expect.stringContaining("is in CREATE_IN_PROGRESS state") });
});

it("a process that dies while the cluster is made, its answer lost, makes no second one after the restart", async () => {
  both = await startBoth();
  // The cluster is made, and nobody hears of it, until the process is gone: the SDK gives up after three attempts.
  await post(`${both.dsql.controlUrl}/_local/faults`, {
    operation: "CreateCluster",
    answer: "lost",
    times: 10_000,
  });
  const { StackId } = await create(both.client(), "crashed");
  while ((await clustersOf(both)).length === 0) await sleep(20);
  await both.kill();
  await fetch(`${both.dsql.controlUrl}/_local/faults`, { method: "DELETE" });
  await both.restart();
  const client = both.client();
  await waitUntilStackCreateComplete({ client, ...WAIT }, { StackName: "crashed" });
  const { PhysicalResourceId } = await resourceOf(client, StackId!, "Cluster");
  expect((await clustersOf(both)).map(({ identifier }) => identifier)).toEqual([PhysicalResourceId]);
});

it("a process that dies while it deletes goes on after the restart, and the story is kept", async () => {
  both = await startBoth();
  const { StackId } = await create(both.client(), "dying");
  await waitUntilStackCreateComplete({ client: both.client(), ...WAIT }, { StackName: "dying" });
  await both.kill();
  await both.restart({ "step-ms": NEVER_MS });
  await remove(both.client(), "dying");
  await both.kill();
  await both.restart();
  const client = both.client();
  await waitUntilStackDeleteComplete({ client, ...WAIT }, { StackName: StackId });
  const stack = await describeStack(client, StackId!);
  expect(stack.StackStatus).toBe("DELETE_COMPLETE");
  expect(await clustersOf(both)).toEqual([]);
});

it("a stack that is deleted while its cluster is made waits for the cluster and leaves none", async () => {
  both = await startBoth();
  await post(`${both.dsql.controlUrl}/_local/faults`, {
    operation: "CreateCluster",
    answer: "lost",
    times: 4,
  });
  const client = both.client();
  const { StackId } = await create(client, "cancelled");
  while ((await clustersOf(both)).length === 0) await sleep(20);
  await remove(client, "cancelled");
  await waitUntilStackDeleteComplete({ client, ...WAIT }, { StackName: StackId });
  expect(await clustersOf(both)).toEqual([]);
});
