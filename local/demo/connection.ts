import { readFile } from "node:fs/promises";
import { Socket } from "node:net";
import { AuroraDSQLClient } from "@aws/aurora-dsql-node-postgres-connector";

/** What a comment says about how to connect, read from its psql line as a person would paste it. */
export interface ShownConnection {
  readonly host: string;
  readonly region: string;
  readonly user: string;
  readonly database: string;
  readonly address: string;
  readonly port: number;
  readonly caFile: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of whoever assumed a role. */
  readonly sessionToken?: string;
}

/** Reads the connection from the psql line of a ready comment; throws if a part is missing. */
export function readConnection(comment: string): ShownConnection {
  const part = (name: string, pattern: RegExp): string => {
    const match = pattern.exec(comment);
    if (!match?.[1]) throw new Error(`The comment shows no ${name}:\n${comment}`);
    return match[1];
  };
  return {
    host: part("host", /host=(\S+?\.on\.aws)/),
    region: part("region", /--region (\S+)/),
    user: part("user", /user=(\w+)/),
    database: part("database", /dbname=(\w+)/),
    address: part("address", /PGHOSTADDR=(\S+)/),
    port: Number(part("port", /PGPORT=(\d+)/)),
    caFile: part("CA file", /PGSSLROOTCERT=["']?([^\s"']+)/),
    accessKeyId: part("access key", /AWS_ACCESS_KEY_ID=(\S+)/),
    secretAccessKey: part("secret key", /AWS_SECRET_ACCESS_KEY=(\S+)/),
  };
}

/** Runs one query as a client of its own: AWS' connector with a real token, no code of the service. */
export async function queryOnce(
  to: ShownConnection,
  sql: string,
): Promise<readonly Record<string, unknown>[]> {
  const { accessKeyId, secretAccessKey, sessionToken } = to;
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  const client = new AuroraDSQLClient({
    host: to.host,
    region: to.region,
    user: to.user,
    database: to.database,
    customCredentialsProvider: async () => credentials,
    ssl: { ca: await readFile(to.caFile, "utf8"), rejectUnauthorized: true },
    stream: () => socketTo(to.address, to.port),
  } as ConstructorParameters<typeof AuroraDSQLClient>[0]);
  await client.connect();
  try {
    return (await client.query(sql)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

/** Changes where the TCP connection goes; name, token and TLS stay the production ones. */
function socketTo(address: string, port: number): Socket {
  const socket = new Socket();
  const connect = socket.connect.bind(socket) as (port: number, host: string) => Socket;
  socket.connect = (() => connect(port, address)) as typeof socket.connect;
  return socket;
}
