import net from "node:net";
import {
  AuroraDSQLClient,
  type AuroraDSQLConfig,
  AuroraDSQLPool,
} from "@aws/aurora-dsql-node-postgres-connector";
import { ADMIN_ROLE } from "../domain/access.ts";
import { Refused } from "../domain/errors.ts";
import { CALL_TIMEOUT_MS } from "../domain/limits.ts";
import type { Credentials } from "./dsql-credentials.ts";
import { isEndpoint } from "./dsql-shape.ts";

/** A connection to a cluster that wakes up may take some seconds; one that takes longer is tried anew. */
const CONNECT_TIMEOUT_MS = 10_000;
/** DSQL ends a session after 60 minutes (quotas page); connections are replaced before that. */
const LIFETIME_SECONDS = 55 * 60;

export interface DsqlConnectionOptions {
  readonly region: string;
  readonly credentials: Credentials;
  /** Where the TCP connection goes instead, like curl's `--connect-to`: name, token and TLS stay those of the host. */
  readonly connectTo?: { readonly host: string; readonly port: number };
  /** Certificates (PEM) to trust instead of the system's. */
  readonly ca?: string;
  readonly connectTimeoutMs?: number;
  /** The longest wait for one answer. Client-side, because DSQL refuses `statement_timeout`. */
  readonly callTimeoutMs?: number;
}

/**
 * Settings of one connection, as `admin` unless another role is named, whose password is a token signed at connect: of
 * DbConnectAdmin for `admin`, else of DbConnect. Throws Refused for an odd host.
 */
export function dsqlConfig(
  host: string,
  options: DsqlConnectionOptions,
  user: string = ADMIN_ROLE,
): AuroraDSQLConfig {
  if (!isEndpoint(host)) {
    throw new Refused("bad_endpoint", `${host.slice(0, 100)} is not the endpoint of a DSQL cluster.`);
  }
  const { connectTo, ca } = options;
  return {
    host,
    user,
    region: options.region,
    customCredentialsProvider: options.credentials,
    ssl: ca ? { rejectUnauthorized: true, ca } : { rejectUnauthorized: true },
    connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    query_timeout: options.callTimeoutMs ?? CALL_TIMEOUT_MS,
    keepAlive: true,
    ...(connectTo && { stream: () => socketTo(connectTo.host, connectTo.port) }),
  };
}

/** A client that is not yet connected. An error while it is idle shows at its next use, so nobody needs to hear it. */
export function createDsqlClient(host: string, options: DsqlConnectionOptions): AuroraDSQLClient {
  const client = new AuroraDSQLClient(dsqlConfig(host, options));
  client.on("error", () => undefined);
  return client;
}

/**
 * A pool on one cluster, such as the store's. Every checkout signs a token, so a transaction should hold its client.
 * `onError` hears of connections that broke while idle; the pool replaces them by itself.
 */
export function createDsqlPool(
  options: DsqlConnectionOptions & {
    readonly host: string;
    readonly user?: string;
    readonly max: number;
    readonly onError?: (error: Error) => void;
  },
): AuroraDSQLPool {
  const { host, user, max, onError } = options;
  const pool = new AuroraDSQLPool({
    ...dsqlConfig(host, options, user),
    max,
    maxLifetimeSeconds: LIFETIME_SECONDS,
  });
  pool.on("error", (error) => onError?.(error));
  return pool;
}

/** A socket that connects to this address, whichever one `pg` names. */
function socketTo(host: string, port: number): net.Socket {
  const socket = new net.Socket();
  const connect = socket.connect.bind(socket);
  socket.connect = () => connect(port, host);
  return socket;
}
