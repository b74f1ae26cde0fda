import type { IamStore } from "./iam-store.ts";
import { type Neighbour, NeighbourError } from "./neighbour.ts";
import { PolicyError, parseSessionPolicy, permits } from "./policy.ts";
import { QUERY_CODES, queryAnswer, queryProtocol, unknownAction } from "./query-protocol.ts";
import type { Tree } from "./xml.ts";

const NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/";
/** IAM is one for all Regions, and its requests are signed for this one. (Regions and endpoints of IAM) */
const REGION = "us-east-1";

type Input = Readonly<Record<string, string>>;

/** What each operation takes; `.` ends a name that goes on with the numbers of a list. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  GetRole: ["RoleName"],
  CreateServiceLinkedRole: ["AWSServiceName"],
  PutRolePolicy: ["RoleName", "PolicyName", "PolicyDocument"],
  CreateOpenIDConnectProvider: ["Url", "ClientIDList.", "ThumbprintList."],
  GetOpenIDConnectProvider: ["OpenIDConnectProviderArn"],
  SimulatePrincipalPolicy: ["PolicySourceArn", "ActionNames.", "ResourceArns.", "ContextEntries."],
};

/** The service-linked roles that may be made here. */
const SERVICE_ROLES: Readonly<Record<string, string>> = {
  "dsql.amazonaws.com": "AWSServiceRoleForAuroraDsql",
};

/**
 * The local IAM (AWS' Query protocol), as far as a look at an account before a deploy needs it. A role whose policies
 * nobody has put may do everything, as everybody may here.
 */
export function makeIam(store: IamStore, accountId: string): Neighbour {
  const arn = (rest: string) => `arn:aws:iam::${accountId}:${rest}`;
  const operations = { ...roles(store, arn), ...providers(store, arn), ...simulation(store) };
  return {
    ...{ ...queryProtocol(NAMESPACE), service: "iam", region: REGION },
    codes: { ...QUERY_CODES, internal: "ServiceFailure" },
    read(_headers, body) {
      const { Action = "", Version: _version, ...input } = Object.fromEntries(new URLSearchParams(body));
      const members = Object.hasOwn(MEMBERS, Action) ? MEMBERS[Action] : undefined;
      if (members === undefined) throw unknownAction(Action);
      const other = Object.keys(input).find((name) => !members.includes(name.replace(/\.member\..*$/, ".")));
      if (other !== undefined) throw new NeighbourError("ValidationError", `${other} is not offered here`);
      return { operation: Action, input };
    },
    resourceOf({ input }) {
      const { RoleName, PolicySourceArn, OpenIDConnectProviderArn } = input as Input;
      if (RoleName !== undefined) return arn(`role/${RoleName}`);
      return PolicySourceArn ?? OpenIDConnectProviderArn ?? "*";
    },
    run: ({ operation, input }) =>
      queryAnswer(NAMESPACE, operation, operations[operation as keyof typeof operations](input as Input)),
  };
}

function roles(store: IamStore, arn: (rest: string) => string) {
  const roleTree = (name: string, service: string): Tree => ({
    Role: {
      ...{ Path: `/aws-service-role/${service}/`, RoleName: name, RoleId: `AROA${name.toUpperCase()}` },
      ...{ Arn: arn(`role/aws-service-role/${service}/${name}`), CreateDate: new Date(0).toISOString() },
    },
  });
  return {
    GetRole({ RoleName = "" }: Input): Tree {
      const service = store.serviceOf(RoleName);
      if (service === undefined) throw notFound(`The role with name ${RoleName} cannot be found.`);
      return roleTree(RoleName, service);
    },
    CreateServiceLinkedRole({ AWSServiceName: service = "" }: Input): Tree {
      const name = SERVICE_ROLES[service];
      if (name === undefined) throw new NeighbourError("InvalidInput", `${service} has no such role here`);
      if (store.serviceOf(name) !== undefined)
        throw new NeighbourError("InvalidInput", `Service role name ${name} has been taken in this account`);
      store.put({ serviceRole: name, service });
      return roleTree(name, service);
    },
    PutRolePolicy({
      RoleName: role = "",
      PolicyName: policyName = "",
      PolicyDocument: policy = "",
    }: Input): Tree {
      try {
        parseSessionPolicy(policy);
      } catch (error) {
        if (error instanceof PolicyError) throw new NeighbourError("MalformedPolicyDocument", error.message);
        throw error;
      }
      store.put({ role, policyName, policy });
      return {};
    },
  };
}

function providers(store: IamStore, arn: (rest: string) => string) {
  return {
    CreateOpenIDConnectProvider({ Url = "" }: Input): Tree {
      const issuer = Url.replace(/^https:\/\//, "");
      if (issuer === Url || issuer === "")
        throw new NeighbourError("InvalidInput", "Url must begin with https");
      if (store.hasIssuer(issuer)) {
        const message = `Provider with url ${Url} already exists.`;
        throw new NeighbourError("EntityAlreadyExists", message, 409);
      }
      store.put({ issuer });
      return { OpenIDConnectProviderArn: arn(`oidc-provider/${issuer}`) };
    },
    GetOpenIDConnectProvider({ OpenIDConnectProviderArn = "" }: Input): Tree {
      const issuer = OpenIDConnectProviderArn.replace(arn("oidc-provider/"), "");
      if (store.hasIssuer(issuer)) return { Url: issuer, CreateDate: new Date(0).toISOString() };
      throw notFound(`OpenIDConnect Provider not found for arn ${OpenIDConnectProviderArn}`);
    },
  };
}

function simulation(store: IamStore) {
  return {
    SimulatePrincipalPolicy(input: Input): Tree {
      const { PolicySourceArn: principalArn = "" } = input;
      const role = /:role\/(?:.+\/)?([^/]+)$/.exec(principalArn)?.[1];
      if (role === undefined) throw new NeighbourError("InvalidInput", `${principalArn} is no role`);
      const policy = store.policiesOf(role).flatMap((text) => parseSessionPolicy(text));
      const given = listOf(input, "ResourceArns");
      const resources = given.length === 0 ? ["*"] : given;
      // Each action on each resource, as AWS answers.
      const results = listOf(input, "ActionNames").flatMap((action) =>
        resources.map((resource): Tree => {
          const question = { principalArn, callerArn: principalArn, action, resource };
          const isAllowed = policy.length === 0 || permits(policy, question);
          const EvalDecision = isAllowed ? "allowed" : "implicitDeny";
          return { EvalActionName: action, EvalResourceName: resource, EvalDecision };
        }),
      );
      return { EvaluationResults: results, IsTruncated: "false" };
    },
  };
}

function listOf(input: Input, name: string): string[] {
  const items = Object.entries(input).filter(([key]) => key.startsWith(`${name}.member.`));
  return items.map(([, value]) => value);
}

function notFound(message: string): NeighbourError {
  return new NeighbourError("NoSuchEntity", message, 404);
}
