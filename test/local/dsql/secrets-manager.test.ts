import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, expect, it } from "vitest";
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
