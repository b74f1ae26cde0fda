/** The variables of the store: where it is, and as whom the service works on it. */
import type { StoreConfig } from "./config-shape.ts";
import { ADMIN_ROLE } from "./domain/access.ts";
import { isFreeRole, ROLE_ARN } from "./domain/access-list.ts";
import type { Reader } from "./env-reader.ts";

const URL_NAME = "OFFSHOOT_STORE_URL";
const ROLE = "OFFSHOOT_STORE_ROLE";
const IAM_ROLES = "OFFSHOOT_STORE_IAM_ROLES";
const CLUSTER_HOST = /^[a-z0-9]{26}\.dsql[a-z0-9-]*\.[a-z0-9-]+\.on\.aws$/;
/** The processes of one installation work as a few roles; each is a statement of its own. */
const IAM_ROLES_MAX = 20;

/** Reads and checks them; problems go to `read`. */
export function storeTarget(read: Reader): StoreConfig["store"] {
  const expected = "postgresql://… or dsql://<host name of a cluster>";
  // The URL may hold a password, so a wrong one is never repeated.
  const given = read.secret(URL_NAME, expected);
  const role = databaseRole(read);
  const iamRoles = iamRolesOf(read);
  if (iamRoles.length > 0 && role === ADMIN_ROLE) {
    read.problem(ROLE, "nothing", `a database role, because ${IAM_ROLES} is set`);
  }
  const scheme = given.slice(0, given.indexOf("://"));
  const host = given.slice("dsql://".length);
  if (scheme === "dsql" && CLUSTER_HOST.test(host)) return { kind: "dsql", host, role, iamRoles };
  const isPostgres = (scheme === "postgresql" || scheme === "postgres") && URL.canParse(given);
  if (given !== "" && !isPostgres) read.problem(URL_NAME, `a text of ${given.length} characters`, expected);
  if (isPostgres && role !== ADMIN_ROLE) {
    read.problem(ROLE, JSON.stringify(role), `nothing, because the user stands in ${URL_NAME}`);
  }
  return { kind: "postgres", url: isPostgres ? given : "" };
}

function databaseRole(read: Reader): string {
  const expected = `a database role that \`offshoot store migrate\` makes, such as offshoot_service`;
  const given = read.text(ROLE, /^.*$/, expected, ADMIN_ROLE);
  if (given === ADMIN_ROLE || isFreeRole(given)) return given;
  read.problem(ROLE, JSON.stringify(given), expected);
  return ADMIN_ROLE;
}

function iamRolesOf(read: Reader): readonly string[] {
  const expected = `1 to ${IAM_ROLES_MAX} ARNs of IAM roles, separated by commas`;
  const given = read.optional(IAM_ROLES, /^.*$/, expected)?.split(",") ?? [];
  const arns = given.map((arn) => arn.trim());
  if (arns.length <= IAM_ROLES_MAX && arns.every((arn) => ROLE_ARN.test(arn))) return [...new Set(arns)];
  read.problem(IAM_ROLES, `a text of ${String(given).length} characters`, expected);
  return [];
}
