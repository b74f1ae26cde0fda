import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import { join } from "node:path";
import { AuroraDSQLClient } from "@aws/aurora-dsql-node-postgres-connector";
import { CreateClusterCommand, type CreateClusterCommandInput, DSQLClient } from "@aws-sdk/client-dsql";
import { SSMClient } from "@aws-sdk/client-ssm";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { expect } from "vitest";
import type { LocalDsqlReady } from "../../../local/dsql/main.ts";

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export const LOCAL: Credentials = { accessKeyId: "local", secretAccessKey: "local" };

/** The role that the permanent key stands for. */
export const OPERATOR = "arn:aws:iam::000000000000:role/local-operator";

export function controlClient({ region, controlUrl }: LocalDsqlReady, credentials = LOCAL): DSQLClient {
  return new DSQLClient({ region, endpoint: controlUrl, credentials, maxAttempts: 1 });
}

/** Where the neighbours of the local DSQL are. */
type Neighbours = Pick<LocalDsqlReady, "region" | "neighboursUrl">;

export function stsClient({ region, neighboursUrl }: Neighbours, credentials = LOCAL): STSClient {
  return new STSClient({ region, endpoint: neighboursUrl, credentials, maxAttempts: 1 });
}

export function ssmClient({ region, neighboursUrl }: LocalDsqlReady, credentials = LOCAL): SSMClient {
  return new SSMClient({ region, endpoint: neighboursUrl, credentials, maxAttempts: 1 });
}

export const roleArn = (name: string) => `arn:aws:iam::000000000000:role/${name}`;

/** Temporary credentials of a role. In: a session policy, if it is to be narrowed. */
export async function assume(ready: Neighbours, role: string, policy?: object, caller = LOCAL) {
  const { Credentials } = await stsClient(ready, caller).send(
    new AssumeRoleCommand({
      ...{ RoleArn: roleArn(role), RoleSessionName: "test" },
      ...(policy === undefined ? {} : { Policy: JSON.stringify(policy) }),
    }),
  );
  return {
    accessKeyId: Credentials!.AccessKeyId!,
    secretAccessKey: Credentials!.SecretAccessKey!,
    sessionToken: Credentials!.SessionToken!,
  };
}

/** A policy of one statement. */
export function policyOf(statement: object): object {
  return { Version: "2012-10-17", Statement: [{ Effect: "Allow", Resource: "*", ...statement }] };
}

/** What the front answers to somebody who may not connect. */
export const accessDenied = (hint: RegExp) => ({
  code: "08006",
  severity: "FATAL",
  message: "unable to accept connection, access denied",
  hint: expect.stringMatching(hint),
});

export async function createCluster(ready: LocalDsqlReady, input: CreateClusterCommandInput = {}) {
  const created = await controlClient(ready).send(
    new CreateClusterCommand({ deletionProtectionEnabled: false, ...input }),
  );
  return { identifier: created.identifier!, arn: created.arn!, endpoint: created.endpoint! };
}

export interface ConnectOptions {
  user?: string;
  credentials?: Credentials;
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
  options: ConnectOptions = {},
): Promise<Record<string, unknown>[]> {
  const client = await connect(ready, host, options);
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
