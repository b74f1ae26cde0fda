import {
  CreateClusterCommand,
  DeleteClusterPolicyCommand,
  GetClusterPolicyCommand,
  PutClusterPolicyCommand,
} from "@aws-sdk/client-dsql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalDsql, startLocalDsql } from "../../support/local-dsql.ts";
import {
  accessDenied,
  assume,
  connect,
  controlClient,
  createCluster,
  policyOf,
  query,
  rejection,
  roleArn,
  temporaryDirectory,
} from "./clients.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let local: LocalDsql;
let client: ReturnType<typeof controlClient>;

const POLICY_SESSION_MS = 300;

beforeAll(async () => {
  directory = await temporaryDirectory();
  await start();
});

afterAll(async () => {
  await local.stop();
  await directory.remove();
});

async function start(): Promise<void> {
  const flags = { "policy-session-ms": POLICY_SESSION_MS, quota: 50 };
  local = await startLocalDsql({ directory: directory.path, flags });
  client = controlClient(local.ready);
}

/** Nobody but the worker may connect: what retires a cluster. */
function denyAllBut(role: string): string {
  return JSON.stringify(
    policyOf({
      ...{ Effect: "Deny", Principal: { AWS: "*" }, Action: ["dsql:DbConnect", "dsql:DbConnectAdmin"] },
      Condition: { ArnNotEquals: { "aws:PrincipalArn": roleArn(role) } },
    }),
  );
}

describe("a cluster's policy", () => {
  it("is put, read, replaced and deleted", async () => {
    const { identifier } = await createCluster(local.ready);
    const first = await client.send(new PutClusterPolicyCommand({ identifier, policy: denyAllBut("one") }));
    const second = await client.send(new PutClusterPolicyCommand({ identifier, policy: denyAllBut("two") }));
    const found = await client.send(new GetClusterPolicyCommand({ identifier }));
    const deleted = await client.send(new DeleteClusterPolicyCommand({ identifier }));
    const refusal = await rejection(client.send(new GetClusterPolicyCommand({ identifier })));
    expect(second.policyVersion).not.toBe(first.policyVersion);
    expect(found).toMatchObject({ policy: denyAllBut("two"), policyVersion: second.policyVersion });
    expect(deleted.policyVersion).toBe(second.policyVersion);
    expect(refusal).toMatchObject({ name: "ResourceNotFoundException", $metadata: { httpStatusCode: 404 } });
  });

  it("is changed only from the version that the caller expects", async () => {
    const { identifier } = await createCluster(local.ready);
    const policy = denyAllBut("worker");
    const { policyVersion } = await client.send(new PutClusterPolicyCommand({ identifier, policy }));
    const other = { identifier, expectedPolicyVersion: "other" };
    const put = await rejection(client.send(new PutClusterPolicyCommand({ ...other, policy })));
    const deletion = await rejection(client.send(new DeleteClusterPolicyCommand(other)));
    const expected = { identifier, expectedPolicyVersion: policyVersion };
    const deleted = await client.send(new DeleteClusterPolicyCommand(expected));
    for (const refusal of [put, deletion]) {
      expect(refusal).toMatchObject({ name: "ConflictException", resourceId: identifier });
    }
    expect(deleted.policyVersion).toBe(policyVersion);
  });

  it("answers the same again to the same client token", async () => {
    const { identifier } = await createCluster(local.ready);
    const command = new PutClusterPolicyCommand({
      identifier,
      policy: denyAllBut("one"),
      clientToken: "put",
    });
    const first = await client.send(command);
    expect((await client.send(command)).policyVersion).toBe(first.policyVersion);
  });

  it("may come with the cluster, and is found again after a SIGKILL", async () => {
    const policy = denyAllBut("worker");
    const created = await client.send(new CreateClusterCommand({ deletionProtectionEnabled: false, policy }));
    await local.kill();
    await start();
    const found = await client.send(new GetClusterPolicyCommand({ identifier: created.identifier }));
    const refusal = await rejection(connect(local.ready, created.endpoint!));
    expect(found.policy).toBe(policy);
    expect(refusal).toMatchObject(accessDenied(/explicit deny/));
  });

  it("is refused when it has what is not evaluated", async () => {
    const { identifier } = await createCluster(local.ready);
    const Condition = { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } };
    const policy = JSON.stringify(policyOf({ Principal: "*", Action: "dsql:*", Condition }));
    const refusal = await rejection(client.send(new PutClusterPolicyCommand({ identifier, policy })));
    expect(refusal).toMatchObject({
      name: "ValidationException",
      fieldList: [{ name: "policy", message: expect.stringContaining("IpAddress") }],
    });
  });

  it("is refused when it locks out who puts it, unless that is wanted", async () => {
    const { identifier } = await createCluster(local.ready);
    const policy = JSON.stringify(policyOf({ Effect: "Deny", Principal: "*", Action: "dsql:*" }));
    const put = { identifier, policy };
    const refusal = await rejection(client.send(new PutClusterPolicyCommand(put)));
    await client.send(new PutClusterPolicyCommand({ ...put, bypassPolicyLockoutSafetyCheck: true }));
    const locked = await rejection(client.send(new DeleteClusterPolicyCommand({ identifier })));
    expect(refusal).toMatchObject({
      name: "ValidationException",
      message: expect.stringContaining("lock out"),
    });
    expect(locked).toMatchObject({ name: "AccessDeniedException" });
  });
});

describe("a policy that denies everybody but the worker", () => {
  it("refuses new connections of others until it is deleted", async () => {
    const { identifier, endpoint, arn } = await createCluster(local.ready);
    const worker = await assume(local.ready, "worker");
    await client.send(new PutClusterPolicyCommand({ identifier, policy: denyAllBut("worker") }));
    const refusal = await rejection(connect(local.ready, endpoint));
    const rows = await query(local.ready, endpoint, "select 1 as one", { credentials: worker });
    await client.send(new DeleteClusterPolicyCommand({ identifier }));
    const caller = "arn:aws:sts::000000000000:assumed-role/local-operator/local";
    expect(refusal).toMatchObject(
      accessDenied(
        new RegExp(`^User: ${caller} is not authorized to perform: dsql:DbConnectAdmin on resource: ${arn}`),
      ),
    );
    expect(rows).toEqual([{ one: 1 }]);
    expect(await query(local.ready, endpoint, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("ends open sessions of others after a while, and not before", async () => {
    const { identifier, endpoint } = await createCluster(local.ready);
    const credentials = await assume(local.ready, "worker");
    const [other, worker] = [
      await connect(local.ready, endpoint),
      await connect(local.ready, endpoint, { credentials }),
    ];
    const ended = new Promise<unknown>((resolve) => other.once("error", resolve));
    await client.send(new PutClusterPolicyCommand({ identifier, policy: denyAllBut("worker") }));
    const { rows } = await other.query("select 'still there' as state");
    expect(rows).toEqual([{ state: "still there" }]);
    expect(await ended).toMatchObject({ code: "57P01", severity: "FATAL" });
    expect((await worker.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await worker.end();
  });

  it("lets sessions go on when it is deleted in time", async () => {
    const { identifier, endpoint } = await createCluster(local.ready);
    const session = await connect(local.ready, endpoint);
    await client.send(new PutClusterPolicyCommand({ identifier, policy: denyAllBut("worker") }));
    await client.send(new DeleteClusterPolicyCommand({ identifier }));
    await new Promise((resolve) => setTimeout(resolve, 2 * POLICY_SESSION_MS));
    expect((await session.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await session.end();
  });
});
