import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  AddTagsToResourceCommand,
  GetParameterCommand,
  ListTagsForResourceCommand,
  PutParameterCommand,
  type SSMClient,
} from "@aws-sdk/client-ssm";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createParameters } from "../../service/adapters/parameters.ts";
import { assume, LOCAL, policyOf, rejection, ssmClient, temporaryDirectory } from "../local/dsql/clients.ts";
import { type LocalDsql, startLocalDsql } from "../support/local-dsql.ts";

const TAGS = { "offshoot:service": "offshoot", "offshoot:environment": "env_1", "offshoot:kind": "preview" };

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let local: LocalDsql;
let client: SSMClient;
let parameters: ReturnType<typeof createParameters>;

beforeAll(async () => {
  directory = await temporaryDirectory();
  local = await startLocalDsql({ directory: directory.path, flags: { "no-engines": true } });
  client = ssmClient(local.ready);
  parameters = parametersAs(LOCAL);
});
afterAll(async () => {
  parameters.close();
  await local.stop();
  await directory.remove();
});

function parametersAs(credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }) {
  const { region, neighboursUrl: endpoint } = local.ready;
  return createParameters({ region, endpoint, credentials: async () => credentials });
}

const put = (name: string, value = "value") => parameters.put({ name, value, tags: TAGS });
const readValue = async (Name: string) =>
  (await client.send(new GetParameterCommand({ Name }))).Parameter?.Value;
const putTheirs = (Name: string, Tags: { Key: string; Value: string }[] = []) =>
  client.send(new PutParameterCommand({ Name, Value: "theirs", Type: "String", Tags }));
const tell = (fault: object) =>
  fetch(`${local.ready.controlUrl}/_local/faults`, { method: "POST", body: JSON.stringify(fault) });

describe("a parameter", () => {
  it("is made with its tags, replaced and removed, each as often as one likes", async () => {
    expect(await put("/a/one", "first")).toBe("put");
    expect(await put("/a/one", "second")).toBe("put");
    expect(await put("/a/one", "second")).toBe("put");
    const resource = { ResourceType: "Parameter", ResourceId: "/a/one" } as const;
    const { TagList } = await client.send(new ListTagsForResourceCommand(resource));
    expect(await readValue("/a/one")).toBe("second");
    expect(TagList).toEqual(Object.entries(TAGS).map(([Key, Value]) => ({ Key, Value })));
    expect(await parameters.remove("/a/one", TAGS)).toBe("removed");
    expect(await parameters.remove("/a/one", TAGS)).toBe("removed");
    expect(await rejection(readValue("/a/one"))).toMatchObject({ name: "ParameterNotFound" });
  });

  it("has the tags of the organisation besides, which nothing is known by", async () => {
    const { region, neighboursUrl: endpoint } = local.ready;
    const options = { region, endpoint, credentials: async () => LOCAL };
    const tagged = createParameters({ ...options, extraTags: { team: "db" } });
    expect(await tagged.put({ name: "/b/two", value: "value", tags: TAGS })).toBe("put");
    const resource = { ResourceType: "Parameter", ResourceId: "/b/two" } as const;
    const { TagList } = await client.send(new ListTagsForResourceCommand(resource));
    expect(TagList).toContainEqual({ Key: "team", Value: "db" });
    tagged.close();
    expect(await put("/b/two", "second")).toBe("put");
    expect(await parameters.remove("/b/two", TAGS)).toBe("removed");
  });

  it("stays ours with further tags", async () => {
    await put("/b/one");
    const resource = { ResourceType: "Parameter", ResourceId: "/b/one" } as const;
    await client.send(new AddTagsToResourceCommand({ ...resource, Tags: [{ Key: "team", Value: "web" }] }));
    expect(await put("/b/one", "second")).toBe("put");
  });

  it.each([
    ["has no tags", []],
    ["is another environment's", Object.entries({ ...TAGS, "offshoot:environment": "env_2" })],
    ["only says that it is of the service", [["offshoot:service", "offshoot"]]],
  ])("that %s is left alone", async (_what, tags) => {
    const name = `/c/${tags.length}`;
    await putTheirs(
      name,
      tags.map(([Key = "", Value = ""]) => ({ Key, Value })),
    );
    expect(await put(name)).toBe("foreign");
    expect(await parameters.remove(name, TAGS)).toBe("foreign");
    expect(await readValue(name)).toBe("theirs");
  });
});

describe("a failure", () => {
  it.each([
    ["PutParameter", 500],
    ["PutParameter", 429],
  ])("of %s with %s is tried again later", async (operation, answer) => {
    await tell({ operation, answer, times: 1 });
    expect(await rejection(put("/d/one"))).toMatchObject({
      name: "Retryable",
      reason: "parameter_unavailable",
    });
    expect(await put("/d/one")).toBe("put");
  });

  it("that took the answer away leaves a parameter that is known as ours", async () => {
    await tell({ operation: "PutParameter", answer: "lost", times: 1 });
    // The SDK itself repeats a request whose kept connection ended; this try may thus succeed.
    await put("/lost/one", "first").catch(() => {});
    expect(await readValue("/lost/one")).toBe("first");
    expect(await put("/lost/one", "second")).toBe("put");
    expect(await readValue("/lost/one")).toBe("second");
  });

  it.each([
    ["ListTagsForResource", 500],
    ["DeleteParameter", 500],
  ])("of %s while removing is tried again later", async (operation, answer) => {
    await put("/e/one");
    await tell({ operation, answer, times: 1 });
    expect(await rejection(parameters.remove("/e/one", TAGS))).toMatchObject({ name: "Retryable" });
    expect(await parameters.remove("/e/one", TAGS)).toBe("removed");
  });

  it("for want of a permission says which are needed", async () => {
    const reader = parametersAs(
      await assume(local.ready, "reader", policyOf({ Action: "ssm:GetParameter" })),
    );
    const refusal = await rejection(reader.put({ name: "/f/one", value: "value", tags: TAGS }));
    reader.close();
    expect(refusal).toMatchObject({
      name: "Refused",
      reason: "parameter_refused",
      message: expect.stringMatching(/AccessDenied.*<account>.*Allow the service's role ssm:PutParameter,/),
    });
  });

  it("for a name that SSM does not take needs somebody to change it", async () => {
    expect(await rejection(put("/aws/one"))).toMatchObject({ name: "Refused", reason: "parameter_refused" });
  });
});

describe("an SSM that is not well", () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  /** An SSM that gives one answer to everything; null: none at all. */
  async function answering(answer: { status: number; type: string } | null) {
    server = createServer((_request, response) => {
      if (!answer) return;
      response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.1" });
      response.end(JSON.stringify({ __type: answer.type, message: "no" }));
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server?.once("listening", resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const credentials = async () => LOCAL;
    return createParameters({ region: "us-east-1", endpoint, credentials, callTimeoutMs: 200 });
  }

  it.each([
    ["Retryable", { status: 400, type: "ThrottlingException" }],
    ["Retryable", { status: 400, type: "TooManyUpdates" }],
    ["Retryable", { status: 400, type: "RequestLimitExceeded" }],
    ["Retryable", { status: 400, type: "ExpiredTokenException" }],
    ["Retryable", { status: 503, type: "ServiceUnavailable" }],
    ["Retryable", null],
    ["Refused", { status: 400, type: "ParameterLimitExceeded" }],
    ["Refused", { status: 400, type: "ParameterMaxVersionLimitExceeded" }],
    ["Refused", { status: 400, type: "AccessDeniedException" }],
  ])("is %s with %o", async (name, answer) => {
    const unwell = await answering(answer);
    const failure = await rejection(unwell.put({ name: "/a", value: "b", tags: TAGS }));
    unwell.close();
    server?.closeAllConnections();
    expect(failure).toMatchObject({ name });
  });
});
