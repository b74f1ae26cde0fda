import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import { join } from "node:path";
import { AuroraDSQLClient } from "@aws/aurora-dsql-node-postgres-connector";
import { CreateClusterCommand, type CreateClusterCommandInput, DSQLClient } from "@aws-sdk/client-dsql";
import type { LocalDsqlReady } from "../../../local/dsql/main.ts";

export const LOCAL = { accessKeyId: "local", secretAccessKey: "local" };

export function controlClient({ region, controlUrl }: LocalDsqlReady, credentials = LOCAL): DSQLClient {
  return new DSQLClient({ region, endpoint: controlUrl, credentials, maxAttempts: 1 });
}

export async function createCluster(ready: LocalDsqlReady, input: CreateClusterCommandInput = {}) {
  const created = await controlClient(ready).send(
    new CreateClusterCommand({ deletionProtectionEnabled: false, ...input }),
  );
  return { identifier: created.identifier!, arn: created.arn!, endpoint: created.endpoint! };
}

export interface ConnectOptions {
  user?: string;
  credentials?: typeof LOCAL;
  database?: string;
  options?: string;
}

/** A connected client of the official connector: names, token and TLS as in production, only the TCP address is ours. */
export async function connect(ready: LocalDsqlReady, host: string, options: ConnectOptions = {}) {
  const { credentials = LOCAL, user = "admin", ...rest } = options;
  const client = new AuroraDSQLClient({
    ...{ host, user, region: ready.region, ...rest },
    customCredentialsProvider: credentials,
    ssl: { ca: readFileSync(ready.caFile, "utf8") },
    stream: () => {
      const socket = new net.Socket();
      const dial = socket.connect.bind(socket);
      socket.connect = () => dial(ready.frontPort, ready.frontAddress);
      return socket;
    },
  });
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** Runs one statement on a connection of its own. */
export async function query(
  ready: LocalDsqlReady,
  host: string,
  sql: string,
): Promise<Record<string, unknown>[]> {
  const client = await connect(ready, host);
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** What a promise was rejected with. */
export function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "nothing was thrown",
    (error: unknown) => error,
  );
}

export async function temporaryDirectory() {
  const path = await mkdtemp(join(os.tmpdir(), "offshoot-dsql-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
