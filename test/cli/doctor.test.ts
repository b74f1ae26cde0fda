import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { type FauxqsServer, startFauxqs } from "fauxqs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Stack, startStack } from "../../local/demo/stack.ts";
import { assume, LOCAL, policyOf } from "../local/dsql/clients.ts";
import { doctor } from "../support/cli-process.ts";
import { startStore, type TestStore } from "../support/store.ts";

const HOUR_MS = 3_600_000;

let directory = "";
let store: TestStore;
let stack: Stack;
let queue: FauxqsServer;
let queueUrl = "";
let deadArn = "";

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-doctor-"));
  store = await startStore();
  stack = await startStack({ directory, storeUrl: store.url });
  queue = await startFauxqs({ port: 0, logger: false });
  const region = stack.dsql.region;
  const dead = queue.createQueue("dead", { region });
  deadArn = dead.queueArn;
  const redrive = JSON.stringify({ deadLetterTargetArn: dead.queueArn, maxReceiveCount: 3 });
  queueUrl = queue.createQueue("wake", { region, attributes: { RedrivePolicy: redrive } }).queueUrl;
});
afterAll(async () => {
  await queue?.stop();
  await stack?.stop();
  await store?.stop();
  await rm(directory, { recursive: true, force: true });
});

const withQueue = () => ({
  ...stack.serviceEnv,
  OFFSHOOT_QUEUE_URL: queueUrl,
  OFFSHOOT_SQS_ENDPOINT: `http://127.0.0.1:${queue.port}`,
});

async function change(app: object): Promise<void> {
  const answer = await fetch(`${stack.github.pageUrl}/_local/app`, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(app),
  });
  expect(answer.status).toBe(204);
}

it("finds everything in order where it is, through the service's own ways", async () => {
  const { code, findings } = await doctor([], withQueue());
  expect([...findings.values()].filter(({ ok }) => !ok)).toEqual([]);
  expect([...findings.keys()]).toEqual([
    ...["configuration", "store", "restore brake", "work", "clusters", "queue", "AWS", "AWS' clock", "quota"],
    ...["GitHub App", "permissions", "GitHub's clock"],
  ]);
  expect(findings.get("queue")?.text).toBe("about 0 messages wait, none failed");
  expect(findings.get("quota")?.text).toBe("AWS grants 20 clusters, and OFFSHOOT_CLUSTER_QUOTA is 20");
  expect(code).toBe(0);
});

it("asks AWS what a process may do, with its own credentials, and gives the statements that are missing", async () => {
  const policy = policyOf({
    Action: ["dsql:Create*", "dsql:Tag*", "dsql:Get*", "dsql:L*", "ssm:*", "iam:*"],
  });
  const { neighboursUrl: endpoint, region } = stack.dsql;
  const iam = new IAMClient({ region, endpoint, credentials: LOCAL });
  const put = { RoleName: "meek", PolicyName: "some", PolicyDocument: JSON.stringify(policy) };
  await iam.send(new PutRolePolicyCommand(put));
  iam.destroy();
  const { accessKeyId, secretAccessKey, sessionToken = "" } = await assume(stack.dsql, "meek");
  const { code, findings } = await doctor([], {
    ...{ ...stack.serviceEnv, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    AWS_SESSION_TOKEN: sessionToken,
  });
  expect(code).toBe(1);
  const { text = "", request = "" } = findings.get("AWS permissions") ?? {};
  expect(text).toMatch(
    /meek\S* may not dsql:UpdateCluster, .*dsql:DbConnectAdmin, .*sts:AssumeRole\. Its policy/,
  );
  const statements = JSON.parse(`[${request}]`);
  expect(statements.map(({ Action }: { Action: string[] }) => Action)).toEqual([
    ["UpdateCluster", "DeleteCluster", "DbConnectAdmin", "PutClusterPolicy", "DeleteClusterPolicy"].map(
      (name) => `dsql:${name}`,
    ),
    ["sts:AssumeRole"],
  ]);
});

it("names a permission that the App lacks, and where one was not accepted yet", async () => {
  const given = { contents: "read", issues: "write", metadata: "read", pull_requests: "write" };
  const permissions = { checks: "write", ...given };
  const events = ["issue_comment", "pull_request", "push"];
  await change({ permissions: { ...permissions, contents: undefined }, events: ["push"], accept: true });
  const lacking = await doctor([], stack.serviceEnv);
  expect(lacking.findings.get("permissions")).toMatchObject({
    ok: false,
    text: expect.stringMatching(
      /^The GitHub App offshoot-local lacks contents: read, event issue_comment, event pull_request\. .*\/organizations\/acme\/settings\/apps\/offshoot-local\/permissions$/,
    ),
  });
  expect(lacking.code).toBe(1);
  await change({ permissions, events });
  const waiting = await doctor([], stack.serviceEnv);
  expect(waiting.findings.get("permissions")).toMatchObject({
    ok: false,
    text: expect.stringMatching(
      /not accepted everywhere: acme lacks contents: read, .*\/installations\/5001\)/,
    ),
  });
  await change({ accept: true });
  expect((await doctor([], stack.serviceEnv)).findings.get("permissions")?.ok).toBe(true);
});

it("tells of messages that failed too often", async () => {
  queue.sendMessage("dead", "{}");
  const { code, findings } = await doctor([], withQueue());
  expect(findings.get("queue")).toEqual({
    ...{ name: "queue", ok: false },
    text: expect.stringMatching(/^Messages in the dead-letter queue, which failed too often: 1\./),
    request: `aws sqs start-message-move-task --source-arn ${deadArn} --region ${stack.dsql.region}`,
  });
  expect(code).toBe(1);
});

it("tells of a quota that AWS does not grant", async () => {
  const { findings } = await doctor([], { ...stack.serviceEnv, OFFSHOOT_CLUSTER_QUOTA: "50" });
  expect(findings.get("quota")).toMatchObject({
    ok: false,
    text: "AWS grants 20 clusters only. Set OFFSHOOT_CLUSTER_QUOTA to 20, or ask AWS for more:",
    request: expect.stringMatching(/^aws service-quotas request-.* --desired-value 50 --region us-east-1$/),
  });
  expect(findings.get("AWS permissions")).toMatchObject({
    ok: true,
    text: expect.stringMatching(/ may create, change, remove and reach clusters$/),
  });
});

it("tells of secrets that cannot be read, and repeats nothing of them", async () => {
  const file = join(directory, "secrets.json");
  await writeFile(file, "hunter2");
  const { code, findings } = await doctor([], { ...stack.serviceEnv, OFFSHOOT_SECRETS_FILE: file });
  expect(code).toBe(1);
  expect(findings.get("configuration")).toMatchObject({
    ok: false,
    text: expect.stringContaining("is no JSON object"),
  });
  expect(JSON.stringify([...findings])).not.toContain("hunter2");
});

it("reads the App from the secrets, as the service does", async () => {
  const { OFFSHOOT_GITHUB_PRIVATE_KEY = "", ...env } = stack.serviceEnv;
  const file = join(directory, "key.json");
  await writeFile(file, JSON.stringify({ OFFSHOOT_GITHUB_PRIVATE_KEY }));
  const { findings } = await doctor([], { ...env, OFFSHOOT_SECRETS_FILE: file });
  expect(findings.get("GitHub App")?.ok).toBe(true);
});

it("tells of work that nobody takes", async () => {
  await stack.killService();
  const due = new Date(Date.now() - HOUR_MS);
  await store.pool.query(
    "insert into wakeup (topic, key, due_at, not_before, seq, attempts) values ('intake', 'x', $1, $1, 1, 0)",
    [due],
  );
  const { code, findings } = await doctor([], stack.serviceEnv);
  expect(findings.get("work")).toMatchObject({
    ok: false,
    text: expect.stringMatching(/^The oldest work is due for 60 minutes: no worker takes it/),
    next: expect.stringMatching(/^Look whether the service runs, and at its log/),
  });
  expect(code).toBe(1);
});
