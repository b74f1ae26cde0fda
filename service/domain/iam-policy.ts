import { writeCdk, writeJson, writeTerraform } from "./iam-policy-text.ts";
import { KIND_TAG, REPOSITORY_TAG, SERVICE_TAG } from "./names.ts";
import { repositoryPath } from "./parameter-name.ts";

/** What `offshoot iam` knows of an installation and of one repository. */
export interface IamInput {
  readonly account: string;
  readonly region: string;
  /** The GitHub host, such as github.com. */
  readonly host: string;
  readonly repository: {
    /** owner/name. */
    readonly name: string;
    readonly id: number;
    readonly ownerName: string;
    readonly ownerId: number;
  };
  /** Null: applications find no parameter, and get no permission for one. */
  readonly parameterPrefix: string | null;
  /** The signing role's ARN, from which it has its name; null: it is to be made under a name of ours. */
  readonly tokenRoleArn: string | null;
  /** The role that the service runs as; null: the signing role is left out, because nobody could be trusted with it. */
  readonly serviceRoleArn: string | null;
}

export type IamFormat = "json" | "cdk" | "terraform";

type Conditions = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export interface IamStatement {
  /** What the statement is for; letters and digits only, by IAM's rule. */
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Principal?: Readonly<Record<string, string>>;
  readonly Action: readonly string[] | string;
  /** Permissions name it, trust policies do not. */
  readonly Resource?: string;
  readonly Condition?: Conditions;
}

export interface IamDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly IamStatement[];
}

/** A policy to attach, with the role that has it if that is one to be made. */
export interface IamGrant {
  /** For whom, as a word of a name. */
  readonly who: "people" | "application" | "ci" | "signing";
  readonly purpose: string;
  readonly policyName: string;
  readonly permissions: IamDocument;
  readonly role: { readonly name: string; readonly path: string; readonly trust: IamDocument } | null;
}

/** The text of everything that a repository's people, application and CI, and the signing role, need. Deterministic. */
export function renderIam(input: IamInput, format: IamFormat): string {
  const grants = iamGrants(input);
  switch (format) {
    case "json":
      return writeJson(grants);
    case "cdk":
      return writeCdk(grants);
    case "terraform":
      return writeTerraform(grants);
  }
}

/**
 * Who gets which permissions. Names carry the repository's id, so that a rename changes none of them. Tags decide what
 * may be reached: `offshoot:kind` keeps everybody here away from customers' clusters (names.ts).
 */
export function iamGrants(input: IamInput): readonly IamGrant[] {
  const { name, id } = input.repository;
  const connect = [connectStatement(input, "dsql:DbConnect"), connectStatement(input, "dsql:DbConnectAdmin")];
  const grant = (
    who: IamGrant["who"],
    purpose: string,
    statements: readonly IamStatement[],
    role: IamGrant["role"] = null,
  ): IamGrant => {
    return { who, purpose, policyName: `offshoot-${who}-${id}`, permissions: documentOf(statements), role };
  };
  const ci = { name: `offshoot-ci-${id}`, path: "/", trust: documentOf([ciTrust(input)]) };
  return [
    grant("people", `People who connect to the preview databases of ${name}`, connect),
    grant("application", `The host of ${name}'s preview deployments`, [...findStatements(input), ...connect]),
    grant("ci", `Jobs of GitHub Actions in pull requests of ${name}`, connect, ci),
    ...signing(input),
  ];
}

/** A statement for each of the two, so that whoever needs no admin strikes one out. */
function connectStatement(input: IamInput, action: "dsql:DbConnect" | "dsql:DbConnectAdmin"): IamStatement {
  const { host, repository } = input;
  return {
    Sid: action === "dsql:DbConnect" ? "ConnectToPreviewsAsMappedRole" : "ConnectToPreviewsAsAdmin",
    Effect: "Allow",
    Action: action,
    Resource: clusterArns(input),
    Condition: {
      StringEquals: {
        [`aws:ResourceTag/${SERVICE_TAG}`]: "offshoot",
        [`aws:ResourceTag/${KIND_TAG}`]: "preview",
        [`aws:ResourceTag/${REPOSITORY_TAG}`]: `${host}/${repository.id}`,
      },
    },
  };
}

function findStatements({ account, region, repository, parameterPrefix }: IamInput): readonly IamStatement[] {
  if (parameterPrefix === null) return [];
  const path = repositoryPath(parameterPrefix, repository.name);
  return [
    {
      Sid: "FindPreviewsByParameter",
      Effect: "Allow",
      Action: "ssm:GetParameter",
      Resource: `arn:aws:ssm:${region}:${account}:parameter${path}/*`,
    },
  ];
}

/**
 * AWS looks at `sub` and `aud` of GitHub's tokens. Since July 2026 `sub` has the ids of new and of renamed repositories
 * in it, so both forms are allowed; of GitHub Enterprise Server there is only the older one (github.md 4.3).
 */
function ciTrust({ account, host, repository }: IamInput): IamStatement {
  const provider = oidcProvider(host);
  const [, name = ""] = repository.name.split("/");
  const classic = `repo:${repository.ownerName}/${name}:pull_request`;
  const immutable = `repo:${repository.ownerName}@${repository.ownerId}/${name}@${repository.id}:pull_request`;
  return {
    Sid: "TrustJobsOfPullRequests",
    Effect: "Allow",
    Principal: { Federated: `arn:aws:iam::${account}:oidc-provider/${provider}` },
    Action: "sts:AssumeRoleWithWebIdentity",
    Condition: {
      StringEquals: {
        [`${provider}:aud`]: "sts.amazonaws.com",
        [`${provider}:sub`]: isServer(host) ? [classic] : [classic, immutable],
      },
    },
  };
}

/** GitHub's issuers by kind of host, without their scheme, as IAM names a provider (github.md 4.1). */
function oidcProvider(host: string): string {
  if (host === "github.com") return "token.actions.githubusercontent.com";
  return isServer(host) ? `${host}/_services/token` : `token.actions.${host}`;
}

/** GitHub Enterprise Server: neither github.com nor a place of data residency below ghe.com. */
function isServer(host: string): boolean {
  return host !== "github.com" && !host.endsWith(".ghe.com");
}

/** The path, with its slashes, and the name in a role's ARN. */
const ROLE = /:role(\/(?:.*\/)?)([^/]+)$/;

/**
 * The role that signs tokens reaches every cluster of an owner, of previews and of customers alike, but not the service's
 * own store (kind `store`); the service narrows each session to one cluster.
 */
function signing(input: IamInput): readonly IamGrant[] {
  const { serviceRoleArn, tokenRoleArn } = input;
  if (serviceRoleArn === null) return [];
  const trust: IamStatement = {
    Sid: "TrustTheService",
    Effect: "Allow",
    Principal: { AWS: serviceRoleArn },
    Action: "sts:AssumeRole",
  };
  const permissions: IamStatement = {
    Sid: "SignTokensForClustersOfOffshoot",
    Effect: "Allow",
    Action: ["dsql:DbConnect", "dsql:DbConnectAdmin"],
    Resource: clusterArns(input),
    Condition: {
      StringEquals: {
        [`aws:ResourceTag/${SERVICE_TAG}`]: "offshoot",
        [`aws:ResourceTag/${KIND_TAG}`]: ["preview", "tenant"],
      },
    },
  };
  const [, path = "/", name = "offshoot-signing"] = ROLE.exec(tokenRoleArn ?? "") ?? [];
  return [
    {
      who: "signing",
      purpose: "The role whose tokens the service hands out",
      policyName: name,
      permissions: documentOf([permissions]),
      role: { name, path, trust: documentOf([trust]) },
    },
  ];
}

function clusterArns({ region, account }: IamInput): string {
  return `arn:aws:dsql:${region}:${account}:cluster/*`;
}

function documentOf(Statement: readonly IamStatement[]): IamDocument {
  return { Version: "2012-10-17", Statement };
}
