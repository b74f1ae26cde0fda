import { Duration, Stack } from "aws-cdk-lib";
import {
  Effect,
  type IPrincipal,
  ManagedPolicy,
  PolicyStatement,
  Role,
  ServicePrincipal,
} from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import { type Grant, grantsOf, type Places, type Who } from "./grants.ts";
import { clusterArns, resourceTags } from "./grants-clusters.ts";
import { SERVICE } from "./grants-functions.ts";
import { acceptWildcards } from "./nag.ts";
import type { Kind, Settings } from "./settings.ts";

/** The longest session that the service asks for (service/adapters/dsql-token.ts). */
const TOKEN_SESSION_HOURS = 1;

export type FunctionRole = "webhook" | "http" | "worker" | "migrate";

export interface Roles {
  readonly functions: Readonly<Record<FunctionRole, Role>>;
  readonly tokens: Readonly<Partial<Record<Kind, Role>>>;
  /** Null without stacks. */
  readonly stacks: { readonly prefix: string; readonly role: Role; readonly boundary: ManagedPolicy } | null;
}

/** A role for each kind of process, without any permission yet: the table of grants gives those, in `grantAll`. */
export function createRoles(scope: Construct, settings: Settings): Roles {
  const lambda = new ServicePrincipal("lambda.amazonaws.com");
  const functions = {
    webhook: createRole(scope, "Webhook", lambda, "Function webhook: stores deliveries"),
    http: createRole(scope, "Http", lambda, "Function http: the API"),
    worker: createRole(scope, "Worker", lambda, "Functions wake and tick: everything that changes AWS"),
    migrate: createRole(scope, "Migrate", lambda, "The deploy step that applies the store's schema"),
  };
  const tokens = settings.kinds.map((kind) => [kind, createTokenRole(scope, kind, functions.http)] as const);
  return { functions, tokens: Object.fromEntries(tokens), stacks: createStackRoles(scope, settings) };
}

/** Gives each role what the table says. Once, when all places are known. */
export function grantAll(roles: Roles, places: Places): void {
  const all = byName(roles);
  for (const grant of grantsOf(places)) {
    for (const role of grant.who.flatMap((who) => all[who] ?? [])) {
      role.addToPrincipalPolicy(statementOf(grant));
      acceptWildcards(role, grant.resources, grant.why);
    }
  }
}

/** The roles by their names in the table of grants. */
function byName({ functions, tokens, stacks }: Roles): Readonly<Partial<Record<Who, Role>>> {
  return {
    ...functions,
    ...(tokens.preview && { previewTokens: tokens.preview }),
    ...(tokens.tenant && { tenantTokens: tokens.tenant }),
    ...(stacks && { stacks: stacks.role }),
  };
}

/** Who may connect to the store as the role of the service. */
export function storeRoleArnsOf({ functions }: Roles): readonly string[] {
  return SERVICE.map((name) => functions[name].roleArn);
}

/** What those may do, as constructs of the stack. */
export function storePoliciesOf({ functions }: Roles): readonly Construct[] {
  return SERVICE.map((name) => functions[name].node.findChild("DefaultPolicy") as Construct);
}

export function tokenRoleArnsOf({ tokens }: Roles): Places["tokenRoleArns"] {
  return Object.fromEntries(Object.entries(tokens).map(([kind, role]) => [kind, role.roleArn]));
}

export function stackPlacesOf({ stacks }: Roles): Places["stacks"] {
  if (stacks === null) return null;
  const { prefix, role, boundary } = stacks;
  return { prefix, roleArn: role.roleArn, boundaryArn: boundary.managedPolicyArn };
}

function createRole(scope: Construct, name: string, assumedBy: IPrincipal, description: string): Role {
  return new Role(scope, `${name}Role`, { assumedBy, description });
}

function createTokenRole(scope: Construct, kind: Kind, trusted: Role): Role {
  return new Role(scope, kind === "preview" ? "PreviewTokensRole" : "TenantTokensRole", {
    assumedBy: trusted,
    description: `Signs tokens for clusters of kind ${kind}`,
    maxSessionDuration: Duration.hours(TOKEN_SESSION_HOURS),
  });
}

function createStackRoles(scope: Construct, { stackPrefix, kinds }: Settings): Roles["stacks"] {
  if (stackPrefix === null) return null;
  const { account, region, partition } = Stack.of(scope);
  // Only for this account's stacks, so that nobody else's CloudFormation can be talked into using it.
  const cloudFormation = new ServicePrincipal("cloudformation.amazonaws.com", {
    conditions: { StringEquals: { "aws:SourceAccount": account } },
  });
  const role = createRole(scope, "Stacks", cloudFormation, "CloudFormation, for environments' stacks");
  const connect = new PolicyStatement({
    sid: "ConnectOnly",
    actions: ["dsql:DbConnect", "dsql:DbConnectAdmin"],
    resources: [clusterArns({ partition, region, account })],
    conditions: { ...resourceTags(kinds) },
  });
  const boundary = new ManagedPolicy(scope, "StackBoundary", {
    description: "The most that a role of an environment's stack can do",
    statements: [connect],
  });
  acceptWildcards(
    boundary,
    connect.resources,
    "A boundary for all clusters with our tags; it gives nothing by itself.",
  );
  return { prefix: stackPrefix, role, boundary };
}

function statementOf({ sid, actions, resources, conditions, effect }: Grant): PolicyStatement {
  return new PolicyStatement({
    sid,
    effect: effect === "Deny" ? Effect.DENY : Effect.ALLOW,
    actions: [...actions],
    resources: [...resources],
    ...(conditions && { conditions }),
  });
}
