import net from "node:net";
import type { Duplex } from "node:stream";
import type { Instances } from "./instances.ts";
import type { Registry } from "./registry.ts";
import { relay } from "./relay.ts";
import { type Credentials, verifyToken } from "./signature.ts";
import {
  askPassword,
  type Failure,
  fatal,
  HEADER_BYTES,
  parseParameters,
  readBytes,
  startupPacket,
} from "./wire.ts";

export interface SessionOptions {
  registry: Registry;
  instances: Instances;
  region: string;
  credentials: Credentials;
  /** How long a job of CREATE INDEX ASYNC stays `processing`. */
  indexBuildMs: number;
}

/** Where a CancelRequest has to go: `pid:secret` -> the socket of the instance. */
export type CancelKeys = Map<string, string>;

interface Greeting {
  parameters: ReadonlyMap<string, string>;
  serverName: string | undefined;
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
  const { identifier, settings } = admission;
  try {
    return await connect(client, identifier, settings, options, cancelKeys);
  } catch (error) {
    console.error(`cluster ${identifier}:`, error);
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
  { registry, region, credentials }: SessionOptions,
): Promise<Failure | { identifier: string; settings: Map<string, string> }> {
  const options = readOptions(parameters.get("options") ?? "");
  const token = await verifyToken(password, region, credentials, new Date());
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
  return whereTo(identifier, user, parameters, options, registry);
}

function whereTo(
  identifier: string,
  user: string,
  parameters: ReadonlyMap<string, string>,
  options: ReadonlyMap<string, string>,
  registry: Registry,
): Failure | { identifier: string; settings: Map<string, string> } {
  const status = registry.lookUp(identifier)?.status;
  if (status !== "ACTIVE") {
    const reason = status === undefined ? "does not exist" : `is ${status}`;
    return { code: "08006", message: `unable to accept connection, cluster ${identifier} ${reason}` };
  }
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
  return { identifier, settings: new Map([...settings, ["user", user], ["database", DATABASE]]) };
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
  identifier: string,
  settings: ReadonlyMap<string, string>,
  { instances, indexBuildMs }: SessionOptions,
  cancelKeys: CancelKeys,
): Promise<boolean> {
  const { socketPath, release } = await instances.hold(identifier);
  const backend = net.connect(socketPath).on("error", () => {});
  backend.once("close", release);
  client.once("close", () => backend.destroy());
  if (client.destroyed) backend.destroy();
  backend.write(startupPacket(settings));
  const { bytes, cancelKey, refusal } = await readGreeting(backend);
  if (refusal) {
    client.end(fatal(refusal));
    return false;
  }
  if (cancelKey !== undefined) {
    cancelKeys.set(cancelKey, socketPath);
    backend.once("close", () => cancelKeys.delete(cancelKey));
  }
  client.write(bytes);
  relay(client, backend, indexBuildMs);
  return true;
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
    const head = await readBytes(backend, HEADER_BYTES);
    const body = await readBytes(backend, head.readInt32BE(1) - 4);
    greeting.bytes = Buffer.concat([greeting.bytes, head, body]);
    type = head[0];
    if (type === keyData) greeting.cancelKey = `${body.readInt32BE(0)}:${body.readInt32BE(4)}`;
    const [, code] = /\0C(\w{5})\0/.exec(type === refusal ? body.toString("latin1") : "") ?? [];
    const known = code === undefined ? undefined : REFUSALS.get(code);
    if (known) greeting.refusal = known;
  }
  return greeting;
}
