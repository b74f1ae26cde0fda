import { Duration, RemovalPolicy } from "aws-cdk-lib";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Architecture, Code, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { FUNCTIONS, type FunctionName, functionDirectory, nodeOptions } from "./bundles.ts";
import type { Places, Who } from "./grants.ts";
import { type FunctionRole, type Roles, storeRoleArnsOf } from "./roles.ts";
import type { Settings } from "./settings.ts";

/** A step's outside call may take 30 s and a migrate step 20 s, with its connection and its commit: two of the longest. */
export const WAKE_TIMEOUT_SECONDS = 120;

interface Plan {
  readonly role: FunctionRole;
  readonly description: string;
  readonly timeoutSeconds: number;
  /** Lambda gives a share of a CPU by memory: a whole one at 1,769 MB. */
  readonly memoryMb: number;
}

const PLANS: Readonly<Record<FunctionName, Plan>> = {
  webhook: {
    role: "webhook",
    description: "POST /webhooks/github: verifies and stores a delivery",
    // GitHub hangs up after 10 s.
    timeoutSeconds: 10,
    memoryMb: 512,
  },
  http: {
    role: "http",
    description: "The API, health and setting up",
    // API Gateway hangs up after 30 s.
    timeoutSeconds: 29,
    memoryMb: 1_024,
  },
  wake: {
    role: "worker",
    description: "Takes hints from the queue and works on what is due",
    timeoutSeconds: WAKE_TIMEOUT_SECONDS,
    memoryMb: 1_024,
  },
  tick: {
    role: "worker",
    description: "Every minute: what is due, the sweep, lost deliveries, metrics",
    timeoutSeconds: WAKE_TIMEOUT_SECONDS,
    memoryMb: 1_024,
  },
  migrate: {
    role: "migrate",
    description: "Deploy step: applies the store's schema",
    // Lambda's own bound: an index of a large table is built in the background and waited for.
    timeoutSeconds: 900,
    memoryMb: 512,
  },
};

export interface FunctionsProps {
  readonly settings: Settings;
  readonly roles: Roles;
  readonly key: IKey | null;
  readonly environment: Readonly<Record<string, string>>;
  readonly bundles: string;
}

export interface Functions {
  readonly all: Readonly<Record<FunctionName, LambdaFunction>>;
}

/** The functions of the service with their log groups, without anything that calls them. */
export function createFunctions(scope: Construct, props: FunctionsProps): Functions {
  const made = FUNCTIONS.map((name) => [name, createFunction(scope, name, props)] as const);
  return { all: Object.fromEntries(made) as Functions["all"] };
}

function createFunction(
  scope: Construct,
  name: FunctionName,
  { settings, roles, key, environment, bundles }: FunctionsProps,
): LambdaFunction {
  const plan = PLANS[name];
  const options = nodeOptions(name);
  const id = name.replace(/^./, (first) => first.toUpperCase());
  const logGroup = new LogGroup(scope, `${id}Logs`, {
    retention: settings.logRetentionDays as RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
    ...(key && { encryptionKey: key }),
  });
  return new LambdaFunction(scope, id, {
    description: plan.description,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    handler: "index.handler",
    code: Code.fromAsset(functionDirectory(name, bundles)),
    timeout: Duration.seconds(plan.timeoutSeconds),
    memorySize: plan.memoryMb,
    // What a role may do stands in the table of grants alone, so no construct may add to it.
    role: roles.functions[plan.role].withoutPolicyUpdates(),
    logGroup,
    environment: {
      ...(options && { NODE_OPTIONS: options }),
      ...environment,
      // Only who maps them need know them.
      ...(name === "migrate" && { OFFSHOOT_STORE_IAM_ROLES: storeRoleArnsOf(roles).join() }),
    },
    ...reserved(name, settings),
    ...(key && { environmentEncryption: key }),
  });
}

/** By the role that writes into them. */
export function logGroupArnsOf({ all }: Functions): Places["logGroupArns"] {
  const arns: Partial<Record<Who, string[]>> = {};
  for (const name of FUNCTIONS) {
    const { role } = PLANS[name];
    arns[role] = [...(arns[role] ?? []), all[name].logGroup.logGroupArn];
  }
  return arns;
}

/** What the internet can call is bounded; the queue bounds wake, and one tick begins a minute. */
function reserved(name: FunctionName, { concurrency }: Settings) {
  if (name !== "webhook" && name !== "http") return {};
  return { reservedConcurrentExecutions: concurrency[name] };
}
