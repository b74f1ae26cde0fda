import { afterEach, describe, expect, it } from "vitest";
import { createClusterControl } from "../../service/adapters/dsql-control.ts";
import { type Answer, type Asked, startScriptedServer } from "../support/contract-server.ts";

const ID = "abcdefghijklmnopqrstuvwxyz";
const ARN = `arn:aws:dsql:us-east-1:123456789012:cluster/${ID}`;
const cluster = (status: string, more: object = {}) => ({
  status: 200,
  body: {
    identifier: ID,
    arn: ARN,
    status,
    creationTime: 1_700_000_000,
    deletionProtectionEnabled: false,
    ...more,
  },
});
const error = (status: number, type: string, more: object = {}, headers = {}): Answer => ({
  status,
  headers: { "x-amzn-errortype": type, ...headers },
  body: { message: "said AWS", ...more },
});
const NOT_FOUND = error(404, "ResourceNotFoundException");

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function controlWith(script: (asked: Asked) => Answer | "hang") {
  const server = await startScriptedServer(script);
  const control = createClusterControl({
    region: "us-east-1",
    endpoint: server.url,
    credentials: async () => ({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }),
    callTimeoutMs: 300,
  });
  ends.push(control.close, server.close);
  return { control, asked: server.asked };
}

it("asks for the organisation's tags and key, and replaces none of ours", async () => {
  const server = await startScriptedServer(() => cluster("CREATING"));
  const kmsKeyArn = "arn:aws:kms:us-east-1:123456789012:key/k";
  const control = createClusterControl({
    region: "us-east-1",
    endpoint: server.url,
    credentials: async () => ({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }),
    extraTags: { team: "db", "offshoot:cluster": "stolen" },
    kmsKeyArn,
  });
  ends.push(control.close, server.close);
  await control.create(request);
  expect(JSON.parse(server.asked[0]?.body ?? "")).toMatchObject({
    kmsEncryptionKey: kmsKeyArn,
    tags: { team: "db", "offshoot:cluster": "clu_1" },
  });
});

const request = { clientToken: "token-1", tags: { "offshoot:cluster": "clu_1" } };

describe("the status of a cluster", () => {
  it.each([
    ["CREATING", "creating"],
    ["ACTIVE", "usable"],
    ["IDLE", "usable"],
    ["INACTIVE", "usable"],
    ["UPDATING", "usable"],
    ["FAILED", "failed"],
    ["DELETING", "deleting"],
    ["DELETED", "deleting"],
    ["PENDING_DELETE", "deleting"],
    ["PENDING_SETUP", "unknown"],
    ["SOMETHING_NEW", "unknown"],
  ])("%s is %s", async (status, kind) => {
    const { control } = await controlWith(() => cluster(status));
    expect(await control.observe(ID)).toMatchObject({ kind });
  });

  it("gets its endpoint from the Region when AWS leaves it out", async () => {
    const { control } = await controlWith(() => cluster("CREATING"));
    const endpoint = `${ID}.dsql.us-east-1.on.aws`;
    expect(await control.create(request)).toMatchObject({
      kind: "creating",
      identifier: ID,
      arn: ARN,
      endpoint,
    });
  });

  it("is unknown when the endpoint is not one of DSQL, where a token would be sent to", async () => {
    const { control } = await controlWith(() => cluster("ACTIVE", { endpoint: "db.example.com" }));
    expect(await control.observe(ID)).toMatchObject({ kind: "unknown" });
  });
});

describe("errors of AWS", () => {
  const cases: readonly (readonly [name: string, answer: Answer | "hang", kinds: readonly string[]])[] = [
    // What create, observe and remove make of it.
    ["not found", NOT_FOUND, ["unknown", "absent", "absent"]],
    ["quota", error(402, "ServiceQuotaExceededException"), ["quota", "unknown", "unknown"]],
    ["conflict", error(409, "ConflictException"), ["conflict", "unknown", "busy"]],
    ["denied", error(403, "AccessDeniedException"), ["refused", "unknown", "unknown"]],
    ["invalid", error(400, "ValidationException", { reason: "other" }), ["refused", "unknown", "unknown"]],
    [
      "protected",
      error(400, "ValidationException", { reason: "deletionProtectionEnabled" }),
      ["unknown", "unknown", "protected"],
    ],
    ["expired token", error(403, "ExpiredTokenException"), ["unknown", "unknown", "unknown"]],
    ["throttled", error(429, "ThrottlingException"), ["unknown", "unknown", "unknown"]],
    ["internal error", error(500, "InternalServerException"), ["unknown", "unknown", "unknown"]],
    ["a proxy's 500", { status: 500, body: "<html>Bad</html>" }, ["unknown", "unknown", "unknown"]],
    ["a proxy's 404", { status: 404, body: "<html>Nope</html>" }, ["unknown", "unknown", "unknown"]],
    ["half an answer", { status: 200, body: '{"identifier":"abc' }, ["unknown", "unknown", "unknown"]],
    ["an empty answer", { status: 200, body: {} }, ["unknown", "unknown", "removing"]],
    ["no answer", "hang", ["unknown", "unknown", "unknown"]],
  ];
  it.each(cases)("%s", async (_name, answer, kinds) => {
    const { control, asked } = await controlWith(() => answer);
    const answers = [await control.create(request), await control.observe(ID), await control.remove(ID)];
    expect(answers.map(({ kind }) => kind)).toEqual(kinds);
    expect(asked.length).toBe(3);
  });

  it("hands on how long AWS wants to be left alone", async () => {
    const throttled = error(429, "ThrottlingException", {}, { "retry-after": "7" });
    const { control } = await controlWith(() => throttled);
    expect(await control.observe(ID)).toMatchObject({ kind: "unknown", retryAfterMs: 7_000 });
    expect(await control.create(request)).toMatchObject({ kind: "unknown", retryAfterMs: 7_000 });
  });

  it("gives causes of one line without account ids", async () => {
    const message = `User: arn:aws:sts::123456789012:assumed-role/x is not authorized\nThe Canonical String was …`;
    const { control } = await controlWith(() => error(403, "AccessDeniedException", { message }));
    expect(await control.create(request)).toEqual({
      kind: "refused",
      cause: "AccessDeniedException: User: arn:aws:sts::<account>:assumed-role/x is not authorized",
    });
  });

  it("asks nothing for tags or tokens that AWS would refuse", async () => {
    const { control, asked } = await controlWith(() => cluster("CREATING"));
    for (const tags of [{ Name: "50 %" }, { "": "x" }, { a: "x".repeat(257) }]) {
      expect(await control.create({ clientToken: "t", tags })).toMatchObject({ kind: "refused" });
    }
    expect(await control.create({ clientToken: "a b", tags: {} })).toMatchObject({ kind: "refused" });
    expect(asked).toEqual([]);
  });
});

describe("finding a cluster by its tag", () => {
  const id = (letter: string) => letter.repeat(26);
  const listed = (...letters: string[]) =>
    letters.map((letter) => ({ identifier: id(letter), arn: ARN.replace(ID, id(letter)) }));
  const tagged = (value: string): Answer => ({ status: 200, body: { tags: { "offshoot:cluster": value } } });
  const account = (tags: (letter: string) => Answer) => (asked: Asked) => {
    if (asked.path.startsWith("/tags/")) return tags(asked.path.at(-1) ?? "");
    if (asked.path.startsWith("/cluster/")) return cluster("ACTIVE", { identifier: asked.path.slice(-26) });
    if (asked.path.includes("next-token=2")) return { status: 200, body: { clusters: listed("c") } };
    return { status: 200, body: { clusters: listed("a", "b"), nextToken: "2" } };
  };

  it("looks on every page", async () => {
    const { control } = await controlWith(account((letter) => tagged(letter === "c" ? "clu_1" : "clu_2")));
    expect(await control.find("clu_1")).toMatchObject({ kind: "usable", identifier: id("c") });
    expect(await control.identifiers()).toHaveLength(3);
  });

  it("skips a cluster that vanished after it was listed", async () => {
    const { control } = await controlWith(
      account((letter) => (letter === "b" ? NOT_FOUND : tagged("clu_2"))),
    );
    expect(await control.find("clu_1")).toEqual({ kind: "absent" });
  });

  it("is unknown when one tag could not be read", async () => {
    const throttled = error(429, "ThrottlingException");
    const { control } = await controlWith(
      account((letter) => (letter === "b" ? throttled : tagged("clu_2"))),
    );
    expect(await control.find("clu_1")).toMatchObject({ kind: "unknown" });
  });

  it.each<[string, Answer]>([
    ["fails", error(500, "InternalServerException")],
    ["has no list", { status: 200, body: {} }],
    ["never ends", { status: 200, body: { clusters: [], nextToken: "2" } }],
  ])("is unknown, and uncounted, when a page %s", async (_name, answer) => {
    const { control } = await controlWith(() => answer);
    expect(await control.find("clu_1")).toMatchObject({ kind: "unknown" });
    expect(await control.identifiers()).toBeNull();
  });
});
