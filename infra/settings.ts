/** What a deployment is told: environment variables in, one checked Settings out. Every problem is reported at once. */
import { readFileSync } from "node:fs";
import { ConfigProblems, createReader, type Reader } from "../service/env-reader.ts";
import { type Environment, readServiceEnv } from "./service-env.ts";

/** Whose databases this deployment makes. A deployment for one kind gets no permission on the other. */
export type Kind = "preview" | "tenant";

export interface Settings {
  readonly stackName: string;
  /** Null: whatever the credentials of the deploy say. */
  readonly account: string | null;
  readonly region: string | null;
  readonly kinds: readonly Kind[];
  /** The operator's own variables of the service, as all functions get them. */
  readonly serviceEnv: Readonly<Record<string, string>>;
  readonly parameterPrefix: string | null;
  /** Null: clusters are made by DSQL's own API, and nothing may touch CloudFormation. */
  readonly stackPrefix: string | null;
  /** Where the store's epoch is kept outside the store. */
  readonly epochParameter: string;
  readonly kmsKeyArn: string | null;
  readonly extraTags: Readonly<Record<string, string>>;
  readonly alarmEmail: string | null;
  readonly logRetentionDays: number;
  readonly concurrency: Concurrency;
}

/** How many of a function run at a time. */
export interface Concurrency {
  readonly webhook: number;
  readonly http: number;
  readonly wake: number;
}

/** What CloudWatch Logs takes, from a day to two years. */
const RETENTIONS = "1 3 5 7 14 30 60 90 120 150 180 365 400 545 731".split(" ");

/** Throws ConfigProblems that names each bad variable, what was given and what is expected. */
export function readSettings(env: Environment, readFile = readText): Settings {
  const read = createReader(env);
  const own = {
    ...placeOf(read),
    kinds: kindsOf(read),
    kmsKeyArn: read.optional(
      "OFFSHOOT_KMS_KEY_ARN",
      /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/,
      "the ARN of a KMS key, such as arn:aws:kms:eu-central-1:123456789012:key/…",
    ),
    alarmEmail: read.optional("OFFSHOOT_ALARM_EMAIL", /^[^@\s]+@[^@\s]+$/, "an address of e-mail"),
    logRetentionDays: Number(read.oneOf("OFFSHOOT_LOG_RETENTION_DAYS", RETENTIONS, "30")),
    concurrency: concurrencyOf(read),
  };
  const deployNames = read.variables().map(({ name }) => name);
  const { config, serviceEnv, problems } = readServiceEnv(env, deployNames, readFile);
  const all = [...problemsOf(read), ...problems];
  if (config === null || all.length > 0) throw new ConfigProblems(all);
  const { stacks, extraTags } = config.clusters;
  return {
    ...own,
    ...{ serviceEnv, extraTags },
    parameterPrefix: config.access.parameterPrefix,
    stackPrefix: stacks.for === "none" ? null : stacks.prefix,
    epochParameter: serviceEnv["OFFSHOOT_EPOCH_PARAMETER"] ?? `/offshoot-epoch/${own.stackName}`,
  };
}

function placeOf(read: Reader): Pick<Settings, "stackName" | "account" | "region"> {
  return {
    stackName: read.text(
      "OFFSHOOT_STACK_NAME",
      /^[A-Za-z][A-Za-z0-9-]{0,40}$/,
      "a name of a stack",
      "offshoot",
    ),
    account: read.optional("OFFSHOOT_AWS_ACCOUNT", /^\d{12}$/, "an AWS account id of 12 digits"),
    region: read.optional("AWS_REGION", /^[a-z]{2,4}(-[a-z]+)+-\d$/, "a Region, such as eu-central-1"),
  };
}

function kindsOf(read: Reader): readonly Kind[] {
  const given = read.oneOf("OFFSHOOT_KINDS", ["preview", "tenant", "preview,tenant"], "preview,tenant");
  return given.split(",") as Kind[];
}

/** A bound for each: what is public must not take the account's whole concurrency, which others share (1,000 by default). */
function concurrencyOf(read: Reader): Concurrency {
  return {
    webhook: read.integer("OFFSHOOT_WEBHOOK_CONCURRENCY", 1, 1_000, 20),
    http: read.integer("OFFSHOOT_HTTP_CONCURRENCY", 1, 1_000, 20),
    // Lambda polls a queue with 2 to 1,000.
    wake: read.integer("OFFSHOOT_WAKE_CONCURRENCY", 2, 1_000, 10),
  };
}

function problemsOf(read: Reader): readonly string[] {
  try {
    read.throwProblems();
    return [];
  } catch (error) {
    if (error instanceof ConfigProblems) return error.problems;
    throw error;
  }
}

function readText(path: string): string {
  return readFileSync(path, "utf8");
}
