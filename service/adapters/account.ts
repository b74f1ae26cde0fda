import { DSQLClient, ListClustersCommand } from "@aws-sdk/client-dsql";
import {
  GetOpenIDConnectProviderCommand,
  GetRoleCommand,
  IAMClient,
  SimulatePrincipalPolicyCommand,
} from "@aws-sdk/client-iam";
import { ListServiceQuotasCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { Refused, Retryable } from "../domain/errors.ts";
import { unknownOf } from "./dsql-failure.ts";

/** ListClusters and ListServiceQuotas give at most 100 a page. */
const PAGE = 100;
const PAGES_MAX = 50;
/** CDK's own name for what its bootstrap leaves, with its default qualifier. */
const BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version";
/** The role that DSQL makes for itself with the first cluster of an account. (using-service-linked-roles) */
const SERVICE_ROLE = "AWSServiceRoleForAuroraDsql";

/** AWS refuses the question itself; `action` is what the caller lacks. */
export class NotAllowed extends Refused {
  readonly action: string;
  constructor(action: string, cause: string) {
    super("denied", `Not known: AWS does not let this profile ask. ${cause}`);
    this.action = action;
  }
}

export interface Caller {
  readonly account: string;
  readonly arn: string;
  readonly partition: string;
  /** AWS' time as it answered, and ours; null if it told none. */
  readonly date: Date | null;
}

export interface ClusterQuota {
  readonly code: string;
  readonly value: number;
}

export type Account = ReturnType<typeof openAccount>;

/**
 * What an AWS account offers to who has nothing but a profile, as the SDK finds it (Region, credentials and endpoints from
 * the environment and the shared files). Only reads. Everything throws NotAllowed, Refused or Retryable.
 */
export function openAccount() {
  const config = { maxAttempts: 2 };
  const clients = {
    dsql: new DSQLClient(config),
    iam: new IAMClient(config),
    quotas: new ServiceQuotasClient(config),
    ssm: new SSMClient(config),
    sts: new STSClient(config),
  };
  return {
    /** The Region of the profile. Throws Refused if it has none. */
    region: () =>
      clients.dsql.config.region().catch(() => {
        const next = "Set AWS_REGION, or a region in the profile.";
        throw new Refused("no_region", `The profile has no Region. ${next}`);
      }),
    caller: () => caller(clients.sts),
    clusters: () => asking("dsql:ListClusters", () => countClusters(clients.dsql)),
    /** Null if Service Quotas lists none that can be told for sure. */
    clusterQuota: () => asking("servicequotas:ListServiceQuotas", () => clusterQuota(clients.quotas)),
    /** The actions that the caller may not do with these tags in the request. */
    refusedActions: (question: Simulation) =>
      asking("iam:SimulatePrincipalPolicy", () => simulate(clients.iam, question)),
    hasServiceRole: () =>
      found("iam:GetRole", clients.iam.send(new GetRoleCommand({ RoleName: SERVICE_ROLE }))),
    hasIssuer(arn: string) {
      const command = new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn });
      return found("iam:GetOpenIDConnectProvider", clients.iam.send(command));
    },
    isBootstrapped: () =>
      found("ssm:GetParameter", clients.ssm.send(new GetParameterCommand({ Name: BOOTSTRAP }))),
    close(): void {
      for (const client of Object.values(clients)) client.destroy();
    },
  };
}

export interface Simulation {
  readonly caller: Caller;
  readonly actions: readonly string[];
  readonly resource: string;
  /** Of the request. */
  readonly tags: Readonly<Record<string, string>>;
  /** Of what is there already. */
  readonly resourceTags?: Readonly<Record<string, string>>;
}

async function caller(sts: STSClient): Promise<Caller> {
  let date: Date | null = null;
  sts.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      const told = Date.parse(String(Object(answer.response).headers?.date ?? ""));
      date = Number.isNaN(told) ? null : new Date(told);
      return answer;
    },
    { step: "deserialize", name: "offshootDate", override: true },
  );
  const { Account: account = "", Arn: arn = "" } = await asking("sts:GetCallerIdentity", () =>
    sts.send(new GetCallerIdentityCommand({})),
  );
  return { account, arn, partition: arn.split(":")[1] ?? "aws", date };
}

async function countClusters(dsql: DSQLClient): Promise<number> {
  let count = 0;
  let nextToken: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await dsql.send(new ListClustersCommand({ maxResults: PAGE, nextToken }));
    count += answer.clusters?.length ?? 0;
    nextToken = answer.nextToken;
    if (!nextToken) break;
  }
  return count;
}

/** The quota's code is not published, so it is told by its name: clusters of one Region, not of several. */
async function clusterQuota(quotas: ServiceQuotasClient): Promise<ClusterQuota | null> {
  const { Quotas = [] } = await quotas.send(
    new ListServiceQuotasCommand({ ServiceCode: "dsql", MaxResults: PAGE }),
  );
  const named = Quotas.filter(({ QuotaName = "" }) => /clusters\b/i.test(QuotaName));
  const single = named.filter(({ QuotaName = "" }) => !/multi.?region/i.test(QuotaName));
  const [quota, other] = single;
  if (other || !quota?.QuotaCode || quota.Value === undefined) return null;
  return { code: quota.QuotaCode, value: quota.Value };
}

async function simulate(
  iam: IAMClient,
  { caller: who, actions, resource, tags, resourceTags = {} }: Simulation,
) {
  const entry = (ContextKeyName: string, ContextKeyValues: string[], list = false) => ({
    ...{ ContextKeyName, ContextKeyValues },
    ContextKeyType: list ? ("stringList" as const) : ("string" as const),
  });
  const answer = await iam.send(
    new SimulatePrincipalPolicyCommand({
      PolicySourceArn: await principalOf(iam, who),
      ActionNames: [...actions],
      ResourceArns: [resource],
      ContextEntries: [
        ...Object.entries(tags).map(([key, value]) => entry(`aws:RequestTag/${key}`, [value])),
        ...Object.entries(resourceTags).map(([key, value]) => entry(`aws:ResourceTag/${key}`, [value])),
        entry("aws:TagKeys", Object.keys(tags), true),
      ],
    }),
  );
  const refused = (answer.EvaluationResults ?? []).filter(({ EvalDecision }) => EvalDecision !== "allowed");
  return refused.map(({ EvalActionName = "" }) => EvalActionName);
}

/** Of a session, its role: with its path, if IAM tells it. */
async function principalOf(iam: IAMClient, { arn, account, partition }: Caller): Promise<string> {
  const [, role] = /:assumed-role\/([^/]+)\//.exec(arn) ?? [];
  if (!role) return arn;
  const known = await iam.send(new GetRoleCommand({ RoleName: role })).catch(() => null);
  return known?.Role?.Arn ?? `arn:${partition}:iam::${account}:role/${role}`;
}

async function found(action: string, asked: Promise<unknown>): Promise<boolean> {
  return asking(action, async () => {
    try {
      await asked;
      return true;
    } catch (error) {
      if (/^(?:NoSuchEntity|ParameterNotFound)/.test(Object(error).name)) return false;
      throw error;
    }
  });
}

async function asking<T>(action: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const { name = "", code = "", $metadata } = Object(error);
    const { cause } = unknownOf(error);
    if (/^AccessDenied|^UnauthorizedOperation|NotAuthorized/.test(name)) throw new NotAllowed(action, cause);
    if (/CredentialsProvider|TokenProvider/.test(name)) {
      throw new Refused(
        "no_credentials",
        `There are no AWS credentials: ${cause} Set AWS_PROFILE, or sign in.`,
      );
    }
    if (code === "ENOTFOUND") {
      throw new Refused("no_endpoint", `AWS has no address for ${action} in this Region (${cause}).`);
    }
    if ($metadata?.httpStatusCode >= 400 && $metadata.httpStatusCode < 500)
      throw new Refused("refused", `AWS refused ${action}: ${cause}`);
    throw new Retryable("unavailable", `AWS did not answer ${action}: ${cause}`);
  }
}
