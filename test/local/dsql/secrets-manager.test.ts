import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SecretRecord } from "../../../local/dsql/secret-store.ts";
import { makeSecretsManager } from "../../../local/dsql/secrets-manager.ts";
import { type LocalDsql, startLocalDsql } from "../../support/local-dsql.ts";
import { assume, LOCAL, policyOf, temporaryDirectory } from "./clients.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dsql: LocalDsql;

beforeAll(async () => {
  directory = await temporaryDirectory();
  dsql = await startLocalDsql({ directory: directory.path, flags: { "no-engines": true } });
});
afterAll(async () => {
  await dsql?.stop();
  await directory.remove();
});

function clientOf(credentials = LOCAL): SecretsManagerClient {
  const { region, neighboursUrl: endpoint } = dsql.ready;
  return new SecretsManagerClient({ region, endpoint, credentials, maxAttempts: 1 });
}

const TOKENS = ["a".repeat(32), "b".repeat(32), "c".repeat(32)];

it("keeps versions: one is current, the one before it previous, and others have no stage", async () => {
  const client = clientOf();
  const { ARN: SecretId } = await client.send(new CreateSecretCommand({ Name: "staged" }));
  const current = () => client.send(new GetSecretValueCommand({ SecretId }));
  await expect(current()).rejects.toThrow(/staging label: AWSCURRENT/);
  for (const [n, ClientRequestToken] of TOKENS.entries()) {
    await client.send(new PutSecretValueCommand({ SecretId, SecretString: `text ${n}`, ClientRequestToken }));
  }
  expect(await current()).toMatchObject({
    ...{ SecretString: "text 2", VersionId: TOKENS[2], VersionStages: ["AWSCURRENT"] },
  });
  const previous = new GetSecretValueCommand({ SecretId, VersionStage: "AWSPREVIOUS" });
  expect((await client.send(previous)).SecretString).toBe("text 1");
  const { VersionIdsToStages } = await client.send(new DescribeSecretCommand({ SecretId }));
  expect(VersionIdsToStages).toEqual({
    [String(TOKENS[1])]: ["AWSPREVIOUS"],
    [String(TOKENS[2])]: ["AWSCURRENT"],
  });
});

describe("a staged version", () => {
  const put = (client: SecretsManagerClient, SecretId: string, SecretString: string, stages?: string[]) =>
    client.send(
      new PutSecretValueCommand({ SecretId, SecretString, ...(stages ? { VersionStages: stages } : {}) }),
    );
  const stagesOf = async (client: SecretsManagerClient, SecretId: string) => {
    const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId }));
    return Object.values(VersionIdsToStages).flat().sort();
  };

  it("stays, however many come after it under another stage", () => {
    const secrets = new Map<string, SecretRecord>();
    const store = {
      get: (name: string) => secrets.get(name),
      put: (one: SecretRecord) => void secrets.set(one.name, one),
    };
    const manager = makeSecretsManager(store, "us-east-1", "000000000000");
    const run = (operation: string, input: object) =>
      JSON.parse(String(manager.run({ operation, input: { ...input } }, {} as never)));
    run("CreateSecret", { Name: "old", SecretString: "current" });
    for (let n = 0; n < 101; n += 1)
      run("PutSecretValue", { SecretId: "old", SecretString: `text ${n}`, VersionStages: ["candidate"] });
    expect(run("GetSecretValue", { SecretId: "old" })).toMatchObject({ SecretString: "current" });
    expect(secrets.get("old")?.versions).toHaveLength(101);
  });

  it("is the current one if it is the first, whatever its other stages", async () => {
    const client = clientOf();
    await client.send(new CreateSecretCommand({ Name: "first" }));
    await put(client, "first", "only", ["candidate"]);
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: "first" }));
    expect(SecretString).toBe("only");
  });

  it("has its stages for itself, and a secret has twenty at most", async () => {
    const client = clientOf();
    await client.send(new CreateSecretCommand({ Name: "many", SecretString: "one" }));
    await put(client, "many", "two", ["AWSCURRENT", "AWSPREVIOUS"]);
    expect(await stagesOf(client, "many")).toEqual(["AWSCURRENT", "AWSPREVIOUS"]);
    const labels = (from: string, count: number) => Array.from({ length: count }, (_, n) => `${from}${n}`);
    await put(client, "many", "three", labels("a", 18));
    await expect(put(client, "many", "four", ["b"])).rejects.toMatchObject({
      name: "LimitExceededException",
    });
    await put(client, "many", "four", ["a0"]);
  });
});

it("never changes a version, and takes the same one again", async () => {
  const client = clientOf();
  await client.send(new CreateSecretCommand({ Name: "fixed" }));
  const put = (SecretString: string) =>
    client.send(
      new PutSecretValueCommand({ SecretId: "fixed", SecretString, ClientRequestToken: TOKENS[0] }),
    );
  await put("one");
  await put("one");
  await expect(put("two")).rejects.toMatchObject({ name: "ResourceExistsException" });
});

it("finds its secrets again after a SIGKILL", async () => {
  await clientOf().send(new CreateSecretCommand({ Name: "kept", SecretString: "still here" }));
  await dsql.kill();
  dsql = await startLocalDsql({ directory: directory.path, flags: { "no-engines": true } });
  const found = await clientOf().send(new GetSecretValueCommand({ SecretId: "kept" }));
  expect(found.SecretString).toBe("still here");
});

it("needs a right signature, and holds a session to its policy", async () => {
  const stranger = clientOf({ accessKeyId: "local", secretAccessKey: "wrong" });
  const get = new GetSecretValueCommand({ SecretId: "kept" });
  await expect(stranger.send(get)).rejects.toMatchObject({ name: "InvalidSignatureException" });
  const reader = await assume(dsql.ready, "reader", policyOf({ Action: "secretsmanager:GetSecretValue" }));
  expect((await clientOf(reader).send(get)).SecretString).toBe("still here");
  const put = new PutSecretValueCommand({ SecretId: "kept", SecretString: "x" });
  await expect(clientOf(reader).send(put)).rejects.toMatchObject({ name: "AccessDeniedException" });
});
