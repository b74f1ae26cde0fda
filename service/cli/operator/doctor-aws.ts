/** What `offshoot doctor` asks AWS: the queue, the clusters, what this profile may do, the clock and the quota. */
import { type Account, type Caller, NotAllowed } from "../../adapters/account.ts";
import { createCredentials } from "../../adapters/dsql-credentials.ts";
import { readQueueDepth } from "../../adapters/queue-depth.ts";
import { clusterControlOf } from "../../compose-parts.ts";
import type { Config } from "../../config.ts";
import { Refused } from "../../domain/errors.ts";
import { CLUSTER_TAG, KIND_TAG, SERVICE_TAG } from "../../domain/names.ts";
import { type Check, clockText, Gap } from "../findings.ts";
import { CREATE_ACTIONS, quotaRequest, statement } from "./requests.ts";

/** What the service does to clusters that are there; all of them have its tags. */
const MANAGE_ACTIONS = [
  ...["GetCluster", "ListTagsForResource", "UpdateCluster", "DeleteCluster", "DbConnectAdmin"],
  ...["PutClusterPolicy", "GetClusterPolicy", "DeleteClusterPolicy"],
].map((name) => `dsql:${name}`);
/** What it does to the parameters below its prefix. */
const PARAMETER_ACTIONS = ["PutParameter", "AddTagsToResource", "ListTagsForResource", "DeleteParameter"].map(
  (name) => `ssm:${name}`,
);

/** The checks of AWS, in the order in which they are told. Throws nothing. */
export function awsChecks(config: Config, account: Account): readonly Check[] {
  const { region } = config.aws;
  const asked = account.caller();
  // Two checks tell it; until they do nobody else listens.
  asked.catch(() => undefined);
  const isProcess = config.queue.url === null;
  return [
    ...(isProcess ? [] : [queueCheck(config)]),
    ["AWS", () => clustersText(config), "Check the credentials, AWS_REGION and the network."],
    // The functions have roles of their own, which are not the profile of whoever asks.
    ...(isProcess ? [rightsCheck(config, account, asked)] : []),
    [
      "AWS' clock",
      async () => clockText((await asked).date, "AWS"),
      "Check the credentials and the network.",
    ],
    ["quota", () => quotaText(config, account), `Look at Service Quotas, Amazon Aurora DSQL, in ${region}.`],
  ];
}

function queueCheck(config: Config): Check {
  const next = "Check OFFSHOOT_QUEUE_URL, and that this profile may sqs:GetQueueAttributes on it.";
  return ["queue", () => queueText(config), next];
}

async function queueText({ aws, queue }: Config): Promise<string> {
  const { url, endpoint } = queue;
  const { waiting, dead } = await readQueueDepth({
    ...{ region: aws.region, credentials: createCredentials(), url: url ?? "" },
    ...(endpoint ? { endpoint } : {}),
  });
  if (dead && dead.messages > 0) {
    const text = `Messages in the dead-letter queue, which failed too often: ${dead.messages}. No work is lost by that; once the cause is mended, send them again.`;
    throw new Gap(
      text,
      `aws sqs start-message-move-task --source-arn ${dead.queueArn} --region ${aws.region}`,
    );
  }
  return `about ${waiting} messages wait${dead === null ? "; it has no dead-letter queue" : ", none failed"}`;
}

async function clustersText(config: Config): Promise<string> {
  const { region } = config.aws;
  const control = clusterControlOf(config, { region, credentials: createCredentials() });
  try {
    const identifiers = await control.identifiers();
    if (identifiers) return `${identifiers.length} clusters of ${config.limits.clusterQuota} in ${region}`;
    const text = `The clusters of ${region} cannot be listed. The role needs this, unless it is AWS that does not answer:`;
    throw new Gap(text, statement(["dsql:ListClusters"], "*"));
  } finally {
    control.close();
  }
}

/** In a process the one who asks is the service itself: the credentials are the same. */
function rightsCheck(config: Config, account: Account, asked: Promise<Caller>): Check {
  const check = async () => {
    const caller = await asked;
    const refused = [];
    try {
      for (const { actions, ...rest } of needsOf(config, caller)) {
        const lacking = await account.refusedActions({ caller, actions, ...rest });
        if (lacking.length > 0) refused.push({ actions: lacking, resource: rest.resource });
      }
    } catch (error) {
      // A role of the service's own needs no right to ask this.
      if (error instanceof NotAllowed) return "not known: the role may not iam:SimulatePrincipalPolicy";
      throw error;
    }
    if (refused.length === 0) return `${caller.arn} may create, change, remove and reach clusters`;
    const all = refused.flatMap(({ actions }) => actions).join(", ");
    const requests = refused.map(({ actions, resource }) => statement(actions, resource));
    throw new Gap(`${caller.arn} may not ${all}. Its policy needs:`, requests.join(", "));
  };
  return ["AWS permissions", check, "Check the credentials and the network."];
}

/** What the service asks of AWS, by resource, as IAM's simulator takes it. */
function needsOf({ aws, access }: Config, { account, partition }: Caller) {
  const resource = `arn:${partition}:dsql:${aws.region}:${account}:cluster/*`;
  const ours = { [SERVICE_TAG]: "offshoot", [KIND_TAG]: "preview" };
  const { parameterPrefix, tokenRoleArn } = access;
  const parameters = `arn:${partition}:ssm:${aws.region}:${account}:parameter${parameterPrefix}/*`;
  return [
    { actions: CREATE_ACTIONS, resource, tags: { ...ours, [CLUSTER_TAG]: "cl_1" } },
    { actions: MANAGE_ACTIONS, resource, tags: {}, resourceTags: ours },
    ...(tokenRoleArn === null ? [] : [{ actions: ["sts:AssumeRole"], resource: tokenRoleArn, tags: {} }]),
    ...(parameterPrefix === null ? [] : [{ actions: PARAMETER_ACTIONS, resource: parameters, tags: {} }]),
  ];
}

/** What Service Quotas says against what the service believes. */
async function quotaText({ aws, limits }: Config, account: Account): Promise<string> {
  try {
    const quota = await account.clusterQuota();
    if (quota === null) return "Service Quotas does not tell which quota is meant";
    if (quota.value >= limits.clusterQuota)
      return `AWS grants ${quota.value} clusters, and OFFSHOOT_CLUSTER_QUOTA is ${limits.clusterQuota}`;
    const next = `Set OFFSHOOT_CLUSTER_QUOTA to ${quota.value}, or ask AWS for more:`;
    const request = quotaRequest(quota.code, limits.clusterQuota, aws.region);
    throw new Gap(`AWS grants ${quota.value} clusters only. ${next}`, request);
  } catch (error) {
    // A role of the service's own needs no right to ask this.
    if (error instanceof Refused && error.reason === "denied") return "not known: the role may not ask";
    throw error;
  }
}
