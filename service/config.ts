/** Environment variables in, one validated and frozen Config out. Every problem is reported at once. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { accessConfig } from "./config-access.ts";
import { apiConfig } from "./config-api.ts";
import { clustersConfig } from "./config-clusters.ts";
import { epochConfig } from "./config-epoch.ts";
import { githubConfig } from "./config-github.ts";
import type { AwsConfig, Config, Environment, ReadFile, SetupConfig, StoreConfig } from "./config-shape.ts";
import { storeTarget } from "./config-store.ts";
import {
  CLUSTER_QUOTA,
  ENVIRONMENTS_PER_AUTHOR,
  ENVIRONMENTS_PER_REPOSITORY,
  GRACE_HOURS,
  GRACE_HOURS_MAX,
  IDLE_HOURS,
  LEASE_SECONDS,
  SLOT_RESERVE,
  TENANT_GRACE_HOURS,
} from "./domain/limits.ts";
import { PAIR, SETUP_PAIRS } from "./domain/setup.ts";
import { createReader, type Reader, type Variable } from "./env-reader.ts";

export type { AwsConfig, Config, SetupConfig, StoreConfig } from "./config-shape.ts";
export { ConfigProblems } from "./env-reader.ts";

const REGION = /^[a-z]{2,4}(-[a-z]+)+-\d$/;
const ASSIGNMENTS = /^[A-Z_][A-Z0-9_]*=[\w./:@%+,-]*( [A-Z_][A-Z0-9_]*=[\w./:@%+,-]*)*$/;
const ADDRESS = /^[\w.-]{1,255}:\d{1,5}$/;
const PORT_MAX = 65_535;
const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];
const HOUR_MS = 3_600_000;
/** The command line's own, which may stand in the same environment. */
const OF_COMMAND_LINE = ["OFFSHOOT_URL", "OFFSHOOT_KEY"];

/** Reads and checks everything. Throws ConfigProblems that names each bad variable, what was given and what is expected. */
export function readConfig(env: Environment, readFile: ReadFile = readText): Config {
  const read = createReader(env);
  const config = wholeConfig(read, readFile);
  ignoreOthers(read);
  read.finish();
  return freeze(config);
}

/**
 * What a service without a GitHub App needs. Everything but the App is checked as by readConfig, so that the service works
 * as soon as set-up has made one.
 */
export function readSetupConfig(env: Environment, readFile: ReadFile = readText): SetupConfig {
  const read = createReader(env);
  const { github, http, api, log } = wholeConfig(read, readFile);
  ignoreOthers(read);
  if (!env["OFFSHOOT_PUBLIC_URL"])
    read.problem("OFFSHOOT_PUBLIC_URL", "nothing", "the address under which GitHub reaches this service");
  read.finish(Object.values(PAIR));
  const { apiUrl, webUrl, host } = github;
  return freeze({ github: { apiUrl, webUrl, host }, http, publicUrl: api.publicUrl, log });
}

/** The part that the command line needs. Throws ConfigProblems as readConfig does, about this part only. */
export function readStoreConfig(env: Environment, readFile: ReadFile = readText): StoreConfig {
  const read = createReader(env);
  const config = storeConfig(read, readFile);
  read.throwProblems();
  return freeze(config);
}

/** How clusters are made, for the command line. Throws ConfigProblems about this part only. */
export function readClustersConfig(env: Environment): Config["clusters"] {
  const read = createReader(env);
  const config = clustersConfig(read);
  read.throwProblems();
  return freeze(config);
}

/** Every variable that exists, in the order in which they are read: what is expected, and what holds without it. */
export function describeVariables(): readonly Variable[] {
  const read = createReader({});
  wholeConfig(read, readText);
  return read.variables();
}

/** Variables that may stand in the same environment and mean nothing here. */
function ignoreOthers(read: Reader): void {
  for (const name of [...OF_COMMAND_LINE, ...SETUP_PAIRS]) read.ignore(name);
}

function wholeConfig(read: Reader, readFile: ReadFile): Config {
  checkSecrets(read);
  const store = storeConfig(read, readFile);
  const github = githubConfig(read, readFile);
  const http = {
    host: read.text("OFFSHOOT_HOST", /^[\w.:-]{1,255}$/, "an address to listen on", "127.0.0.1"),
    port: read.integer("OFFSHOOT_PORT", 0, PORT_MAX, 8080),
  };
  return {
    ...store,
    github,
    http,
    queue: queueConfig(read),
    api: apiConfig(read, http, github.host),
    clusters: clustersConfig(read),
    access: accessConfig(read, readFile),
    limits: limitsConfig(read),
    migrations: { directory: directory(read) },
    connect: {
      to: shownAddress(read),
      command: read.optional(
        "OFFSHOOT_CONNECT_COMMAND",
        /^[\w ./{}-]{1,200}$/,
        "a command, such as scripts/connect {number}",
      ),
      environment: read.optional(
        "OFFSHOOT_CONNECT_ENVIRONMENT",
        ASSIGNMENTS,
        "assignments NAME=value separated by one space",
      ),
    },
    log: { level: read.oneOf("OFFSHOOT_LOG_LEVEL", LEVELS, "info") },
  };
}

/** Where the App's secrets are: read before everything else, and only checked here. */
function checkSecrets(read: Reader): void {
  read.path("OFFSHOOT_SECRETS_FILE", "the path of a file that set-up may write");
  read.optional(
    "OFFSHOOT_SECRETS_ARN",
    /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]{1,512}$/,
    "the ARN of a secret in Secrets Manager",
  );
  read.url("OFFSHOOT_SECRETS_ENDPOINT", ["https:", "http:"], "");
}

function storeConfig(read: Reader, readFile: ReadFile): StoreConfig {
  const aws: AwsConfig = {
    region: read.text("AWS_REGION", REGION, "a Region, such as eu-central-1"),
    account: read.text("OFFSHOOT_AWS_ACCOUNT", /^\d{12}$/, "an AWS account id of 12 digits"),
    dsqlEndpoint: read.url("OFFSHOOT_DSQL_ENDPOINT", ["http:", "https:"], "") || null,
    connectTo: connectTo(read, readFile),
  };
  return { aws, store: storeTarget(read), epoch: epochConfig(read) };
}

function connectTo(read: Reader, readFile: ReadFile): AwsConfig["connectTo"] {
  const expected = "address:port, such as 127.0.0.1:5432";
  const given = addressOf(read, "OFFSHOOT_DSQL_CONNECT_TO", expected);
  const caFile = read.path("OFFSHOOT_DSQL_CA_FILE", "the path of a file of PEM certificates");
  if (caFile && !isCertificates(caFile, readFile)) {
    read.problem("OFFSHOOT_DSQL_CA_FILE", caFile, "the path of a readable file of PEM certificates");
  }
  if ((given === null) !== (caFile === null)) {
    const missing = given ? "OFFSHOOT_DSQL_CA_FILE" : "OFFSHOOT_DSQL_CONNECT_TO";
    read.problem(
      missing,
      "nothing",
      "a value, because the other of OFFSHOOT_DSQL_CONNECT_TO and OFFSHOOT_DSQL_CA_FILE is set",
    );
  }
  return given && caFile ? { ...given, caFile } : null;
}

/** An address with its port, or null if the variable is not set or no such thing. */
function addressOf(read: Reader, name: string, expected: string) {
  const given = read.optional(name, ADDRESS, expected);
  if (given === null) return null;
  const colon = given.lastIndexOf(":");
  const port = Number(given.slice(colon + 1));
  if (port < 1 || port > PORT_MAX) read.problem(name, JSON.stringify(given), expected);
  return { address: given.slice(0, colon), port };
}

function queueConfig(read: Reader): Config["queue"] {
  return {
    url: read.url("OFFSHOOT_QUEUE_URL", ["https:", "http:"], "") || null,
    endpoint: read.url("OFFSHOOT_SQS_ENDPOINT", ["https:", "http:"], "") || null,
  };
}

/** Where people connect, if that is not where the service does: as in a container, whose ports are published. */
function shownAddress(read: Reader): Config["connect"]["to"] {
  const given = addressOf(
    read,
    "OFFSHOOT_CONNECT_TO",
    "the address:port that people connect to, such as 127.0.0.1:15432",
  );
  const expected = "the path, on people's machines, of a file of PEM certificates";
  const caFile = read.path("OFFSHOOT_CONNECT_CA_FILE", expected);
  if ((given === null) !== (caFile === null)) {
    const [missing, set] = ["OFFSHOOT_CONNECT_CA_FILE", "OFFSHOOT_CONNECT_TO"];
    read.problem(given ? missing : set, "nothing", "a value, because the other of the two is set");
  }
  return given && caFile ? { ...given, caFile } : null;
}

function limitsConfig(read: Reader): Config["limits"] {
  const clusterQuota = read.integer("OFFSHOOT_CLUSTER_QUOTA", 1, 10_000, CLUSTER_QUOTA);
  const slotReserve = read.integer("OFFSHOOT_SLOT_RESERVE", 0, 1_000, SLOT_RESERVE);
  return {
    clusterQuota,
    slotReserve,
    maxClusters: read.integer("OFFSHOOT_MAX_CLUSTERS", 0, 10_000, Math.max(0, clusterQuota - slotReserve)),
    environmentsPerAuthor: read.integer(
      "OFFSHOOT_ENVIRONMENTS_PER_AUTHOR",
      1,
      10_000,
      ENVIRONMENTS_PER_AUTHOR,
    ),
    environmentsPerRepository: read.integer(
      "OFFSHOOT_ENVIRONMENTS_PER_REPOSITORY",
      1,
      10_000,
      ENVIRONMENTS_PER_REPOSITORY,
    ),
    leaseMs: read.integer("OFFSHOOT_LEASE_SECONDS", 1, 900, LEASE_SECONDS) * 1000,
    idleMs: read.integer("OFFSHOOT_IDLE_HOURS", 1, 8_760, IDLE_HOURS) * HOUR_MS,
    graceMs: read.integer("OFFSHOOT_GRACE_HOURS", 0, GRACE_HOURS_MAX, GRACE_HOURS) * HOUR_MS,
    tenantGraceMs:
      read.integer("OFFSHOOT_TENANT_GRACE_HOURS", 0, GRACE_HOURS_MAX, TENANT_GRACE_HOURS) * HOUR_MS,
  };
}

function directory(read: Reader): string {
  const expected = "a path inside the repository, such as db/migrations, without . or .. as a part";
  const given = read.text("OFFSHOOT_MIGRATIONS_DIRECTORY", /^[\w.-]+(\/[\w.-]+)*$/, expected, "migrations");
  if (given.split("/").some((part) => part === "." || part === "..")) {
    read.problem("OFFSHOOT_MIGRATIONS_DIRECTORY", given, expected);
  }
  return given;
}

function isCertificates(file: string, readFile: ReadFile): boolean {
  try {
    // Reads the first certificate of the file; a text that holds none throws.
    return new X509Certificate(readFile(file)).subject !== undefined;
  } catch {
    return false;
  }
}

function readText(path: string): string {
  return readFileSync(path, "utf8");
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value))
    if (typeof part === "object" && part !== null) freeze(part as object);
  return Object.freeze(value);
}
