import {
  CreateClusterCommand,
  DeleteClusterCommand,
  GetClusterCommand,
  ListClustersCommand,
  ListTagsForResourceCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateClusterCommand,
} from "@aws-sdk/client-dsql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalDsql, startLocalDsql } from "../../support/local-dsql.ts";
import { controlClient, createCluster, rejection, temporaryDirectory } from "./clients.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let local: LocalDsql;
let client: ReturnType<typeof controlClient>;

beforeAll(async () => {
  directory = await temporaryDirectory();
  local = await startLocalDsql({ directory: directory.path, flags: { quota: 100 } });
  client = controlClient(local.ready);
});

afterAll(async () => {
  await local.stop();
  await directory.remove();
});

const ABSENT = "a".repeat(26);

function postFault(fault: object): Promise<Response> {
  return fetch(`${local.ready.controlUrl}/_local/faults`, { method: "POST", body: JSON.stringify(fault) });
}

describe("a cluster", () => {
  it("is created, described and tagged as the API says", async () => {
    const created = await client.send(
      new CreateClusterCommand({ deletionProtectionEnabled: false, tags: { Name: "pull 7" } }),
    );
    const found = await client.send(new GetClusterCommand({ identifier: created.identifier }));
    expect(created.status).toBe("CREATING");
    expect(found).toMatchObject({
      identifier: expect.stringMatching(/^[a-z2-7]{26}$/),
      arn: `arn:aws:dsql:us-east-1:000000000000:cluster/${created.identifier}`,
      status: "ACTIVE",
      endpoint: `${created.identifier}.dsql.us-east-1.on.aws`,
      deletionProtectionEnabled: false,
      tags: { Name: "pull 7" },
      creationTime: expect.any(Date),
      encryptionDetails: { encryptionType: "AWS_OWNED_KMS_KEY", encryptionStatus: "ENABLED" },
    });
  });

  it("is gone once it was deleted", async () => {
    const { identifier } = await createCluster(local.ready);
    const deleted = await client.send(new DeleteClusterCommand({ identifier }));
    const refusal = await rejection(client.send(new GetClusterCommand({ identifier })));
    expect(deleted.status).toBe("DELETING");
    expect(refusal).toMatchObject({
      name: "ResourceNotFoundException",
      resourceId: identifier,
      resourceType: "cluster",
    });
  });

  it("is protected against deletion unless told otherwise, until it is updated", async () => {
    const { identifier } = await createCluster(local.ready, { deletionProtectionEnabled: undefined });
    const refusal = await rejection(client.send(new DeleteClusterCommand({ identifier })));
    await client.send(new UpdateClusterCommand({ identifier, deletionProtectionEnabled: false }));
    const deleted = await client.send(new DeleteClusterCommand({ identifier }));
    expect(refusal).toMatchObject({ name: "ValidationException", reason: "deletionProtectionEnabled" });
    expect(deleted.status).toBe("DELETING");
  });

  it("takes and loses tags", async () => {
    const { arn } = await createCluster(local.ready, { tags: { keep: "1", drop: "2" } });
    await client.send(new TagResourceCommand({ resourceArn: arn, tags: { "offshoot:kind": "preview" } }));
    await client.send(new UntagResourceCommand({ resourceArn: arn, tagKeys: ["drop", "never there"] }));
    const { tags } = await client.send(new ListTagsForResourceCommand({ resourceArn: arn }));
    expect(tags).toEqual({ keep: "1", "offshoot:kind": "preview" });
  });

  it("is listed on exactly one page", async () => {
    const created = [
      await createCluster(local.ready),
      await createCluster(local.ready),
      await createCluster(local.ready),
    ];
    const listed: (string | undefined)[] = [];
    let nextToken: string | undefined;
    do {
      const page = await client.send(new ListClustersCommand({ maxResults: 2, nextToken }));
      expect(page.clusters!.length).toBeLessThanOrEqual(2);
      listed.push(...page.clusters!.map((cluster) => cluster.identifier));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed).toEqual(expect.arrayContaining(created.map((cluster) => cluster.identifier)));
  });
});

describe("a client token", () => {
  it("makes a repeated creation answer the same cluster", async () => {
    const first = await createCluster(local.ready, { clientToken: "repeat", tags: { a: "1", b: "2" } });
    const second = await createCluster(local.ready, { clientToken: "repeat", tags: { b: "2", a: "1" } });
    expect(second).toEqual(first);
  });

  it("is a conflict with other parameters", async () => {
    await createCluster(local.ready, { clientToken: "other", tags: { a: "1" } });
    const refusal = await rejection(createCluster(local.ready, { clientToken: "other", tags: { a: "2" } }));
    expect(refusal).toMatchObject({ name: "ConflictException", $metadata: { httpStatusCode: 409 } });
  });

  it("lets a deletion be repeated after the cluster is gone", async () => {
    const { identifier } = await createCluster(local.ready);
    const command = new DeleteClusterCommand({ identifier, clientToken: "delete-once" });
    await client.send(command);
    const repeated = await client.send(command);
    expect(repeated.identifier).toBe(identifier);
  });
});

describe("bad requests", () => {
  it.each([
    ["an identifier of another shape", () => new GetClusterCommand({ identifier: "ABC" }), "identifier"],
    [
      "a tag with a character outside the set",
      () => new CreateClusterCommand({ tags: { a: "Ünïcode" } }),
      "tags.a",
    ],
    ["a tag that is too long", () => new CreateClusterCommand({ tags: { a: "x".repeat(257) } }), "tags.a"],
    ["a client token with a space", () => new CreateClusterCommand({ clientToken: "a b" }), "clientToken"],
    ["a page of 101 clusters", () => new ListClustersCommand({ maxResults: 101 }), "maxResults"],
    [
      "an ARN of another account",
      () => new ListTagsForResourceCommand({ resourceArn: arnOf("111111111111") }),
      "resourceArn",
    ],
    ["a policy without a statement", () => new CreateClusterCommand({ policy: "{}" }), "policy"],
  ])("%s is a ValidationException that names the field", async (_what, command, name) => {
    const refusal = await rejection(client.send(command() as GetClusterCommand));
    expect(refusal).toMatchObject({
      name: "ValidationException",
      reason: "fieldValidationFailed",
      fieldList: expect.arrayContaining([expect.objectContaining({ name })]),
      $metadata: { httpStatusCode: 400, requestId: expect.any(String) },
    });
  });

  it.each([
    ["GetCluster", () => new GetClusterCommand({ identifier: ABSENT })],
    ["UpdateCluster", () => new UpdateClusterCommand({ identifier: ABSENT })],
    ["DeleteCluster", () => new DeleteClusterCommand({ identifier: ABSENT })],
    ["TagResource", () => new TagResourceCommand({ resourceArn: arnOf("000000000000"), tags: { a: "b" } })],
  ])("%s of a cluster that does not exist is a 404", async (_name, command) => {
    const refusal = await rejection(client.send(command() as GetClusterCommand));
    expect(refusal).toMatchObject({ name: "ResourceNotFoundException", $metadata: { httpStatusCode: 404 } });
  });

  it("a member that is not offered is refused by name", async () => {
    const multiRegionProperties = { witnessRegion: "us-west-2" };
    const refusal = await rejection(createCluster(local.ready, { multiRegionProperties }));
    expect(refusal).toMatchObject({
      fieldList: [{ name: "multiRegionProperties", message: "is not offered by the local DSQL" }],
    });
  });

  it("a wrong secret is refused", async () => {
    const stranger = controlClient(local.ready, { accessKeyId: "local", secretAccessKey: "guess" });
    const refusal = await rejection(stranger.send(new ListClustersCommand({})));
    expect(refusal).toMatchObject({ name: "AccessDeniedException", $metadata: { httpStatusCode: 403 } });
  });

  it("an unsigned request is refused", async () => {
    const response = await fetch(`${local.ready.controlUrl}/cluster`);
    expect(response.status).toBe(403);
    expect(response.headers.get("x-amzn-errortype")).toBe("AccessDeniedException");
  });

  it("an unknown operation is a ValidationException", async () => {
    const response = await fetch(`${local.ready.controlUrl}/nothing`, { method: "PUT", body: "x" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ reason: "unknownOperation" });
  });
});

function arnOf(accountId: string): string {
  return `arn:aws:dsql:us-east-1:${accountId}:cluster/${ABSENT}`;
}

describe("faults on demand", () => {
  it.each([
    [500, "InternalServerException"],
    [429, "ThrottlingException"],
  ])("%d is answered as often as asked for, with the time to wait", async (answer, name) => {
    await postFault({ operation: "ListClusters", answer, times: 1, retryAfterSeconds: 7 });
    const refusal = await rejection(client.send(new ListClustersCommand({})));
    const next = await client.send(new ListClustersCommand({}));
    expect(refusal).toMatchObject({ name, retryAfterSeconds: 7, $metadata: { httpStatusCode: answer } });
    expect(next.$metadata.httpStatusCode).toBe(200);
  });

  it("a lost answer leaves its effect, which the same token finds again", async () => {
    await postFault({ operation: "CreateCluster", answer: "lost", times: 1 });
    const lost = await rejection(createCluster(local.ready, { clientToken: "lost", tags: { lost: "yes" } }));
    const { identifier } = await createCluster(local.ready, { clientToken: "lost", tags: { lost: "yes" } });
    const clusters = (await (await fetch(`${local.ready.controlUrl}/_local/clusters`)).json()) as {
      tags: object;
    }[];
    expect(lost).toBeInstanceOf(Error);
    expect(clusters.filter((cluster) => "lost" in cluster.tags)).toEqual([
      expect.objectContaining({ identifier }),
    ]);
  });

  it("a hanging answer ends with the caller's patience, and faults can be taken back", async () => {
    await postFault({ operation: "*", answer: "hang", times: 5 });
    const impatient = rejection(
      client.send(new ListClustersCommand({}), { abortSignal: AbortSignal.timeout(100) }),
    );
    expect(await impatient).toMatchObject({ name: expect.stringMatching(/Abort|Timeout/) });
    await fetch(`${local.ready.controlUrl}/_local/faults`, { method: "DELETE" });
    const next = await client.send(new ListClustersCommand({}));
    expect(next.$metadata.httpStatusCode).toBe(200);
  });

  it("a fault of another shape is refused", async () => {
    const response = await postFault({ operation: "ListClusters", answer: 418, times: 1 });
    expect(response.status).toBe(400);
  });
});
