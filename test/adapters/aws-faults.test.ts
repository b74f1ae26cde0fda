import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createStackControl } from "../../service/adapters/cloudformation.ts";
import { createClusterControl } from "../../service/adapters/dsql-control.ts";
import { createTokenSigner } from "../../service/adapters/dsql-token.ts";
import { createEpochParameter } from "../../service/adapters/epoch-parameter.ts";
import { createParameters } from "../../service/adapters/parameters.ts";
import { createQueue } from "../../service/adapters/queue.ts";
import { createSecretsManager } from "../../service/adapters/secrets-manager.ts";
import { NOW } from "../domain/builders.ts";

interface Fault {
  readonly status: number;
  readonly code: string;
}

const OLD = { accessKeyId: "OLD", secretAccessKey: "old" };
const FRESH = { accessKeyId: "FRESH", secretAccessKey: "fresh" };
const VALID = /have expired or were taken back: give it valid ones/;
const IDENTIFIER = "a".repeat(26);

let server: Server;
let endpoint: string;
/** What every call is answered with, in each service's own protocol; null: those signed with OLD only. */
let fault: Fault | null = null;
let asked = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked += 1;
    request.resume().once("end", () => {
      const { authorization = "", "content-type": type = "" } = request.headers;
      const isOld = authorization.includes("Credential=OLD/");
      const { status, code } = fault ?? { status: isOld ? 400 : 200, code: "ExpiredTokenException" };
      const message = "Said by AWS";
      response.statusCode = status;
      if (status === 200) response.end("{}");
      else if (type.includes("urlencoded")) {
        const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
        response.setHeader("content-type", "text/xml").end(`<ErrorResponse>${error}</ErrorResponse>`);
      } else {
        response.setHeader("x-amzn-errortype", code).setHeader("content-type", "application/json");
        response.end(JSON.stringify({ __type: `com.amazonaws#${code}`, message }));
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  fault = null;
  asked = 0;
});

/** Everything that works on AWS, at this address. */
function createAll(at: string, credentials: Parameters<typeof createQueue>[0]["credentials"]) {
  const common = { region: "us-east-1", credentials, endpoint: at };
  const policy = { boundaryArn: null, kmsKeyArn: null, extraTags: {} };
  const roleArn = "arn:aws:iam::111122223333:role/signer";
  return {
    control: createClusterControl(common),
    stacks: createStackControl({ ...common, policy, roleArn: null }),
    signer: createTokenSigner({ ...common, roleArn }),
    parameters: createParameters({ ...common, extraTags: {} }),
    queue: createQueue({ ...common, url: "https://sqs.us-east-1.amazonaws.com/111122223333/wake" }),
    secrets: createSecretsManager({ ...common, arn: "arn:secret" }),
    epoch: createEpochParameter({ ...common, name: "/epoch" }),
  };
}

const TAGS = { "offshoot:cluster": "cl_1" };
const HINTS = [{ topic: "cluster", key: "cl_1", dueAt: NOW }] as const;
const token = {
  ...{ arn: `arn:aws:dsql:us-east-1:111122223333:cluster/${IDENTIFIER}`, user: "admin", seconds: 900 },
  endpoint: `${IDENTIFIER}.dsql.us-east-1.on.aws`,
};

/** What all of them answer; an error is told by its kind and reason. */
async function answersOf(all: ReturnType<typeof createAll>) {
  const { control, stacks, signer, parameters, queue, secrets, epoch } = all;
  const owner = { tags: TAGS, deletionProtected: false };
  const answers = await Promise.all([
    control.create({ clientToken: "tok_1", tags: TAGS }),
    control.observe(IDENTIFIER),
    control.find("cl_1"),
    control.remove(IDENTIFIER),
    control.readPolicy(IDENTIFIER),
    control.putPolicy(IDENTIFIER, "{}", null),
    stacks.create({ name: "offshoot-cl-1", token: "tok-1", owner }),
    stacks.describe("offshoot-cl-1", "cl_1"),
    stacks.remove("offshoot-cl-1"),
  ]);
  const lists = await Promise.all([control.inventory(), control.identifiers()]);
  const errors = await Promise.all(
    [
      signer.sign(token),
      parameters.put({ name: "/offshoot/env_1", value: "{}", tags: TAGS }),
      queue.send(HINTS, NOW),
      secrets.read(),
      epoch.read(),
    ].map((promise) => promise.then(String, (error: Error) => `${error.name}: ${error.message}`)),
  );
  for (const one of [control, stacks, signer, parameters, epoch]) one.close();
  return { answers, lists, errors };
}

describe.each([
  ["expired credentials", { status: 400, code: "ExpiredTokenException" }],
  ["expired credentials, as the Query protocol calls them", { status: 403, code: "ExpiredToken" }],
  ["credentials that were taken back", { status: 403, code: "UnrecognizedClientException" }],
  ["credentials that were taken back, in the Query protocol", { status: 403, code: "InvalidClientTokenId" }],
])("%s", (_what, answered) => {
  it("prove nothing, are tried again, and say what to do", async () => {
    fault = answered;
    const { answers, lists, errors } = await answersOf(createAll(endpoint, async () => OLD));
    for (const answer of answers) {
      expect(answer).toEqual({ kind: "unknown", cause: expect.stringMatching(VALID) });
    }
    expect(lists).toEqual([null, null]);
    for (const error of errors) {
      expect(error).toMatch(/^Retryable: /);
      expect(error).toMatch(VALID);
    }
  });
});

describe.each([
  ["throttled calls", { status: 400, code: "ThrottlingException" }],
  ["throttled calls, as the Query protocol calls them", { status: 400, code: "Throttling" }],
])("%s", (_what, answered) => {
  it("prove nothing and are tried again", async () => {
    fault = answered;
    const { answers, lists, errors } = await answersOf(createAll(endpoint, async () => FRESH));
    for (const answer of answers)
      expect(answer).toMatchObject({ kind: "unknown", cause: expect.stringMatching(/Throttling/) });
    expect(lists).toEqual([null, null]);
    for (const error of errors) expect(error).toMatch(/^Retryable: .*Throttling/);
  });
});

it("a Region that nobody reaches proves nothing: no cluster is called absent, and everything is tried again", async () => {
  const away = createServer().listen(0, "127.0.0.1");
  await once(away, "listening");
  const { port } = away.address() as AddressInfo;
  away.close();
  await once(away, "close");
  const { answers, lists, errors } = await answersOf(
    createAll(`http://127.0.0.1:${port}`, async () => FRESH),
  );
  for (const answer of answers) expect(answer).toMatchObject({ kind: "unknown" });
  expect(lists).toEqual([null, null]);
  for (const error of errors) expect(error).toMatch(/^Retryable: /);
});

describe("credentials that AWS calls expired", () => {
  it("are read anew within the call, which is made once more", async () => {
    let current = OLD;
    const credentials = async (options?: { readonly forceRefresh?: boolean }) => {
      if (options?.forceRefresh) current = FRESH;
      return current;
    };
    await createAll(endpoint, credentials).queue.send(HINTS, NOW);
    expect(asked).toBe(2);
  });

  it("are read anew for the next call where one is never repeated", async () => {
    let current = OLD;
    const credentials = async (options?: { readonly forceRefresh?: boolean }) => {
      if (options?.forceRefresh) current = FRESH;
      return current;
    };
    const { epoch } = createAll(endpoint, credentials);
    await expect(epoch.write({ epoch: 1, store: "store" })).rejects.toMatchObject({ name: "Retryable" });
    await epoch.write({ epoch: 1, store: "store" });
    expect(asked).toBe(2);
  });
});
