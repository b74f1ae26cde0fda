import net from "node:net";
import type { Duplex } from "node:stream";
import { ADMIN, type Admission, type AdmissionOptions, admit, denied, refuseCluster } from "./admission.ts";
import type { Connections } from "./connections.ts";
import type { Instances } from "./instances.ts";
import type { Identity } from "./principals.ts";
import { relay } from "./relay.ts";
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

export interface SessionOptions extends AdmissionOptions {
  instances: Pick<Instances, "hold">;
  connections: Pick<Connections, "add">;
  /** How long a job of CREATE INDEX ASYNC stays `processing`. */
  indexBuildMs: number;
}

/** Where a CancelRequest has to go: `pid:secret` -> the socket of the instance. */
export type CancelKeys = Map<string, string>;

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

async function connect(
  client: net.Socket,
  admission: Admission,
  { registry, instances, connections, indexBuildMs }: SessionOptions,
  cancelKeys: CancelKeys,
): Promise<boolean> {
  const { identifier, settings, identity, action } = admission;
  const { socketPath, release } = await instances.hold(identifier);
  const backend = net.connect(socketPath).on("error", () => {});
  backend.once("close", release);
  client.once("close", () => backend.destroy());
  if (client.destroyed) backend.destroy();
  backend.write(startupPacket(settings));
  const { bytes, cancelKey, refusal } = await readGreeting(backend);
  const answer = refusal ?? (await refuseRole(backend, settings.get("user") ?? "", identity));
  if (answer) {
    client.end(answer);
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
  // While Postgres woke up, the policy may have changed; from here on `connections` hears of that.
  const late = refuseCluster(admission, registry);
  if (late) {
    end(late);
    return false;
  }
  client.write(bytes);
  relay(client, backend, indexBuildMs);
  return true;
}

/**
 * A role other than admin has to be mapped to the caller's ARN by AWS IAM GRANT. Asked on the new session itself, before the
 * client may use it: that needs no second connection. The words of the hint are ours. Out: what to answer instead.
 */
async function refuseRole(
  backend: net.Socket,
  user: string,
  identity: Identity,
): Promise<Buffer | undefined> {
  if (user === ADMIN) return undefined;
  const { principalArn } = identity;
  const condition = `pg_role_name = session_user and arn = ${literal(principalArn)}`;
  const sql = `select 1 from sys.iam_pg_role_mappings where ${condition}`;
  backend.write(message("Q", Buffer.from(`${sql}\0`)));
  const [dataRow, ready] = [0x44, 0x5a];
  const seen = new Set<number>();
  while (!seen.has(ready)) seen.add((await readMessage(backend)).type);
  if (seen.has(dataRow)) return undefined;
  const hint = `The role ${user} is not granted to ${principalArn} in this cluster: use AWS IAM GRANT`;
  return fatal(denied(hint));
}

/** Refusals of Postgres that the service words differently. */
const REFUSALS: ReadonlyMap<string, Failure> = new Map([
  ["28000", denied("The role does not exist or cannot log in")],
  ["53300", { code: "53300", message: "Unable to accept connection, too many open connections." }],
]);

interface BackendGreeting {
  bytes: Buffer;
  cancelKey?: string;
  /** What to answer when Postgres refuses: the service's words for it, else Postgres' own. */
  refusal?: Buffer;
}

/** Reads what Postgres says up to its first "ready" or its refusal. */
async function readGreeting(backend: Duplex): Promise<BackendGreeting> {
  const [keyData, ready, refusal] = [0x4b, 0x5a, 0x45];
  const read: Buffer[] = [];
  const greeting: Omit<BackendGreeting, "bytes"> = {};
  for (let type: number | undefined; type !== ready && type !== refusal; ) {
    const next = await readMessage(backend);
    const { body, bytes } = next;
    type = next.type;
    read.push(bytes);
    if (type === keyData) greeting.cancelKey = `${body.readInt32BE(0)}:${body.readInt32BE(4)}`;
    if (type === refusal) {
      const known = REFUSALS.get(/\0C(\w{5})\0/.exec(body.toString("latin1"))?.[1] ?? "");
      greeting.refusal = known ? fatal(known) : bytes;
    }
  }
  return { ...greeting, bytes: Buffer.concat(read) };
}
