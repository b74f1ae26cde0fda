/** The operator's own variables of the service, as the functions get them: checked by the service's own reader. */
import { generateKeyPairSync } from "node:crypto";
import { type Config, ConfigProblems, describeVariables, readConfig } from "../service/config.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ServiceEnv {
  readonly serviceEnv: Readonly<Record<string, string>>;
  /** As the service will read it, with stand-ins for what the stack fills in; null if there is a problem. */
  readonly config: Config | null;
  /** A line each. */
  readonly problems: readonly string[];
}

/** The stack fills these in, from what it makes. */
const FILLED = [
  "OFFSHOOT_STORE_URL",
  "OFFSHOOT_STORE_ROLE",
  "OFFSHOOT_STORE_IAM_ROLES",
  "OFFSHOOT_QUEUE_URL",
  "OFFSHOOT_SECRETS_ARN",
  "OFFSHOOT_TOKEN_ROLE_ARN",
  "OFFSHOOT_TENANT_TOKEN_ROLE_ARN",
  "OFFSHOOT_STACK_ROLE_ARN",
  "OFFSHOOT_STACK_BOUNDARY_ARN",
];
/** A variable of a function can be read by everybody who may look at it. */
const SECRET = [
  "OFFSHOOT_GITHUB_APP_ID",
  "OFFSHOOT_GITHUB_PRIVATE_KEY",
  "OFFSHOOT_GITHUB_WEBHOOK_SECRETS",
  "OFFSHOOT_GITHUB_CLIENT_ID",
];
/** Another address of AWS, a place to listen, a file: nothing of that is there where Lambda runs. */
const ELSEWHERE = /^OFFSHOOT_(HOST|PORT|DSQL_CONNECT_TO|\w+_FILE|\w+_ENDPOINT)$/;
/** The command line's, which often stand in an operator's shell. */
const COMMAND_LINE = ["OFFSHOOT_URL", "OFFSHOOT_KEY"];
/** The one file that has a meaning: its text goes along in the place of its path. */
const ACCESS_FILE = "OFFSHOOT_ACCESS_FILE";
/** Lambda's bound for all variables of a function together is 4 KB; the stack's own need less than the rest. */
const BYTES_MAX = 4_096 - 1_600;

/**
 * In: all variables, and the names of those that are the deployment's own matter. Out: what to pass to the functions, and
 * what is wrong with it, a line each.
 */
export function readServiceEnv(
  env: Environment,
  deployNames: readonly string[],
  readFile: (path: string) => string,
): ServiceEnv {
  const known = new Set(describeVariables().map(({ name }) => name));
  const mine = (name: string) => deployNames.includes(name) && !known.has(name);
  const given = Object.entries(env)
    .map(([name, value]) => [name, value?.trim() ?? ""] as const)
    .filter(([name, value]) => name.startsWith("OFFSHOOT_") && value !== "" && !mine(name))
    .filter(([name]) => !COMMAND_LINE.includes(name) && name !== "OFFSHOOT_AWS_ACCOUNT");
  const misplaced = given.flatMap(([name]) => misplacedText(name));
  const kept = given.filter(([name]) => misplacedText(name).length === 0);
  const { config, problems } = check(Object.fromEntries(kept), readFile);
  const serviceEnv = Object.fromEntries(
    kept.map(([name, value]) => inlined(name, value, problems, readFile)),
  );
  return { config, serviceEnv, problems: [...misplaced, ...problems, ...tooLarge(serviceEnv)] };
}

function misplacedText(name: string): readonly string[] {
  if (FILLED.includes(name))
    return [`${name}: given a value; expected nothing, because the stack fills it in.`];
  if (SECRET.includes(name)) {
    return [
      `${name}: given a value; expected nothing, because it belongs in the stack's secret (README, Deploy to AWS).`,
    ];
  }
  if (name !== ACCESS_FILE && ELSEWHERE.test(name)) {
    return [`${name}: given a value; expected nothing, because it has no meaning on AWS Lambda.`];
  }
  return [];
}

/** What the service itself says of the variables, with stand-ins for what the stack fills in and the secret holds. */
function check(given: Readonly<Record<string, string>>, readFile: (path: string) => string) {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const standIns = {
    AWS_REGION: "us-east-1",
    OFFSHOOT_AWS_ACCOUNT: "0".repeat(12),
    OFFSHOOT_STORE_URL: `dsql://${"a".repeat(26)}.dsql.us-east-1.on.aws`,
    OFFSHOOT_GITHUB_APP_ID: "1",
    OFFSHOOT_GITHUB_PRIVATE_KEY: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    OFFSHOOT_GITHUB_WEBHOOK_SECRETS: "0".repeat(32),
  };
  try {
    return { config: readConfig({ ...standIns, ...given }, readFile), problems: [] };
  } catch (error) {
    if (error instanceof ConfigProblems) return { config: null, problems: error.problems };
    throw error;
  }
}

function inlined(
  name: string,
  value: string,
  problems: readonly string[],
  readFile: (path: string) => string,
) {
  if (name !== ACCESS_FILE || problems.length > 0) return [name, value] as const;
  return ["OFFSHOOT_ACCESS", JSON.stringify(JSON.parse(readFile(value)))] as const;
}

function tooLarge(serviceEnv: Readonly<Record<string, string>>): readonly string[] {
  const bytes = Buffer.byteLength(Object.entries(serviceEnv).flat().join(""));
  if (bytes <= BYTES_MAX) return [];
  const next = "AWS Lambda takes 4 KB of variables, so shorten OFFSHOOT_ACCESS, by patterns such as acme/*";
  return [`The variables of the service: given ${bytes} bytes; expected at most ${BYTES_MAX}. ${next}.`];
}
