import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { CreateClusterCommand, DSQLClient, GetClusterCommand } from "@aws-sdk/client-dsql";
import { freePort, launch, type Running, runToEnd } from "./process.ts";

/** The local credentials: a name, not a secret; the local DSQL knows no others. */
export const LOCAL_CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" } as const;
const REGION = "us-east-1";

/**
 * How the service is started, here as by `npm start`, so that it is small at rest: a young generation of 8 MB, where V8
 * would keep up to 64; a heap of 384 MB at most, which holds several events of GitHub's 25 MB and lets V8 collect sooner;
 * two threads for V8, as on a small machine; and one malloc arena.
 */
export const SERVICE_NODE_ARGS = [
  "--max-semi-space-size=4",
  "--max-old-space-size=384",
  "--v8-pool-size=2",
] as const;
export const SERVICE_PROCESS_ENV = { MALLOC_ARENA_MAX: "1" } as const;

export interface DsqlReady {
  readonly controlUrl: string;
  readonly frontAddress: string;
  readonly frontPort: number;
  readonly caFile: string;
  readonly region: string;
  readonly accountId: string;
  /** Where AWS' services beside DSQL are: STS, SSM and others. */
  readonly neighboursUrl: string;
}
export interface GithubReady {
  readonly pageUrl: string;
  readonly apiUrl: string;
  readonly appId: number;
  readonly privateKeyFile: string;
  readonly webhookSecret: string;
  readonly installationId: number;
  readonly clientId: string;
  readonly oidcIssuer: string;
}

export interface StackOptions {
  /** An empty directory for everything that the processes keep. */
  readonly directory: string;
  /** More arguments of local/dsql/main.ts and local/github/main.ts. */
  readonly dsqlArgs?: readonly string[];
  readonly githubArgs?: readonly string[];
  /** If given, the local CloudFormation is started, with these as more arguments of its main.ts. */
  readonly cloudformationArgs?: readonly string[];
  /** The local GitHub has no App yet, and the service is told of none: its set-up makes it. */
  readonly noApp?: boolean;
  /** More environment variables of the service. */
  readonly serviceEnv?: Readonly<Record<string, string>>;
  /** What runs in the place of the one process: given its environment, port and log, it starts and is ready. */
  readonly runService?: (service: ServiceStart) => Promise<Running<unknown>>;
  /** A store other than a cluster of the local DSQL: a plain Postgres URL. */
  readonly storeUrl?: string;
}

export interface ServiceStart {
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
  readonly logFile: string;
}

/** The service, the local DSQL, GitHub and, if asked for, CloudFormation, each in a process of its own on loopback. */
export interface Stack {
  readonly directory: string;
  readonly dsql: DsqlReady;
  readonly github: GithubReady;
  readonly cloudformationUrl: string | null;
  readonly serviceUrl: string;
  readonly serviceEnv: Readonly<Record<string, string>>;
  readonly storeIdentifier: string | null;
  servicePid(): number;
  killService(): Promise<void>;
  startService(): Promise<void>;
  killDsql(): Promise<void>;
  startDsql(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts everything, creates the store's cluster and its schema. What was started is stopped again if a part fails. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const started: Running<unknown>[] = [];
  try {
    return await startParts(options, started);
  } catch (error) {
    for (const part of started.reverse()) await part.stop();
    throw error;
  }
}

async function startParts(options: StackOptions, started: Running<unknown>[]): Promise<Stack> {
  const { directory } = options;
  for (const part of ["dsql", "github", "log"]) await mkdir(join(directory, part), { recursive: true });
  let dsql = await startDsql(options, []);
  started.push(dsql);
  const port = await freePort();
  const github = await startGithub(options, dsql.ready, port);
  started.push(github);
  const cloudformation = await startCloudFormation(options, dsql.ready);
  if (cloudformation) started.push(cloudformation);
  const cloudformationUrl = cloudformation?.ready.cloudformationUrl ?? null;
  const storeIdentifier = options.storeUrl ? null : await createStoreCluster(dsql.ready.controlUrl);
  const serviceEnv = {
    ...environmentOf(dsql.ready, github.ready, port),
    ...(options.noApp ? {} : await appEnvironmentOf(github.ready)),
    OFFSHOOT_STORE_URL: options.storeUrl ?? `dsql://${storeIdentifier}.dsql.${REGION}.on.aws`,
    ...(cloudformationUrl === null ? {} : { OFFSHOOT_CLOUDFORMATION_ENDPOINT: cloudformationUrl }),
    ...SERVICE_PROCESS_ENV,
    ...options.serviceEnv,
  };
  const logFile = join(directory, "log", "service.log");
  const startService = () =>
    options.runService?.({ env: serviceEnv, port, logFile }) ??
    launch({ script: "service/main.ts", nodeArgs: SERVICE_NODE_ARGS, env: serviceEnv, logFile }, listening);
  await runToEnd({ script: "service/cli.ts", args: ["store", "migrate"], env: serviceEnv, logFile });
  let service: Running<unknown> = await startService();
  const dsqlPorts = [
    "--control-port",
    portOf(dsql.ready.controlUrl),
    "--front-port",
    String(dsql.ready.frontPort),
    "--neighbours-port",
    portOf(dsql.ready.neighboursUrl),
  ];
  return {
    directory,
    dsql: dsql.ready,
    github: github.ready,
    cloudformationUrl,
    serviceUrl: `http://127.0.0.1:${port}`,
    serviceEnv,
    storeIdentifier,
    servicePid: () => service.pid,
    killService: () => service.kill(),
    async startService() {
      service = await startService();
    },
    killDsql: () => dsql.kill(),
    async startDsql() {
      dsql = await startDsql(options, dsqlPorts);
    },
    async stop() {
      for (const part of [service, cloudformation, github, dsql]) await part?.stop();
    },
  };
}

function startDsql(options: StackOptions, more: readonly string[]): Promise<Running<DsqlReady>> {
  const args = [
    "--directory",
    join(options.directory, "dsql"),
    "--region",
    REGION,
    ...(options.dsqlArgs ?? []),
    ...more,
  ];
  const logFile = join(options.directory, "log", "dsql.log");
  return launch({ script: "local/dsql/main.ts", args, logFile }, (line) =>
    line["ready"] === true ? (line as unknown as DsqlReady) : null,
  );
}

async function startCloudFormation(
  { directory, cloudformationArgs }: StackOptions,
  dsql: DsqlReady,
): Promise<Running<{ cloudformationUrl: string }> | null> {
  if (!cloudformationArgs) return null;
  const args = [
    ...["--directory", join(directory, "cloudformation"), "--principals-directory", join(directory, "dsql")],
    ...["--control-url", dsql.controlUrl, "--region", dsql.region, "--account", dsql.accountId],
    ...cloudformationArgs,
  ];
  const logFile = join(directory, "log", "cloudformation.log");
  return launch({ script: "local/cloudformation/main.ts", args, logFile }, ({ cloudformationUrl }) =>
    typeof cloudformationUrl === "string" ? { cloudformationUrl } : null,
  );
}

function startGithub(options: StackOptions, dsql: DsqlReady, port: number): Promise<Running<GithubReady>> {
  const args = [
    "--directory",
    join(options.directory, "github"),
    "--webhook-url",
    `http://127.0.0.1:${port}/webhooks/github`,
    "--dsql-control-url",
    dsql.controlUrl,
    ...(options.noApp ? ["--no-app"] : []),
    ...(options.githubArgs ?? []),
  ];
  const logFile = join(options.directory, "log", "github.log");
  return launch({ script: "local/github/main.ts", args, logFile }, (line) =>
    line["ready"] === true ? (line as unknown as GithubReady) : null,
  );
}

async function appEnvironmentOf(github: GithubReady): Promise<Record<string, string>> {
  return {
    OFFSHOOT_GITHUB_APP_ID: String(github.appId),
    OFFSHOOT_GITHUB_PRIVATE_KEY: await readFile(github.privateKeyFile, "utf8"),
    OFFSHOOT_GITHUB_WEBHOOK_SECRETS: github.webhookSecret,
    OFFSHOOT_GITHUB_CLIENT_ID: github.clientId,
  };
}

function environmentOf(dsql: DsqlReady, github: GithubReady, port: number): Record<string, string> {
  return {
    AWS_REGION: dsql.region,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    OFFSHOOT_AWS_ACCOUNT: dsql.accountId,
    OFFSHOOT_DSQL_ENDPOINT: dsql.controlUrl,
    OFFSHOOT_DSQL_CONNECT_TO: `${dsql.frontAddress}:${dsql.frontPort}`,
    OFFSHOOT_DSQL_CA_FILE: dsql.caFile,
    OFFSHOOT_GITHUB_API_URL: github.apiUrl,
    OFFSHOOT_GITHUB_WEB_URL: github.pageUrl,
    OFFSHOOT_OIDC_ISSUERS: github.oidcIssuer,
    OFFSHOOT_PUBLIC_URL: `http://127.0.0.1:${port}`,
    OFFSHOOT_TOKEN_ROLE_ARN: `arn:aws:iam::${dsql.accountId}:role/offshoot-tokens`,
    OFFSHOOT_STS_ENDPOINT: dsql.neighboursUrl,
    OFFSHOOT_SSM_ENDPOINT: dsql.neighboursUrl,
    // Asked by `offshoot doctor` alone, through the SDK's own variables.
    AWS_ENDPOINT_URL_SERVICE_QUOTAS: dsql.neighboursUrl,
    AWS_ENDPOINT_URL_IAM: dsql.neighboursUrl,
    AWS_ENDPOINT_URL_STS: dsql.neighboursUrl,
    OFFSHOOT_PARAMETER_PREFIX: "/offshoot",
    OFFSHOOT_PORT: String(port),
    OFFSHOOT_CONNECT_COMMAND: "scripts/connect {number}",
    OFFSHOOT_CONNECT_ENVIRONMENT: "AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local",
  };
}

/** The store is a cluster like any other, only tagged as the store and protected from deletion. */
async function createStoreCluster(controlUrl: string): Promise<string> {
  const client = new DSQLClient({ region: REGION, endpoint: controlUrl, credentials: LOCAL_CREDENTIALS });
  try {
    const tags = { "offshoot:service": "offshoot", "offshoot:kind": "store", Name: "offshoot store" };
    const created = await client.send(new CreateClusterCommand({ deletionProtectionEnabled: true, tags }));
    const identifier = String(created.identifier);
    for (;;) {
      const { status } = await client.send(new GetClusterCommand({ identifier }));
      if (status === "ACTIVE") return identifier;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    client.destroy();
  }
}

function listening(line: Record<string, unknown>): true | null {
  return line["msg"] === "listening" ? true : null;
}

function portOf(url: string): string {
  return new URL(url).port;
}
