import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudFormationClient, ListStacksCommand } from "@aws-sdk/client-cloudformation";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { afterEach, expect, it } from "vitest";
import { queryOnce, readConnection, type ShownConnection } from "../../local/demo/connection.ts";
import { openPull, type PullClient, waitFor, waitForReport } from "../../local/demo/pull.ts";
import { LOCAL_CREDENTIALS, type Stack, startStack } from "../../local/demo/stack.ts";
import { listClusters, playStory } from "../../local/demo/story.ts";

/** Each step of CloudFormation takes this long, so that a kill can fall between two of them. */
const CLOUDFORMATION_ARGS = ["--step-ms", "150"];
const DSQL_ARGS = ["--creating-ms", "300", "--deleting-ms", "300"];
const PATIENCE_MS = 60_000;

let stack: Stack | null = null;
let directory = "";

afterEach(async () => {
  await stack?.stop();
  stack = null;
  await rm(directory, { recursive: true, force: true });
});

async function start(more: Readonly<Record<string, string>> = {}): Promise<Stack> {
  directory = await mkdtemp(join(tmpdir(), "offshoot-stack-"));
  const serviceEnv = { OFFSHOOT_STACKS: "all", OFFSHOOT_LEASE_SECONDS: "2", ...more };
  stack = await startStack({
    ...{ directory, serviceEnv, dsqlArgs: DSQL_ARGS, cloudformationArgs: CLOUDFORMATION_ARGS },
  });
  return stack;
}

interface ShownStack {
  readonly name: string;
  readonly status: string;
}

/** Every stack that ever was, the newest first. */
async function stacksOf({ cloudformationUrl, dsql }: Stack): Promise<readonly ShownStack[]> {
  const endpoint = cloudformationUrl ?? "";
  const client = new CloudFormationClient({ endpoint, region: dsql.region, credentials: LOCAL_CREDENTIALS });
  try {
    const { StackSummaries = [] } = await client.send(new ListStacksCommand({}));
    return StackSummaries.map(({ StackName = "", StackStatus = "" }) => ({
      name: StackName,
      status: String(StackStatus),
    }));
  } finally {
    client.destroy();
  }
}

async function untilStack(running: Stack, status: string): Promise<ShownStack> {
  const see = async () => (await stacksOf(running)).find((one) => one.status === status) ?? null;
  return waitFor(`a stack ${status}`, PATIENCE_MS, see, async () => JSON.stringify(await stacksOf(running)));
}

async function restart(running: Stack): Promise<void> {
  await running.killService();
  await running.startService();
}

/** The connection of the comment, as whoever assumed the role that the comment names. */
async function asRole(
  running: Stack,
  to: ShownConnection,
  body: string,
  user: string,
): Promise<ShownConnection> {
  const arn = new RegExp(`\`(arn:aws:iam::\\d{12}:role/[^\`]+)\` as \`${user}\``).exec(body)?.[1];
  expect(arn, body).toBeDefined();
  const { neighboursUrl: endpoint, region } = running.dsql;
  const client = new STSClient({ endpoint, region, credentials: LOCAL_CREDENTIALS });
  try {
    const { Credentials: made } = await client.send(
      new AssumeRoleCommand({ RoleArn: arn, RoleSessionName: "e2e" }),
    );
    const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = made ?? {};
    return {
      ...to,
      user,
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
    };
  } finally {
    client.destroy();
  }
}

function open(running: Stack): Promise<PullClient> {
  return openPull(running.github.pageUrl, "acme/shop", {
    ...{ author: "wendy", title: "Notes", branch: "notes" },
    files: {
      "migrations/0003_notes.sql":
        "CREATE TABLE notes (id bigint PRIMARY KEY);\nINSERT INTO notes VALUES (7);\n",
    },
  });
}

it("plays the whole story with every database in a stack of its own", { timeout: 180_000 }, async () => {
  const running = await start();
  const steps: string[] = [];
  await playStory(running, (step) => void steps.push(step));
  expect(steps.length).toBeGreaterThan(10);
  expect(await listClusters(running)).toEqual([]);
  const stacks = await stacksOf(running);
  expect(stacks.length).toBeGreaterThan(1);
  expect(stacks.map(({ status }) => status)).toEqual(stacks.map(() => "DELETE_COMPLETE"));
  expect(new Set(stacks.map(({ name }) => name)).size).toBe(stacks.length);
});

it("open, ready, close and gone, with the service killed while the stack is created and deleted", {
  timeout: 180_000,
}, async () => {
  const running = await start({ OFFSHOOT_GRACE_HOURS: "0" });
  const pull = await open(running);
  const { name } = await untilStack(running, "CREATE_IN_PROGRESS");
  await restart(running);

  const { body } = await waitForReport(pull, /Database ready/);
  expect(name).toMatch(/^offshoot-cl-[0-9a-z]{22}$/);
  const shown = readConnection(body);
  const notes = "SELECT id::int FROM notes";
  expect(await queryOnce(shown, notes)).toEqual([{ id: 7 }]);
  const reader = await asRole(running, shown, body, "offshoot_reader");
  expect(await queryOnce(reader, notes)).toEqual([{ id: 7 }]);
  await expect(queryOnce(reader, "INSERT INTO notes VALUES (8)")).rejects.toThrow(/denied/);
  const admin = await asRole(running, shown, body, "admin");
  expect(await queryOnce(admin, "INSERT INTO notes VALUES (8) RETURNING id::int")).toEqual([{ id: 8 }]);

  await pull.close("alice");
  await untilStack(running, "DELETE_IN_PROGRESS");
  await restart(running);
  await waitForReport(pull, /Database destroyed/);
  expect(await listClusters(running)).toEqual([]);
  expect(await stacksOf(running)).toEqual([{ name, status: "DELETE_COMPLETE" }]);
});
