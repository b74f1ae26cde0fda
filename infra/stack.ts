import { type App, CfnOutput, Duration, Stack, Tags } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction as LambdaTarget } from "aws-cdk-lib/aws-events-targets";
import { Key } from "aws-cdk-lib/aws-kms";
import { SqsEventSource } from "aws-cdk-lib/aws-lambda-event-sources";
import type { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Trigger } from "aws-cdk-lib/triggers";
import { createAlarms } from "./alarms.ts";
import { addRoutes, createDoor, type Door } from "./api.ts";
import { BUNDLES } from "./bundles.ts";
import { createFunctions, type Functions, logGroupArnsOf } from "./functions.ts";
import type { Places } from "./grants.ts";
import { STORE_ROLE } from "./names.ts";
import { createWakeQueue, type WakeQueue } from "./queue.ts";
import {
  createRoles,
  grantAll,
  type Roles,
  stackPlacesOf,
  storePoliciesOf,
  tokenRoleArnsOf,
} from "./roles.ts";
import { createSecret } from "./secret.ts";
import type { Settings } from "./settings.ts";
import { createStore, type Store } from "./store.ts";

/** Hints of one call: a step is seconds of waiting, and the function works on several at a time. */
const HINTS_A_CALL = 10;

/** What exists before the functions, which are told of it. */
interface Parts {
  readonly store: Store;
  readonly secret: Secret;
  readonly queue: WakeQueue;
  readonly door: Door;
  readonly roles: Roles;
}

/**
 * One installation in one account and Region; reads as a parts list. In: the settings, and a directory with a bundle for
 * each function.
 */
export function createStack(app: App, settings: Settings, bundles: string = BUNDLES): Stack {
  const { stackName, account, region, kmsKeyArn, logRetentionDays } = settings;
  const stack = new Stack(app, stackName, {
    description: "Offshoot: a DSQL database for every pull request, git branch or customer",
    env: { ...(account && { account }), ...(region && { region }) },
  });
  for (const [name, value] of Object.entries(settings.extraTags)) Tags.of(stack).add(name, value);
  const key = kmsKeyArn === null ? null : Key.fromKeyArn(stack, "Key", kmsKeyArn);
  const parts: Parts = {
    store: createStore(stack, kmsKeyArn),
    secret: createSecret(stack, key),
    queue: createWakeQueue(stack, key),
    door: createDoor(stack, key, logRetentionDays),
    roles: createRoles(stack, settings),
  };
  const environment = environmentOf(stack, settings, parts);
  const { roles, queue } = parts;
  const functions = createFunctions(stack, { settings, roles, key, environment, bundles });
  grantAll(roles, placesOf(stack, settings, parts, functions));
  addCallers(stack, settings, parts, functions);
  createAlarms(stack, { api: parts.door.api, functions, queue, key, email: settings.alarmEmail });
  addOutputs(stack, parts);
  return stack;
}

/** The variables of all functions: what only the stack knows, and the operator's. */
function environmentOf(
  { account }: Stack,
  { serviceEnv, epochParameter }: Settings,
  { store, secret, queue, door, roles }: Parts,
) {
  const { tenant, preview = tenant } = tokenRoleArnsOf(roles);
  const stacks = stackPlacesOf(roles);
  return {
    OFFSHOOT_AWS_ACCOUNT: account,
    OFFSHOOT_STORE_URL: `dsql://${store.endpoint}`,
    OFFSHOOT_STORE_ROLE: STORE_ROLE,
    OFFSHOOT_QUEUE_URL: queue.queue.queueUrl,
    OFFSHOOT_SECRETS_ARN: secret.secretArn,
    OFFSHOOT_PUBLIC_URL: door.url,
    OFFSHOOT_EPOCH_PARAMETER: epochParameter,
    ...(preview && { OFFSHOOT_TOKEN_ROLE_ARN: preview }),
    ...(tenant && { OFFSHOOT_TENANT_TOKEN_ROLE_ARN: tenant }),
    ...(stacks && {
      OFFSHOOT_STACK_ROLE_ARN: stacks.roleArn,
      OFFSHOOT_STACK_BOUNDARY_ARN: stacks.boundaryArn,
    }),
    ...serviceEnv,
  };
}

function placesOf(
  stack: Stack,
  settings: Settings,
  { store, secret, queue, roles }: Parts,
  functions: Functions,
): Places {
  const { kinds, extraTags, parameterPrefix, epochParameter, kmsKeyArn } = settings;
  return {
    ...{ partition: stack.partition, region: stack.region, account: stack.account },
    ...{ storeArn: store.arn, queueArn: queue.queue.queueArn, secretArn: secret.secretArn },
    ...{ kinds, parameterPrefix, epochParameter, kmsKeyArn, extraTagNames: Object.keys(extraTags) },
    logGroupArns: logGroupArnsOf(functions),
    tokenRoleArns: tokenRoleArnsOf(roles),
    stacks: stackPlacesOf(roles),
  };
}

/** What calls each function: the deploy, the queue, the clock and the door. */
function addCallers(
  stack: Stack,
  { concurrency }: Settings,
  { queue, door, roles }: Parts,
  { all }: Functions,
): void {
  // Old functions run on the new schema for a moment, new ones never on the old: migrations fit one version back. What the
  // functions may do changes after it, too: until the step has let them in as the role, those of before connect as they did.
  new Trigger(stack, "ApplySchema", {
    handler: all.migrate,
    timeout: Duration.minutes(15),
    executeBefore: [all.webhook, all.http, all.wake, all.tick, ...storePoliciesOf(roles)],
  });
  const hints = new SqsEventSource(queue.queue, {
    batchSize: HINTS_A_CALL,
    // What is there is taken at once: somebody waits for it.
    maxBatchingWindow: Duration.seconds(0),
    reportBatchItemFailures: true,
    maxConcurrency: concurrency.wake,
  });
  all.wake.addEventSource(hints);
  // A tick that failed is not repeated: the next one does the same a minute later.
  const tick = new LambdaTarget(all.tick, { retryAttempts: 0 });
  new Rule(stack, "Minute", { schedule: Schedule.rate(Duration.minutes(1)), targets: [tick] });
  addRoutes(door, all);
}

/** What scripts/deploy and scripts/destroy, and people, read. */
function addOutputs(stack: Stack, { store, secret, queue, door }: Parts): void {
  const outputs = {
    PublicUrl: door.url,
    SecretArn: secret.secretArn,
    StoreIdentifier: store.identifier,
    StoreEndpoint: store.endpoint,
    QueueUrl: queue.queue.queueUrl,
  };
  for (const [name, value] of Object.entries(outputs)) new CfnOutput(stack, name, { value });
}
