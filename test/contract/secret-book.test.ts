import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSecretFile } from "../../service/adapters/secret-file.ts";
import { createSecretsManager } from "../../service/adapters/secrets-manager.ts";
import type { SecretBook } from "../../service/handlers/ports-setup.ts";
import { type LocalDsql, startLocalDsql } from "../support/local-dsql.ts";

const CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };

let directory = "";
let dsql: LocalDsql;
let client: SecretsManagerClient;
let books = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-secrets-"));
  dsql = await startLocalDsql({ directory: join(directory, "dsql"), flags: { "no-engines": true } });
  const { region, neighboursUrl: endpoint } = dsql.ready;
  client = new SecretsManagerClient({ region, endpoint, credentials: CREDENTIALS });
});
afterAll(async () => {
  client?.destroy();
  await dsql?.stop();
  await rm(directory, { recursive: true, force: true });
});

const newFile = () => join(directory, `secrets-${++books}.json`);

async function newSecret(text?: string): Promise<string> {
  const Name = `offshoot/${++books}`;
  const made = await client.send(
    new CreateSecretCommand({ Name, ...(text === undefined ? {} : { SecretString: text }) }),
  );
  return made.ARN ?? "";
}

function managerOf(arn: string): SecretBook {
  const { region, neighboursUrl: endpoint } = dsql.ready;
  return createSecretsManager({ arn, region, endpoint, credentials: async () => CREDENTIALS });
}

describe.each<[string, (text?: string) => Promise<SecretBook>]>([
  [
    "a file",
    async (text) => {
      const path = newFile();
      if (text !== undefined) await writeFile(path, text);
      return createSecretFile(path);
    },
  ],
  ["Secrets Manager", async (text) => managerOf(await newSecret(text))],
])("a book of secrets in %s", (_, open) => {
  it("is empty before anything was written", async () => {
    expect((await (await open()).read()).pairs).toEqual({});
  });

  it("has what was written last, and a version of its own for each", async () => {
    const book = await open("{}");
    const first = await book.read();
    await book.replace({ A: "1", B: "two\nlines" }, first.version);
    const second = await book.read();
    expect(second.pairs).toEqual({ A: "1", B: "two\nlines" });
    await book.replace({ A: "2" }, second.version);
    expect((await book.read()).pairs).toEqual({ A: "2" });
  });

  it("is replaced by one of several who read the same version", async () => {
    const book = await open("{}");
    const { version } = await book.read();
    const tries = await Promise.allSettled([1, 2, 3].map((n) => book.replace({ N: String(n) }, version)));
    const lost = tries.filter((one) => one.status === "rejected");
    expect(lost).toHaveLength(2);
    for (const { reason } of lost) expect(reason).toMatchObject({ reason: "secrets_changed" });
    const won = tries.findIndex(({ status }) => status === "fulfilled") + 1;
    expect((await book.read()).pairs).toEqual({ N: String(won) });
  });

  it("is not overwritten by somebody who read an older version", async () => {
    const book = await open("{}");
    const { version } = await book.read();
    await book.replace({ A: "1" }, version);
    const late = book.replace({ A: "late" }, version);
    await expect(late).rejects.toMatchObject({ reason: "secrets_changed" });
    expect((await book.read()).pairs).toEqual({ A: "1" });
  });

  it.each(["not JSON", "[1]", '{"A":1}'])(
    "is refused if it holds %j, which is not repeated",
    async (text) => {
      const refused = (await open(text)).read();
      await expect(refused).rejects.toMatchObject({
        reason: "secrets_refused",
        message: expect.not.stringContaining(text),
      });
    },
  );
});

describe("a file of secrets", () => {
  it("is readable by its owner alone, and leaves nothing beside it", async () => {
    const path = newFile();
    const book = createSecretFile(path);
    await book.replace({ A: "1" }, (await book.read()).version);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const beside = (await readdir(directory)).filter((name) => name.endsWith(".next"));
    expect(beside).toEqual([]);
  });

  it("stays as it was while another writer's half is there, and says what to do", async () => {
    const path = newFile();
    const book = createSecretFile(path);
    const { version } = await book.read();
    await writeFile(`${path}.next`, "half");
    await expect(book.replace({ A: "1" }, version)).rejects.toThrow(/crash left .*\.next behind: delete it/);
    expect(await readFile(`${path}.next`, "utf8")).toBe("half");
    await rm(`${path}.next`);
  });

  it("that cannot be written is refused", async () => {
    const book = createSecretFile(join(directory, "nowhere", "secrets.json"));
    const refused = book.replace({ A: "1" }, (await book.read()).version);
    await expect(refused).rejects.toMatchObject({ reason: "secrets_refused" });
  });
});

describe("a secret of Secrets Manager", () => {
  it("takes the same text twice, as after a lost answer", async () => {
    const book = managerOf(await newSecret("{}"));
    const { version } = await book.read();
    await book.replace({ A: "1" }, version);
    await book.replace({ A: "1" }, version);
    expect((await book.read()).pairs).toEqual({ A: "1" });
  });

  it("that does not exist is refused", async () => {
    const { region, accountId } = dsql.ready;
    const book = managerOf(`arn:aws:secretsmanager:${region}:${accountId}:secret:nothing-abcdef`);
    await expect(book.read()).rejects.toMatchObject({ reason: "secrets_refused" });
  });
});
