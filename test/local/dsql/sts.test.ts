import { GetClusterCommand, ListClustersCommand } from "@aws-sdk/client-dsql";
import { AssumeRoleCommand, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
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
  stsClient,
  temporaryDirectory,
} from "./clients.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let local: LocalDsql;

beforeAll(async () => {
  directory = await temporaryDirectory();
  local = await startLocalDsql({ directory: directory.path });
});

afterAll(async () => {
  await local.stop();
  await directory.remove();
});

const ROLE = { RoleArn: roleArn("connector"), RoleSessionName: "session" };

describe("AssumeRole", () => {
  it("gives temporary credentials that name role and session", async () => {
    const command = new AssumeRoleCommand({ ...ROLE, DurationSeconds: 900 });
    const { Credentials, AssumedRoleUser } = await stsClient(local.ready).send(command);
    const lifeMs = Credentials!.Expiration!.getTime() - Date.now();
    expect(Credentials).toMatchObject({
      AccessKeyId: expect.stringMatching(/^ASIA[A-Z0-9]{16}$/),
      SecretAccessKey: expect.stringMatching(/^.{40}$/),
    });
    expect(lifeMs).toBeGreaterThan(890_000);
    expect(lifeMs).toBeLessThanOrEqual(900_000);
    expect(AssumedRoleUser).toEqual({
      AssumedRoleId: expect.stringMatching(/^AROA[A-Z0-9]{16}:session$/),
      Arn: "arn:aws:sts::000000000000:assumed-role/connector/session",
    });
  });

  it("leaves the role's path out of the session's name", async () => {
    const command = new AssumeRoleCommand({ ...ROLE, RoleArn: roleArn("team/a/connector") });
    const { AssumedRoleUser } = await stsClient(local.ready).send(command);
    expect(AssumedRoleUser!.Arn).toBe("arn:aws:sts::000000000000:assumed-role/connector/session");
  });

  it.each([
    ["a name that is no ARN", { RoleArn: "connector-of-someone" }, "ValidationError"],
    ["a session without a name", { RoleSessionName: "!" }, "ValidationError"],
    ["too short a life", { DurationSeconds: 899 }, "ValidationError"],
    ["too long a life", { DurationSeconds: 43_201 }, "ValidationError"],
    ["a parameter that is not offered", { ExternalId: "external" }, "ValidationError"],
    ["a policy that is too long", { Policy: " ".repeat(2_049) }, "ValidationError"],
    ["a policy that is no JSON", { Policy: "{" }, "MalformedPolicyDocument"],
    [
      "a policy with a principal",
      { Policy: JSON.stringify(policyOf({ Principal: "*" })) },
      "MalformedPolicyDocument",
    ],
    ["a role of another account", { RoleArn: "arn:aws:iam::111111111111:role/connector" }, "AccessDenied"],
  ])("refuses %s", async (_what, input, code) => {
    const refusal = await rejection(
      stsClient(local.ready).send(new AssumeRoleCommand({ ...ROLE, ...input })),
    );
    expect(String((refusal as Error).name)).toMatch(new RegExp(`^${code}`));
    expect(refusal).toMatchObject({ message: expect.stringMatching(/./) });
  });

  it("refuses more than an hour to a session that assumes another role", async () => {
    const session = await assume(local.ready, "connector");
    const command = new AssumeRoleCommand({ ...ROLE, DurationSeconds: 3_601 });
    const refusal = await rejection(stsClient(local.ready, session).send(command));
    expect(refusal).toMatchObject({ message: expect.stringContaining("role chaining") });
  });

  it("is refused to a session whose policy leaves it out", async () => {
    const session = await assume(local.ready, "connector", policyOf({ Action: "dsql:*" }));
    const refusal = await rejection(stsClient(local.ready, session).send(new AssumeRoleCommand(ROLE)));
    expect(refusal).toMatchObject({
      message: expect.stringContaining("not authorized to perform: sts:AssumeRole"),
    });
  });

  it("fails as often as a test asks for", async () => {
    const fault = { operation: "AssumeRole", answer: 429, times: 1 };
    await fetch(`${local.ready.controlUrl}/_local/faults`, { method: "POST", body: JSON.stringify(fault) });
    const refusal = await rejection(stsClient(local.ready).send(new AssumeRoleCommand(ROLE)));
    expect(refusal).toMatchObject({ name: "Throttling" });
    expect(await assume(local.ready, "connector")).toMatchObject({ sessionToken: expect.any(String) });
  });
});

describe("GetCallerIdentity", () => {
  it("names the operator for the permanent key", async () => {
    const identity = await stsClient(local.ready).send(new GetCallerIdentityCommand({}));
    expect(identity).toMatchObject({
      Account: "000000000000",
      Arn: "arn:aws:sts::000000000000:assumed-role/local-operator/local",
    });
  });

  it("names the session for temporary credentials", async () => {
    const session = await assume(local.ready, "connector");
    const identity = await stsClient(local.ready, session).send(new GetCallerIdentityCommand({}));
    expect(identity.Arn).toBe("arn:aws:sts::000000000000:assumed-role/connector/test");
  });

  it.each([
    ["an unknown key", { accessKeyId: "stranger", secretAccessKey: "x" }, "InvalidClientTokenId"],
    ["a wrong secret", { accessKeyId: "local", secretAccessKey: "x" }, "SignatureDoesNotMatch"],
    [
      "a made-up session",
      { accessKeyId: "ASIA1", secretAccessKey: "x", sessionToken: "eA==" },
      "InvalidClientTokenId",
    ],
  ])("is refused to %s", async (_what, credentials, name) => {
    const refusal = await rejection(
      stsClient(local.ready, credentials).send(new GetCallerIdentityCommand({})),
    );
    expect(refusal).toMatchObject({ name, $metadata: { httpStatusCode: 403 } });
  });

  it("is not the only operation, but nearly", async () => {
    const response = await fetch(local.ready.neighboursUrl, {
      method: "POST",
      body: "Action=GetSessionToken",
    });
    expect(response.status).toBe(403);
    expect(await response.text()).toContain("<Code>MissingAuthenticationToken</Code>");
  });
});

describe("temporary credentials", () => {
  it("sign requests of the control plane and tokens", async () => {
    const session = await assume(local.ready, "worker");
    const { endpoint, identifier } = await createCluster(local.ready);
    const found = await controlClient(local.ready, session).send(new GetClusterCommand({ identifier }));
    const rows = await query(local.ready, endpoint, "select current_user as role", { credentials: session });
    expect(found.identifier).toBe(identifier);
    expect(rows).toEqual([{ role: "admin" }]);
  });

  it("are nothing without their session token", async () => {
    const { sessionToken: _lost, ...session } = await assume(local.ready, "worker");
    const { endpoint } = await createCluster(local.ready);
    const request = await rejection(controlClient(local.ready, session).send(new ListClustersCommand({})));
    const connection = await rejection(connect(local.ready, endpoint, { credentials: session }));
    expect(request).toMatchObject({ name: "AccessDeniedException" });
    expect(connection).toMatchObject(accessDenied(/security token included in the request is invalid/));
  });

  it("are nothing with the session token of another session, or one that was changed", async () => {
    const [one, other] = [await assume(local.ready, "worker"), await assume(local.ready, "worker")];
    const { endpoint } = await createCluster(local.ready);
    const changed = `${one.sessionToken.slice(0, 60)}${one.sessionToken[60] === "A" ? "B" : "A"}${one.sessionToken.slice(61)}`;
    for (const sessionToken of [other.sessionToken, changed]) {
      const credentials = { ...one, sessionToken };
      const refusal = await rejection(connect(local.ready, endpoint, { credentials }));
      expect(refusal).toMatchObject(accessDenied(/security token included in the request is invalid/));
    }
  });

  it("are confined to the cluster that their policy names", async () => {
    const [mine, other] = [await createCluster(local.ready), await createCluster(local.ready)];
    const policy = policyOf({ Action: "dsql:DbConnectAdmin", Resource: mine.arn });
    const session = await assume(local.ready, "connector", policy);
    const rows = await query(local.ready, mine.endpoint, "select 1 as one", { credentials: session });
    const refusal = await rejection(connect(local.ready, other.endpoint, { credentials: session }));
    const request = await rejection(
      controlClient(local.ready, session).send(new GetClusterCommand({ identifier: mine.identifier })),
    );
    const caller =
      "User: arn:aws:sts::000000000000:assumed-role/connector/test is not authorized to perform:";
    expect(rows).toEqual([{ one: 1 }]);
    expect(refusal).toMatchObject(
      accessDenied(new RegExp(`^${caller} dsql:DbConnectAdmin on resource: ${other.arn}`)),
    );
    expect(request).toMatchObject({
      name: "AccessDeniedException",
      message: expect.stringContaining(`${caller} dsql:GetCluster on resource: ${mine.arn}`),
    });
  });

  it("outlive a restart of the local DSQL", async () => {
    const session = await assume(local.ready, "worker");
    await local.kill();
    local = await startLocalDsql({ directory: directory.path });
    const identity = await stsClient(local.ready, session).send(new GetCallerIdentityCommand({}));
    expect(identity.Arn).toBe("arn:aws:sts::000000000000:assumed-role/worker/test");
  });
});
