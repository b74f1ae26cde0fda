/** What the functions need of the service's own parts: store, queue, secret, logs. */
import type { Grant, Places, Who } from "./grants.ts";

/** Those that work on the store, as its role without DDL. */
export const SERVICE = ["webhook", "http", "worker"] as const satisfies readonly Who[];
/** And the one that makes its schema. */
const FUNCTIONS = [...SERVICE, "migrate"] as const;

export function functionGrants(places: Places): readonly Grant[] {
  const { storeArn, queueArn, secretArn } = places;
  return [
    ...FUNCTIONS.map((who) => logs(who, places)),
    {
      sid: "ConnectToStore",
      who: SERVICE,
      actions: ["dsql:DbConnect"],
      resources: [storeArn],
      why: "The functions keep their state in the store, as a database role that can read and write rows and no more.",
    },
    {
      sid: "ApplySchema",
      who: ["migrate"],
      actions: ["dsql:DbConnectAdmin"],
      resources: [storeArn],
      why: "The deploy step alone is the store's admin: it applies the schema, and makes the role of the others.",
    },
    {
      sid: "ReadSecret",
      who: SERVICE,
      actions: ["secretsmanager:GetSecretValue"],
      resources: [secretArn],
      why: "The App's key and webhook secrets are read once and kept in memory.",
    },
    {
      sid: "FillSecret",
      who: ["http"],
      actions: ["secretsmanager:PutSecretValue"],
      resources: [secretArn],
      why: "GET /setup stores what GitHub gives for the new App. The code in the link ends that.",
    },
    {
      sid: "SendHints",
      who: SERVICE,
      actions: ["sqs:SendMessage"],
      resources: [queueArn],
      why: "Whoever writes a wakeup tells the queue, so that it is looked at now.",
    },
    {
      sid: "TakeHints",
      who: ["worker"],
      actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
      resources: [queueArn],
      why: "Lambda polls the queue for the function wake.",
      unseen: "Lambda's event source mapping makes these calls, with the function's role.",
    },
    {
      sid: "KeepEpoch",
      who: ["http", "worker"],
      actions: ["ssm:GetParameter", "ssm:PutParameter"],
      resources: [parameterArn(places, places.epochParameter)],
      why: "The store's epoch is also kept outside the store, which shows that the store was restored from a backup.",
    },
    ...keyGrants(places),
  ];
}

/** In: the name of an SSM parameter, or a pattern of names; names of ours begin with a slash. */
export function parameterArn({ partition, region, account }: Places, name: string): string {
  return `arn:${partition}:ssm:${region}:${account}:parameter${name}`;
}

function logs(who: Who, { logGroupArns }: Places): Grant {
  return {
    sid: "WriteOwnLogs",
    who: [who],
    actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
    // CloudFormation's ARN of a log group ends with `:*`, which stands for its streams.
    resources: logGroupArns[who] ?? [],
    why: "A function writes into its own log group, which the stack made; it may make none.",
    unseen: "Lambda's runtime writes the logs.",
  };
}

/** With a key of the customer's own, AWS' services use it in the name of the caller. */
function keyGrants({ kmsKeyArn, region }: Places): readonly Grant[] {
  if (kmsKeyArn === null) return [];
  const unseen = "AWS' services make these calls for the caller; the local ones encrypt nothing.";
  const via = (...services: readonly string[]) => ({
    StringEquals: { "kms:ViaService": services.map((service) => `${service}.${region}.amazonaws.com`) },
  });
  return [
    {
      sid: "UseKeyForSecretAndQueue",
      who: SERVICE,
      actions: ["kms:Decrypt", "kms:GenerateDataKey"],
      resources: [kmsKeyArn],
      conditions: via("secretsmanager", "sqs"),
      why: "The secret and the queue are encrypted with the customer's key.",
      unseen,
    },
    {
      sid: "UseKeyForClusters",
      who: ["worker", "stacks"],
      actions: ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
      resources: [kmsKeyArn],
      conditions: via("dsql"),
      why: "Clusters are made with the customer's key.",
      unseen,
    },
  ];
}
