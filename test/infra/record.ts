/**
 * Writes calls.json: what each role asks AWS for while the functions play the stories of previews, customers and stacks
 * on the local AWS. Run by scripts/record-calls after a change of what the service calls; grants.test.ts reads it.
 */
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  ResourceExistsException,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { FUNCTIONS, type FunctionName, functionFile } from "../../infra/bundles.ts";
import { STORE_ROLE } from "../../infra/names.ts";
import { createKey } from "../../local/demo/key.ts";
import { ROOT, runToEnd } from "../../local/demo/process.ts";
import { openPull, waitFor, waitForReport } from "../../local/demo/pull.ts";
import {
  LOCAL_CREDENTIALS,
  type ServiceStart,
  type Stack,
  type StackOptions,
  startStack,
} from "../../local/demo/stack.ts";
import type { Call } from "../../local/dsql/calls.ts";
import { type Client, createClient } from "../../service/client/client.ts";
import { distinct, startSqsTap, type Tap } from "../support/calls.ts";
import { createFunction } from "../support/lambda/pool.ts";
import {
  type LambdaService,
  type LambdaServiceOptions,
  startLambdaService,
} from "../support/lambda/service.ts";
import { walkBack, walkToGitHub } from "../support/setup-walk.ts";
import { ACCOUNT, REGION } from "../support/stack-template.ts";
import { queryWith } from "../support/token-query.ts";

/** Under the names that the stack gives them. */
const ROLES = {
  webhook: "WebhookRole",
  http: "HttpRole",
  wake: "WorkerRole",
  tick: "WorkerRole",
  migrate: "MigrateRole",
} as const satisfies Record<FunctionName, string>;
const TOKEN_ROLES = ["PreviewTokensRole", "TenantTokensRole"] as const;
const EPOCH = /:parameter\/offshoot-epoch\//;
/** Another one may be named, to compare two records. */
const FILE = process.argv[2] ?? join(import.meta.dirname, "calls.json");

/** Whatever is waited for takes seconds, but the epoch's advance by the worker, which comes a minute after the one before. */
const PATIENCE_MS = 150_000;
const NEVER_MS = 3_600_000;

const arnOf = (role: string) => `arn:aws:iam::${ACCOUNT}:role/${role}`;

/** As whom the functions work on the store; the deploy step makes it, and maps their roles to it. */
const STORE_ENV = {
  OFFSHOOT_STORE_ROLE: STORE_ROLE,
  OFFSHOOT_STORE_IAM_ROLES: [ROLES.webhook, ROLES.http, ROLES.wake].map(arnOf).join(),
};

/** Temporary credentials of a role, as Lambda puts them into a function's environment. */
async function sessionOf(role: string, endpoint: string): Promise<Readonly<Record<string, string>>> {
  const sts = new STSClient({ region: REGION, endpoint, credentials: LOCAL_CREDENTIALS });
  const { Credentials: given } = await sts.send(
    new AssumeRoleCommand({ RoleArn: arnOf(role), RoleSessionName: "function" }),
  );
  sts.destroy();
  return {
    AWS_ACCESS_KEY_ID: String(given?.AccessKeyId),
    AWS_SECRET_ACCESS_KEY: String(given?.SecretAccessKey),
    AWS_SESSION_TOKEN: String(given?.SessionToken),
  };
}

/** A secret with the App's values, as GET /setup leaves it; without an App an empty one, as the stack makes it. */
async function createSecret(env: ServiceStart["env"], endpoint: string): Promise<string> {
  const client = new SecretsManagerClient({ region: REGION, endpoint, credentials: LOCAL_CREDENTIALS });
  const names = ["APP_ID", "PRIVATE_KEY", "WEBHOOK_SECRETS", "CLIENT_ID"].map(
    (name) => `OFFSHOOT_GITHUB_${name}`,
  );
  const SecretString = JSON.stringify(Object.fromEntries(names.map((name) => [name, env[name]])));
  try {
    const { ARN } = await client.send(new CreateSecretCommand({ Name: "Secret", SecretString }));
    return String(ARN);
  } catch (error) {
    // Of the functions before a restart.
    if (!(error instanceof ResourceExistsException)) throw error;
    return String((await client.send(new DescribeSecretCommand({ SecretId: "Secret" }))).ARN);
  } finally {
    client.destroy();
  }
}

/** Functions from their sources: what they call is the same, and nothing has to be built. */
async function writeEntries(directory: string): Promise<string> {
  for (const name of FUNCTIONS) {
    const source = join(ROOT, "service", "lambda", `${name}.ts`);
    await mkdir(join(directory, name), { recursive: true });
    await writeFile(
      functionFile(name, directory),
      `exports.handler = require(${JSON.stringify(source)}).handler;\n`,
    );
  }
  return directory;
}

interface Scene {
  readonly stack: Stack;
  /** A key of the API that may do everything. */
  readonly credential: string;
  /** Where the App's secret is, as the functions and an operator are told. */
  readonly secretEnv: Readonly<Record<string, string>>;
  /** Starts the functions anew, with other variables. */
  restart(env: Readonly<Record<string, string>>): Promise<void>;
  /** Waits until a role has asked for this: what is recorded must not depend on how fast a machine is. */
  heard(role: string, action: string, resource?: RegExp): Promise<void>;
}

type RecordOptions = Pick<StackOptions, "noApp"> & Pick<LambdaServiceOptions, "tickMs">;

/** Runs `play` on the functions, each with the credentials of its own role. Out: what was called meanwhile. */
async function record(
  serviceEnv: Readonly<Record<string, string>>,
  play: (scene: Scene) => Promise<void>,
  { tickMs, ...more }: RecordOptions = {},
): Promise<readonly Call[]> {
  const directory = await mkdtemp(join(tmpdir(), "offshoot-record-"));
  const bundles = await writeEntries(join(directory, "functions"));
  const files = ["dsql", "cloudformation"].map((name) => join(directory, `${name}.jsonl`));
  const taps: Tap[] = [];
  let restartEnv: Readonly<Record<string, string>> = {};
  let secretEnv: Scene["secretEnv"] = {};
  const calls = async (): Promise<readonly Call[]> => {
    const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
    const lines = texts.join("").split("\n").filter(Boolean);
    return [...lines.map((line) => JSON.parse(line) as Call), ...taps.flatMap((tap) => tap.calls)];
  };
  const heard: Scene["heard"] = async (role, action, resource = /./) => {
    const fits = (call: Call) => call.role === role && call.action === action && resource.test(call.resource);
    const look = async () => ((await calls()).some(fits) ? true : null);
    await waitFor(`${role} asks for ${action}`, PATIENCE_MS, look, async () => "not yet");
  };
  const stack = await startStack({
    ...{ directory, ...more },
    dsqlArgs: ["--calls-file", String(files[0])],
    cloudformationArgs: ["--calls-file", String(files[1])],
    serviceEnv: {
      // Nobody is killed here, so that a slow machine may take its time.
      OFFSHOOT_LEASE_SECONDS: "10",
      OFFSHOOT_TOKEN_ROLE_ARN: arnOf("PreviewTokensRole"),
      OFFSHOOT_TENANT_TOKEN_ROLE_ARN: arnOf("TenantTokensRole"),
      OFFSHOOT_EPOCH_PARAMETER: "/offshoot-epoch/whole",
      ...serviceEnv,
    },
    async runService(started) {
      const endpoint = String(started.env["OFFSHOOT_STS_ENDPOINT"]);
      const arn = await createSecret(started.env, endpoint);
      secretEnv = { OFFSHOOT_SECRETS_ARN: arn, OFFSHOOT_SECRETS_ENDPOINT: endpoint };
      return startWithRoles(
        { ...started, env: { ...started.env, ...STORE_ENV, ...secretEnv, ...restartEnv } },
        { bundles, ...(tickMs !== undefined && { tickMs }) },
        taps,
      );
    },
  });
  try {
    const credential = await createKey(stack, "record", ["admin"]);
    const restart = async (env: typeof restartEnv) => {
      restartEnv = env;
      await stack.killService();
      await stack.startService();
    };
    await play({ stack, restart, heard, secretEnv, credential });
  } finally {
    await stack.stop();
    for (const tap of taps) tap.stop();
  }
  const all = await calls();
  await rm(directory, { recursive: true, force: true });
  return all;
}

async function startWithRoles(
  started: ServiceStart,
  options: Pick<LambdaServiceOptions, "bundles" | "tickMs">,
  taps: Tap[],
): Promise<LambdaService> {
  const endpoint = String(started.env["OFFSHOOT_STS_ENDPOINT"]);
  const sessions = new Map<string, Readonly<Record<string, string>>>();
  for (const role of new Set(Object.values(ROLES))) sessions.set(role, await sessionOf(role, endpoint));
  const roleOf = (key: string) =>
    [...sessions].find(([, session]) => session["AWS_ACCESS_KEY_ID"] === key)?.[0] ?? "lambda";
  const { env } = started;
  const ofRole = (name: FunctionName) => sessions.get(ROLES[name]) ?? {};
  await runMigrate(options.bundles, { ...env, ...ofRole("migrate") }, started.logFile);
  let target = "";
  const tap = await startSqsTap(() => target, roleOf);
  taps.push(tap);
  const functionEnv = (name: FunctionName) => ({ ...ofRole(name), OFFSHOOT_SQS_ENDPOINT: tap.url });
  const service = await startLambdaService(started, { ...options, functionEnv });
  target = `http://127.0.0.1:${service.queue.port}`;
  return service;
}

/** The deploy step, on a schema that is there already. */
async function runMigrate(bundles: string, env: Readonly<Record<string, string>>, logFile: string) {
  const log = createWriteStream(logFile, { flags: "a" });
  const file = functionFile("migrate", bundles);
  const migrate = createFunction({ file, env, timeoutMs: 60_000, log }, 1);
  await migrate.invoke({});
  await migrate.killAll();
}

/** A pull request's database is made, migrated, reached by both kinds of token, closed, reopened and destroyed. */
async function playPreview({ stack, credential }: Scene): Promise<void> {
  const files = { "migrations/0003_notes.sql": "CREATE TABLE notes (id int PRIMARY KEY);\n" };
  const by = { author: "wendy", title: "Notes", branch: "notes" };
  const pull = await openPull(stack.github.pageUrl, "acme/shop", { ...by, files });
  await waitForReport(pull, /Database ready/);
  const client = createClient({ url: stack.serviceUrl, credential });
  const { items } = await client.environments.list({ repository: "acme/shop", number: pull.number });
  for (const role of ["owner", "reader"] as const) {
    await queryWith(await client.environments.token(String(items[0]?.id), { role }), "select 1");
  }
  await pull.close("wendy");
  await waitForReport(pull, /closed/i);
  await pull.reopen("wendy");
  await waitForReport(pull, /Database ready/);
  await pull.comment("wendy", "/db destroy");
  await waitForReport(pull, /destroyed/i);
}

/** Customers sign up, are read and written, removed, restored and ended. */
async function playCustomers({ stack, credential }: Scene): Promise<void> {
  const env = { OFFSHOOT_URL: stack.serviceUrl, OFFSHOOT_KEY: credential };
  await runToEnd({ script: "local/demo/example-saas.ts", env, logFile: "" });
  const client = createClient({ url: stack.serviceUrl, credential });
  await client.waitFor(await client.tenants.put("reader"));
  await queryWith(await client.tenants.token("reader", { role: "reader" }), "select 1");
}

/** Databases by stacks: one that fails at first, one of a customer, and a template that changes. */
async function playStacks({ stack, credential, restart, heard }: Scene): Promise<void> {
  const failure = { action: "create", type: "AWS::DSQL::Cluster", reason: "Internal failure", times: 1 };
  const answer = await fetch(`${stack.cloudformationUrl}/_local/failures`, {
    method: "POST",
    body: JSON.stringify(failure),
  });
  if (!answer.ok) throw new Error(`The failure was refused: ${await answer.text()}`);
  const client = createClient({ url: stack.serviceUrl, credential });
  await client.tenants.put("acme");
  await untilReady(client);
  await restart({ OFFSHOOT_EXTRA_TAGS: "team=data" });
  await client.tenants.patch("acme", { protected: false, limits: { graceHours: 0 } });
  await heard(ROLES.wake, "cloudformation:UpdateStack");
  await client.tenants.delete("acme");
  await heard(ROLES.wake, "cloudformation:DeleteStack");
}

/** Not by ?wait=, which holds a function for longer than it may run here. */
async function untilReady(client: Client): Promise<void> {
  const now = async () => (await client.tenants.get("acme")).phase;
  await waitFor("acme is ready", 120_000, async () => ((await now()) === "ready" ? true : null), now);
}

/** The link of the deploy is opened, and GitHub makes the App. */
async function playSetup({ stack, secretEnv }: Scene): Promise<void> {
  const env = { ...stack.serviceEnv, ...secretEnv };
  const said = await runToEnd({ script: "service/cli.ts", args: ["setup-code"], env, logFile: "" });
  const { back, cookie } = await walkToGitHub(/^http\S+$/m.exec(said)?.[0] ?? "");
  const done = await walkBack(back, cookie);
  if (done.status !== 200) throw new Error(`The set-up answered ${done.status}: ${await done.text()}`);
}

/** Whoever looks first makes the store's epoch: here the API, because no tick comes. */
async function playFirstLook({ stack, credential, heard }: Scene): Promise<void> {
  await createClient({ url: stack.serviceUrl, credential }).tenants.put("first");
  await heard(ROLES.http, "ssm:PutParameter", EPOCH);
}

const plain = await record({ OFFSHOOT_PARAMETER_PREFIX: "/offshoot" }, async (scene) => {
  await playPreview(scene);
  await playCustomers(scene);
  await scene.heard(ROLES.tick, "ssm:PutParameter", EPOCH);
});
const first = await record({}, playFirstLook, { tickMs: NEVER_MS });
const stackEnv = { OFFSHOOT_STACKS: "all", OFFSHOOT_STACK_ROLE_ARN: arnOf("StacksRole") };
const stacks = await record(stackEnv, playStacks);
const setup = await record({}, playSetup, { noApp: true });
const calls = distinct([...plain, ...first, ...stacks, ...setup], [...Object.values(ROLES), ...TOKEN_ROLES]);
await writeFile(FILE, `[\n${calls.map((call) => `  ${JSON.stringify(call)}`).join(",\n")}\n]\n`);
console.log(`${calls.length} different calls are in ${FILE}`);
