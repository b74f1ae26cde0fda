import { type Identity, type Principals, refuseAction } from "./principals.ts";
import type { Registry } from "./registry.ts";
import { verifyToken } from "./signature.ts";
import type { Failure } from "./wire.ts";

export interface AdmissionOptions {
  registry: Pick<Registry, "lookUp" | "policyOf">;
  region: string;
  principals: Principals;
}

/** What a client says before its password. */
export interface Greeting {
  parameters: ReadonlyMap<string, string>;
  serverName: string | undefined;
}

/** Who may connect where, and as whom. */
export interface Admission {
  identifier: string;
  /** For Postgres' startup packet; `user` and `database` are among them. */
  settings: ReadonlyMap<string, string>;
  identity: Identity;
  action: string;
}

export const ADMIN = "admin";
const DATABASE = "postgres";

/** The settings that a client may send when it connects; the same list as for SET (recorded October 2026). */
const SETTINGS = new Set(
  "application_name client_encoding datestyle extra_float_digits intervalstyle timezone search_path role".split(
    " ",
  ),
);

/**
 * Decides whether and where a client may connect. The cluster is named by the option amzn-cluster-id (AWS's way through
 * PrivateLink), else by SNI, else by the token's own host name.
 */
export async function admit(
  { parameters, serverName }: Greeting,
  password: string,
  { registry, region, principals }: AdmissionOptions,
): Promise<Failure | Admission> {
  const options = readOptions(parameters.get("options") ?? "");
  const token = await verifyToken(password, { service: "dsql", region, principals }, new Date());
  const tokenHost = "hostname" in token ? token.hostname : undefined;
  const identifier = options.get("amzn-cluster-id") ?? clusterOf(serverName) ?? clusterOf(tokenHost);
  if (identifier === undefined && !serverName && tokenHost === undefined) {
    return { code: "08006", message: "unable to accept connection, sni was not received" };
  }
  if ("refused" in token) return denied(token.refused);
  if (identifier === undefined) return denied(`No cluster is named by the host ${token.hostname}`);
  if (clusterOf(token.hostname) !== identifier || !isEndpoint(token.hostname, identifier, region)) {
    return denied(`The token is for the host ${token.hostname}, not for the cluster ${identifier}`);
  }
  const user = parameters.get("user") ?? "";
  if (token.action !== (user === ADMIN ? "DbConnectAdmin" : "DbConnect")) {
    return denied(`Wrong user to action mapping. user: ${user}, action: ${token.action}`);
  }
  if (user === "" || user === "postgres") return denied(`The role ${user} cannot connect`);
  const { identity, action } = token;
  const refusal = refuseCluster({ identifier, identity, action }, registry);
  if (refusal) return refusal;
  const settings = readSettings(user, parameters, options);
  if ("code" in settings) return settings;
  return { identifier, settings, identity, action };
}

/** What the cluster itself, its policy or the policy of the caller's session has against a connection. */
export function refuseCluster(
  { identifier, identity, action }: Omit<Admission, "settings">,
  registry: AdmissionOptions["registry"],
): Failure | undefined {
  const { status, arn } = registry.lookUp(identifier) ?? {};
  if (arn === undefined || status !== "ACTIVE") {
    const reason = status === undefined ? "does not exist" : `is ${status}`;
    return { code: "08006", message: `unable to accept connection, cluster ${identifier} ${reason}` };
  }
  const refusal = refuseAction(identity, `dsql:${action}`, arn, registry.policyOf(identifier));
  return refusal === undefined ? undefined : denied(refusal);
}

function readSettings(
  user: string,
  parameters: ReadonlyMap<string, string>,
  options: ReadonlyMap<string, string>,
): Failure | Map<string, string> {
  const database = parameters.get("database") ?? user;
  if (database !== DATABASE) return { code: "3D000", message: `database "${database}" does not exist` };
  const settings = new Map<string, string>();
  for (const [name, value] of [...parameters, ...options]) {
    if (["user", "database", "options", "amzn-cluster-id"].includes(name) || name.startsWith("_pq_."))
      continue;
    if (!SETTINGS.has(name.toLowerCase())) {
      return { code: "0A000", message: `setting configuration parameter "${name}" not supported` };
    }
    settings.set(name, value);
  }
  return new Map([...settings, ["user", user], ["database", DATABASE]]);
}

/** The text and code are the service's; the reason follows as the hint. */
export function denied(hint: string): Failure {
  return { code: "08006", message: "unable to accept connection, access denied", hint };
}

function clusterOf(host: string | undefined): string | undefined {
  return /^([a-z0-9]{26})\.dsql\./.exec(host ?? "")?.[1];
}

function isEndpoint(host: string, identifier: string, region: string): boolean {
  return host === `${identifier}.dsql.${region}.on.aws` || host === `${identifier}.dsql.localhost`;
}

/** In: the startup packet's `options`, e.g. `-c amzn-cluster-id=… --search_path=app`. What it does not understand it keeps as a name. */
function readOptions(text: string): Map<string, string> {
  const words = text.replace(/(^|\s)-c\s*/g, "$1").split(/\s+/);
  const pairs = words.filter((word) => word !== "").map((word) => word.replace(/^--/, "").split(/=(.*)/s));
  return new Map(pairs.map(([name = "", value = ""]) => [name, value]));
}
