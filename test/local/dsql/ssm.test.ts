import {
  AddTagsToResourceCommand,
  DeleteParameterCommand,
  DescribeParametersCommand,
  GetParameterCommand,
  GetParametersByPathCommand,
  ListTagsForResourceCommand,
  PutParameterCommand,
  type SSMClient,
} from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalDsql, startLocalDsql } from "../../support/local-dsql.ts";
import { assume, policyOf, rejection, ssmClient, temporaryDirectory } from "./clients.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let local: LocalDsql;
let client: SSMClient;

beforeAll(async () => {
  directory = await temporaryDirectory();
  await start();
});

afterAll(async () => {
  await local.stop();
  await directory.remove();
});

async function start(): Promise<void> {
  local = await startLocalDsql({ directory: directory.path, flags: { "no-engines": true } });
  client = ssmClient(local.ready);
}

function put(Name: string, Value = "value", more: object = {}) {
  return client.send(new PutParameterCommand({ Name, Value, Type: "String", ...more }));
}

describe("a parameter", () => {
  it("is put, read and deleted", async () => {
    const made = await put("/a/one", "first");
    const { Parameter } = await client.send(new GetParameterCommand({ Name: "/a/one" }));
    await client.send(new DeleteParameterCommand({ Name: "/a/one" }));
    const refusal = await rejection(client.send(new GetParameterCommand({ Name: "/a/one" })));
    expect(made.Version).toBe(1);
    expect(Parameter).toEqual({
      ...{ Name: "/a/one", Value: "first", Type: "String", Version: 1, DataType: "text" },
      ARN: "arn:aws:ssm:us-east-1:000000000000:parameter/a/one",
      LastModifiedDate: expect.any(Date),
    });
    expect(refusal).toMatchObject({ name: "ParameterNotFound", $metadata: { httpStatusCode: 400 } });
  });

  it("is replaced only by who says so, and keeps its tags then", async () => {
    await put("/b/one", "first", { Tags: [{ Key: "kind", Value: "tenant" }] });
    const refusal = await rejection(put("/b/one", "second"));
    const replaced = await put("/b/one", "second", { Overwrite: true });
    const { TagList } = await client.send(
      new ListTagsForResourceCommand({ ResourceType: "Parameter", ResourceId: "/b/one" }),
    );
    expect(refusal).toMatchObject({ name: "ParameterAlreadyExists" });
    expect(replaced.Version).toBe(2);
    expect(TagList).toEqual([{ Key: "kind", Value: "tenant" }]);
  });

  it("takes more tags", async () => {
    await put("/c/one", "value", { Tags: [{ Key: "kept", Value: "1" }] });
    const resource = { ResourceType: "Parameter", ResourceId: "/c/one" } as const;
    await client.send(new AddTagsToResourceCommand({ ...resource, Tags: [{ Key: "more", Value: "2" }] }));
    const { TagList } = await client.send(new ListTagsForResourceCommand(resource));
    expect(TagList).toEqual([
      { Key: "kept", Value: "1" },
      { Key: "more", Value: "2" },
    ]);
  });

  it.each([
    ["tags together with overwriting", "/d/1", { Overwrite: true, Tags: [{ Key: "a", Value: "b" }] }],
    ["a secret, which the local SSM does not keep", "/d/2", { Type: "SecureString" as const }],
    ["more than the standard tier takes", "/d/3", { Value: "x".repeat(4_097) }],
    ["a name with a space", "/d/a b", {}],
    ["a level without its slash", "d/e", {}],
    ["a name of AWS' own", "/aws/mine", {}],
    ["a member that is not offered", "/d/4", { AllowedPattern: ".*" }],
  ])("is refused with %s", async (_what, name, more) => {
    expect(await rejection(put(name, "value", more))).toMatchObject({ name: "ValidationException" });
  });

  it("that is not there can neither be deleted nor tagged", async () => {
    const resource = { ResourceType: "Parameter", ResourceId: "/none" } as const;
    const deletion = await rejection(client.send(new DeleteParameterCommand({ Name: "/none" })));
    const tagging = await rejection(client.send(new AddTagsToResourceCommand({ ...resource, Tags: [] })));
    expect(deletion).toMatchObject({ name: "ParameterNotFound" });
    expect(tagging).toMatchObject({ name: "InvalidResourceId" });
  });

  it("is found again after a SIGKILL", async () => {
    await put("/kept/one", "first");
    await put("/kept/one", "second", { Overwrite: true });
    await put("/kept/gone");
    await client.send(new DeleteParameterCommand({ Name: "/kept/gone" }));
    await local.kill();
    await start();
    const { Parameters } = await client.send(new GetParametersByPathCommand({ Path: "/kept" }));
    expect(Parameters).toMatchObject([{ Name: "/kept/one", Value: "second", Version: 2 }]);
  });
});

describe("many parameters", () => {
  it("are listed below a path, page by page", async () => {
    for (const name of ["/many/a", "/many/b", "/many/c/d", "/manyother"]) await put(name);
    const names: (string | undefined)[][] = [];
    let NextToken: string | undefined;
    do {
      const page = await client.send(
        new GetParametersByPathCommand({ Path: "/many", Recursive: true, MaxResults: 2, NextToken }),
      );
      names.push(page.Parameters!.map((one) => one.Name));
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    const { Parameters } = await client.send(new GetParametersByPathCommand({ Path: "/many/" }));
    expect(names).toEqual([["/many/a", "/many/b"], ["/many/c/d"]]);
    expect(Parameters!.map((one) => one.Name)).toEqual(["/many/a", "/many/b"]);
  });

  it("are described by name and tag", async () => {
    await put("/tagged/a", "value", { Tags: [{ Key: "tenant", Value: "acme" }] });
    await put("/tagged/b");
    const ParameterFilters = [
      { Key: "Name", Option: "BeginsWith", Values: ["/tagged/"] },
      { Key: "tag:tenant", Values: ["acme"] },
    ];
    const { Parameters } = await client.send(new DescribeParametersCommand({ ParameterFilters }));
    expect(Parameters).toMatchObject([{ Name: "/tagged/a", Version: 1 }]);
  });
});

describe("a caller", () => {
  it("needs a right signature", async () => {
    const stranger = ssmClient(local.ready, { accessKeyId: "local", secretAccessKey: "guess" });
    const refusal = await rejection(stranger.send(new GetParameterCommand({ Name: "/a" })));
    expect(refusal).toMatchObject({ name: "InvalidSignatureException" });
  });

  it("is held to the policy of its session", async () => {
    const Resource = "arn:aws:ssm:us-east-1:000000000000:parameter/tenants/*";
    const session = await assume(local.ready, "writer", policyOf({ Action: "ssm:PutParameter", Resource }));
    const writer = ssmClient(local.ready, session);
    const write = (Name: string) =>
      writer.send(new PutParameterCommand({ Name, Value: "value", Type: "String" }));
    const refusal = await rejection(write("/others/one"));
    expect((await write("/tenants/one")).Version).toBe(1);
    expect(refusal).toMatchObject({
      name: "AccessDeniedException",
      message: expect.stringContaining(
        "ssm:PutParameter on resource: arn:aws:ssm:us-east-1:000000000000:parameter/others/one",
      ),
    });
  });

  it("that is too large for any service is refused as such", async () => {
    const answer = await fetch(local.ready.neighboursUrl, {
      method: "POST",
      headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AmazonSSM.PutParameter" },
      body: "x".repeat(256 * 1024 + 1),
    });
    expect([answer.status, await answer.json()]).toEqual([
      413,
      { __type: "RequestTooLarge", message: "The request has more than 262144 bytes" },
    ]);
  });

  it.each([
    [500, "InternalServerError"],
    [429, "ThrottlingException"],
  ])("gets %d as often as a test asks for", async (answer, name) => {
    const fault = { operation: "GetParameter", answer, times: 1 };
    await fetch(`${local.ready.controlUrl}/_local/faults`, { method: "POST", body: JSON.stringify(fault) });
    const get = () => rejection(client.send(new GetParameterCommand({ Name: "/none" })));
    expect(await get()).toMatchObject({ name });
    expect(await get()).toMatchObject({ name: "ParameterNotFound" });
  });
});
