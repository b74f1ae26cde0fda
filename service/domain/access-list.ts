import type { AccessRule } from "./access.ts";
import type { Labels } from "./caller.ts";
import { LABEL_NAME_PATTERN, LABEL_VALUE_PATTERN, LABELS_MAX } from "./limits.ts";

/** Every grant of a cluster is a statement of its own before it is ready; nobody needs more. */
export const ACCESS_RULES_MAX = 200;
const REPOSITORIES_MAX = 100;
/** What DSQL takes in AWS IAM GRANT, without users: people and machines assume roles (dsql.md 3.3). */
export const ROLE_ARN = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/;
/** An identifier that needs no quotes, at most as long as Postgres keeps it. */
const DATABASE_ROLE = /^[a-z_][a-z0-9_]{0,62}$/;
/** Roles and schemas of the system. */
const RESERVED_ROLE = /^(admin|postgres|public|none|sys|pg_.*|rds.*|dsql.*)$/;
const REPOSITORY = /^(\*|[\w-]{1,100}\/(\*|[\w.-]{1,100}))$/;

/** The access list, or everything that is wrong with it, one line each. */
export type ReadAccess = { readonly rules: readonly AccessRule[] } | { readonly problems: readonly string[] };

/** Reads the access list of the operator: the text of a JSON list of rules. Never throws. */
export function readAccess(text: string): ReadAccess {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return { problems: ["the text is no JSON"] };
  }
  if (!Array.isArray(list)) return { problems: ["it is no list of rules"] };
  if (list.length > ACCESS_RULES_MAX) {
    return { problems: [`there are ${list.length} rules; ${ACCESS_RULES_MAX} are allowed`] };
  }
  const problems: string[] = [];
  const rules = list.map((rule, index) =>
    readRule(rule, (what) => problems.push(`rule ${index + 1}: ${what}`)),
  );
  return problems.length > 0 ? { problems } : { rules };
}

function readRule(given: unknown, problem: (what: string) => void): AccessRule {
  if (!isRecord(given)) problem("it is no object");
  const { repositories, tenants, iamRole, databaseRole, ...others } = isRecord(given) ? given : {};
  for (const name of Object.keys(others)) problem(`${JSON.stringify(name)} is not known`);
  if (repositories === undefined && tenants === undefined)
    problem("neither repositories nor tenants are named");
  if (typeof iamRole !== "string" || !ROLE_ARN.test(iamRole)) {
    problem("iamRole must be the ARN of an IAM role, such as arn:aws:iam::123456789012:role/developers");
  }
  if (typeof databaseRole !== "string" || !isFreeRole(databaseRole)) {
    problem("databaseRole must be a name of lower-case letters, digits and _, and none of the system's");
  }
  return {
    repositories: readRepositories(repositories, problem),
    tenants: readTenants(tenants, problem),
    iamRole: String(iamRole),
    databaseRole: String(databaseRole),
  };
}

/** Whether a database role of this name may be made: it needs no quotes and is none of the system's. */
export function isFreeRole(name: string): boolean {
  return DATABASE_ROLE.test(name) && !RESERVED_ROLE.test(name);
}

function readRepositories(given: unknown, problem: (what: string) => void): readonly string[] {
  if (given === undefined) return [];
  const isList = Array.isArray(given) && given.length > 0 && given.length <= REPOSITORIES_MAX;
  if (isList && given.every((one) => typeof one === "string" && REPOSITORY.test(one)))
    return given as string[];
  problem(`repositories must list 1 to ${REPOSITORIES_MAX} of acme/shop, acme/* or *`);
  return [];
}

function readTenants(given: unknown, problem: (what: string) => void): AccessRule["tenants"] {
  if (given === undefined) return null;
  if (given === "*") return given;
  const [names, values] = [new RegExp(LABEL_NAME_PATTERN), new RegExp(LABEL_VALUE_PATTERN)];
  const labels = isRecord(given) ? Object.entries(given) : [];
  const fits = labels.every(
    ([name, value]) => names.test(name) && typeof value === "string" && values.test(value),
  );
  if (labels.length > 0 && labels.length <= LABELS_MAX && fits) return given as Labels;
  problem('tenants must be "*" or labels, such as {"plan": "gold"}');
  return null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
