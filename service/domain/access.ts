import type { Labels } from "./caller.ts";
import type { OwnerKind } from "./environment.ts";

/** The role that every DSQL cluster has, for whoever may dsql:DbConnectAdmin (dsql.md 3.2). */
export const ADMIN_ROLE = "admin";

/** The read-only database role that Offshoot makes in every cluster and maps to the signing role. */
export const READER_ROLE = "offshoot_reader";

/**
 * One line of the operator's access list: sessions of an IAM role may connect as a database role, in the previews of
 * these repositories or in the databases of these customers. Access as `admin` is no matter of this list: whoever has
 * dsql:DbConnectAdmin has it, so IAM alone decides.
 */
export interface AccessRule {
  /** `acme/shop`, `acme/*` or `*`; empty: no previews. */
  readonly repositories: readonly string[];
  /** The customers that have all of these labels, or all customers; null: no customers. */
  readonly tenants: Labels | "*" | null;
  readonly iamRole: string;
  readonly databaseRole: string;
}

/** Who may connect as what, in one cluster. */
export interface Grant {
  readonly databaseRole: string;
  readonly iamRole: string;
}

/** What the operator says about access, for all clusters. */
export interface AccessPolicy {
  readonly rules: readonly AccessRule[];
  /** The role that signs tokens; without it nobody is mapped as the reader, unless a rule does. */
  readonly tokenRoleArn: string | null;
  /** The role that signs those of customers' databases; if there is none, `tokenRoleArn` does. */
  readonly tenantTokenRoleArn?: string;
}

/** What decides about the grants of an environment. */
export interface AccessOwner {
  readonly kind: OwnerKind;
  /** owner/name as last seen; null for a customer. */
  readonly repositoryName: string | null;
  readonly labels: Labels;
}

/**
 * The grants of an environment's clusters, each once, sorted by database role and IAM role. `readers`: IAM roles that
 * read besides those of the list, such as one that a cluster's stack made.
 */
export function grantsFor(
  owner: AccessOwner,
  { rules, tokenRoleArn: common, tenantTokenRoleArn }: AccessPolicy,
  readers: readonly string[] = [],
): readonly Grant[] {
  const tokenRoleArn = owner.kind === "tenant" ? (tenantTokenRoleArn ?? common) : common;
  const reading = tokenRoleArn ? [tokenRoleArn, ...readers] : readers;
  const reader = reading.map((iamRole) => ({ databaseRole: READER_ROLE, iamRole }));
  const listed = rules
    .filter((rule) => covers(rule, owner))
    .map(({ databaseRole, iamRole }) => ({ databaseRole, iamRole }));
  const unique = new Map([...reader, ...listed].map((grant) => [grantKey(grant), grant]));
  return [...unique.keys()].sort().flatMap((key) => unique.get(key) ?? []);
}

/** Tells two grants apart: neither a role nor an ARN has a space. */
export function grantKey({ databaseRole, iamRole }: Grant): string {
  return `${databaseRole} ${iamRole}`;
}

/** The database roles of grants, each once. */
export function rolesOf(grants: readonly Grant[]): readonly string[] {
  return [...new Set(grants.map(({ databaseRole }) => databaseRole))];
}

function covers({ repositories, tenants }: AccessRule, owner: AccessOwner): boolean {
  if (owner.kind === "tenant")
    return tenants !== null && (tenants === "*" || contains(owner.labels, tenants));
  const name = owner.repositoryName;
  return name !== null && repositories.some((pattern) => fits(name, pattern));
}

function contains(labels: Labels, selector: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

/** GitHub compares names of owners and repositories without their case. */
function fits(name: string, pattern: string): boolean {
  if (pattern === "*") return true;
  const [one, other] = [name.toLowerCase(), pattern.toLowerCase()];
  return other.endsWith("/*") ? one.startsWith(other.slice(0, -1)) : one === other;
}
