/** `offshoot doctor --before`: what an AWS account has and lacks, seen with nothing but a profile. It changes nothing. */
import { type Account, type Caller, NotAllowed, openAccount } from "../../adapters/account.ts";
import { CLUSTER_QUOTA, SLOT_RESERVE } from "../../domain/limits.ts";
import { SERVICE_TAG } from "../../domain/names.ts";
import { type Check, clockText, type Finding, findingsOf, Gap } from "../findings.ts";
import { CREATE_ACTIONS, quotaRequest, statement } from "./requests.ts";

const ISSUER = "token.actions.githubusercontent.com";
const SIGN_IN = "Set AWS_PROFILE and AWS_REGION, and sign in: aws sso login, or aws configure.";
/** For what AWS would answer at another time. */
const AGAIN = "Look at what AWS says, and run it again.";

interface Place {
  readonly account: Account;
  readonly caller: Caller;
  readonly region: string;
}

/** Asks AWS. The first question is who asks; without an answer there are no others. */
export async function beforeFindings(): Promise<Finding[]> {
  const account = openAccount();
  try {
    const asked = placeOf(account);
    const first = await findingsOf([
      ["profile", () => asked.then(({ caller, region }) => `${caller.arn} in ${region}`), SIGN_IN],
    ]);
    if (!first[0]?.ok) return first;
    return [...first, ...(await findingsOf(checksOf(await asked).map(withRequest)))];
  } finally {
    account.close();
  }
}

async function placeOf(account: Account): Promise<Place> {
  const region = await account.region();
  return { account, region, caller: await account.caller() };
}

function checksOf(place: Place): readonly Check[] {
  const { account, caller, region } = place;
  const used = account.clusters();
  // Two checks tell it; until they do nobody else listens.
  used.catch(() => undefined);
  const list = async () => `answers in ${region}; ${await used} clusters are there, whoever made them`;
  return [
    ["clock", async () => clockText(caller.date, "AWS"), AGAIN],
    [
      "DSQL",
      list,
      "Check that AWS offers Aurora DSQL in this Region, or set AWS_REGION to one where it does.",
    ],
    ["quota", async () => quota(place, await used), AGAIN],
    ["creation", () => creation(place), AGAIN],
    ["service-linked role", () => serviceRole(place), AGAIN],
    ["GitHub OIDC provider", () => issuer(place), AGAIN],
    ["CDK bootstrap", () => bootstrap(place), AGAIN],
  ];
}

async function quota({ account, region }: Place, used: number) {
  const known = await account.clusterQuota();
  const most = known?.value ?? CLUSTER_QUOTA;
  const code = known?.code ?? "<code of the quota on clusters>";
  const text = known
    ? `${used} clusters of ${most} are used`
    : `${used} clusters are used, of ${most} if nobody raised it: Service Quotas does not tell which quota is meant`;
  const request = quotaRequest(code, most * 5, region);
  // The service never uses the last ones, and a pull request needs one at least.
  if (used + SLOT_RESERVE < most) return { text, request };
  throw new Gap(`${text}; none is left for Offshoot.`, request);
}

async function creation({ account, caller, region }: Place): Promise<string> {
  const resource = `arn:${caller.partition}:dsql:${region}:${caller.account}:cluster/*`;
  const tags = { [SERVICE_TAG]: "offshoot" };
  const refused = await account.refusedActions({ caller, actions: CREATE_ACTIONS, resource, tags });
  if (refused.length === 0) return `may create clusters that are tagged ${SERVICE_TAG}=offshoot`;
  throw new Gap(
    `This profile may not ${refused.join(" and ")} with Offshoot's tags.`,
    statement(CREATE_ACTIONS, resource, { StringEquals: { [`aws:RequestTag/${SERVICE_TAG}`]: "offshoot" } }),
  );
}

async function serviceRole({ account }: Place): Promise<string> {
  if (await account.hasServiceRole()) return "is there";
  throw new Gap(
    "DSQL has no service-linked role yet; it is made with the first cluster by who may, or by this.",
    "aws iam create-service-linked-role --aws-service-name dsql.amazonaws.com",
  );
}

async function issuer({ account, caller }: Place): Promise<string> {
  const arn = `arn:${caller.partition}:iam::${caller.account}:oidc-provider/${ISSUER}`;
  if (await account.hasIssuer(arn)) return "is there";
  throw new Gap(
    "GitHub Actions cannot assume roles here yet; only a deploy by a workflow needs that.",
    `aws iam create-open-id-connect-provider --url https://${ISSUER} --client-id-list sts.amazonaws.com`,
  );
}

async function bootstrap({ account, caller, region }: Place): Promise<string> {
  if (await account.isBootstrapped()) return "is done";
  throw new Gap(
    `CDK has not been bootstrapped in ${region}; scripts/deploy needs it.`,
    `npx cdk bootstrap aws://${caller.account}/${region}`,
  );
}

/** What AWS does not let this profile ask is asked for, too. */
function withRequest([name, check, next]: Check): Check {
  return [
    name,
    () =>
      check().catch((error: unknown) => {
        if (error instanceof NotAllowed) throw new Gap(error.message, statement([error.action], "*"));
        throw error;
      }),
    next,
  ];
}
