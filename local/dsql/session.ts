import net from "node:net";
import type { Duplex } from "node:stream";
import type { Connections } from "./connections.ts";
import type { Instances } from "./instances.ts";
import { type Identity, type Principals, refuseAction } from "./principals.ts";
import type { Registry } from "./registry.ts";
import { relay } from "./relay.ts";
import { type Token, verifyToken } from "./signature.ts";
import { literal } from "./text.ts";
import {
  askPassword,
  type Failure,
  fatal,
  message,
  parseParameters,
  readMessage,
  startupPacket,
} from "./wire.ts";

export interface SessionOptions {
  registry: Registry;
  instances: Pick<Instances, "hold">;
  connections: Connections;
  region: string;
  principals: Principals;
  /** How long a job of CREATE INDEX ASYNC stays `processing`. */
  indexBuildMs: number;
}

/** Where a CancelRequest has to go: `pid:secret` -> the socket of the instance. */
export type CancelKeys = Map<string, string>;

interface Greeting {
  parameters: ReadonlyMap<string, string>;
  serverName: string | undefined;
}

/** Who may connect where, and as whom. */
interface Admission {
  identifier: string;
  /** For Postgres' startup packet; `user` and `database` are among them. */
  settings: ReadonlyMap<string, string>;
  identity: Identity;
  action: string;
}

const ADMIN = "admin";
const DATABASE = "postgres";

/** The settings that a client may send when it connects; the same list as for SET (recorded October 2026). */
const SETTINGS = new Set(
  "application_name client_encoding datestyle extra_float_digits intervalstyle timezone search_path role".split(
    " ",
  ),
);

/**
 * Routes a client that sent its startup packet inside TLS, checks its token and connects it. Refusals are sent, not thrown. Out:
 * true if the client is connected.
 */
export async function openSession(
  client: net.Socket,
  startup: Buffer,
  serverName: string | undefined,
  options: SessionOptions,
  cancelKeys: CancelKeys,
): Promise<boolean> {
  const greeting = { parameters: parseParameters(startup), serverName };
  const token = await askPassword(client);
  const admission = await admit(greeting, token, options);
  if ("code" in admission) {
    client.end(fatal(admission));
    return false;
  }
  try {
    return await connect(client, admission, options, cancelKeys);
  } catch (error) {
    console.error(`cluster ${admission.identifier}:`, error);
    client.end(fatal({ code: "XX000", message: "server unavailable" }));
    return false;
  }
}

/**
 * Decides whether and where a client may connect. The cluster is named by the option amzn-cluster-id (AWS's way through
 * PrivateLink), else by SNI, else by the token's own host name.
 */
async function admit(
  { parameters, serverName }: Greeting,
  password: string,
  { registry, region, principals }: SessionOptions,
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
  const refusal = refuseCluster(identifier, token, registry);
  if (refusal) return refusal;
  const settings = readSettings(user, parameters, options);
  if ("code" in settings) return settings;
  const { identity, action } = token;
  return { identifier, settings, identity, action };
}

/** What the cluster itself, its policy or the policy of the caller's session has against a connection. */
function refuseCluster(
  identifier: string,
  { identity, action }: Token,
  registry: Registry,
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
function denied(hint: string): Failure {
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

async function connect(
  client: net.Socket,
  { identifier, settings, identity, action }: Admission,
  { instances, connections, indexBuildMs }: SessionOptions,
  cancelKeys: CancelKeys,
): Promise<boolean> {
  const { socketPath, release } = await instances.hold(identifier);
  const backend = net.connect(socketPath).on("error", () => {});
  backend.once("close", release);
  client.once("close", () => backend.destroy());
  if (client.destroyed) backend.destroy();
  backend.write(startupPacket(settings));
  const { bytes, cancelKey, refusal } = await readGreeting(backend);
  const unmapped = refusal ?? (await refuseRole(backend, settings.get("user") ?? "", identity));
  if (unmapped) {
    client.end(fatal(unmapped));
    backend.destroy();
    return false;
  }
  if (cancelKey !== undefined) {
    cancelKeys.set(cancelKey, socketPath);
    backend.once("close", () => cancelKeys.delete(cancelKey));
  }
  const end = (failure: Failure): void => {
    client.end(fatal(failure));
    backend.destroy();
  };
  backend.once("close", connections.add({ identifier, identity, action, end }));
  client.write(bytes);
  relay(client, backend, indexBuildMs);
  return true;
}

/**
 * A role other than admin has to be mapped to the caller's ARN by AWS IAM GRANT. Asked on the new session itself, before the
 * client may use it: that needs no second connection. The words of the hint are ours.
 */
async function refuseRole(
  backend: net.Socket,
  user: string,
  identity: Identity,
): Promise<Failure | undefined> {
  if (user === ADMIN) return undefined;
  const { principalArn } = identity;
  const condition = `pg_role_name = session_user and arn = ${literal(principalArn)}`;
  const sql = `select 1 from sys.iam_pg_role_mappings where ${condition}`;
  backend.write(message("Q", Buffer.from(`${sql}\0`)));
  const [dataRow, ready] = [0x44, 0x5a];
  const seen = new Set<number>();
  while (!seen.has(ready)) seen.add((await readMessage(backend)).type);
  if (seen.has(dataRow)) return undefined;
  return denied(`The role ${user} is not granted to ${principalArn} in this cluster: use AWS IAM GRANT`);
}

/** Refusals of Postgres that the service words differently. */
const REFUSALS: ReadonlyMap<string, Failure> = new Map([
  ["28000", denied("The role does not exist or cannot log in")],
  ["53300", { code: "53300", message: "Unable to accept connection, too many open connections." }],
]);

interface BackendGreeting {
  bytes: Buffer;
  cancelKey?: string;
  /** What the service would say instead. */
  refusal?: Failure;
}

/** Reads what Postgres says up to its first "ready" or its refusal. */
async function readGreeting(backend: Duplex): Promise<BackendGreeting> {
  const [keyData, ready, refusal] = [0x4b, 0x5a, 0x45];
  const greeting: BackendGreeting = { bytes: Buffer.alloc(0) };
  for (let type: number | undefined; type !== ready && type !== refusal; ) {
    const { bytes, body, ...read } = await readMessage(backend);
    greeting.bytes = Buffer.concat([greeting.bytes, bytes]);
    type = read.type;
    if (type === keyData) greeting.cancelKey = `${body.readInt32BE(0)}:${body.readInt32BE(4)}`;
    const [, code] = /\0C(\w{5})\0/.exec(type === refusal ? body.toString("latin1") : "") ?? [];
    const known = code === undefined ? undefined : REFUSALS.get(code);
    if (known) greeting.refusal = known;
  }
  return greeting;
}
