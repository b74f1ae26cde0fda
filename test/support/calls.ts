/** Calls to AWS as they are recorded: which role asked for what. Names that differ from run to run are told as what they are. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { Call } from "../../local/dsql/calls.ts";
import { ACCOUNT, REGION } from "./stack-template.ts";

/** The queue's ARN, under the name that the stack gives it. */
export const QUEUE_ARN = `arn:aws:sqs:${REGION}:${ACCOUNT}:Hints`;
/** The tags that policies read. */
const READ_TAGS = ["offshoot:service", "offshoot:kind"];

/** What identifies a call for the test of permissions: without ids, and only the tags that policies read. */
function generalized({ role, action, resource, tags = {} }: Call): Call {
  const kind = tags["offshoot:kind"] ?? "foreign";
  const name = resource
    .replace(/:cluster\/[a-z0-9]{26}$/, `:cluster/${kind}`)
    .replace(/(:secret:\w+)-\w{6}$/, "$1")
    .replace(/(:stack\/offshoot-)[^/]+\/.+$/, "$1id/id")
    .replace(/(:parameter\/offshoot\/).+$/, "$1name");
  const read = Object.entries(tags).filter(([tag]) => READ_TAGS.includes(tag));
  return { role, action, resource: name, ...(read.length > 0 && { tags: Object.fromEntries(read) }) };
}

/** The calls of roles that the stack makes, each once, in one order. */
export function distinct(calls: readonly Call[], roles: readonly string[]): readonly Call[] {
  const lines = calls
    .filter(({ role }) => roles.includes(role))
    .map((call) => JSON.stringify(generalized(call)));
  return [...new Set(lines)].sort().map((line) => JSON.parse(line) as Call);
}

/** Stands before a server that knows no roles, and hears who asks it for what. */
export interface Tap {
  readonly url: string;
  readonly calls: readonly Call[];
  stop(): void;
}

/** In: the address of the local SQS once it is known, and whose each access key is. A batch needs the permission of its single action. */
export async function startSqsTap(
  target: () => string,
  roleOf: (accessKeyId: string) => string,
): Promise<Tap> {
  const calls: Call[] = [];
  const server = createServer((request, response) => void pass(request, response));
  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = String(request.headers["x-amz-target"]).replace(/^AmazonSQS\./, "");
    const key = /Credential=([^/]+)\//.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const action = `sqs:${operation.replace(/Batch$/, "")}`;
    calls.push({ role: roleOf(key), action, resource: QUEUE_ARN });
    const { host: _host, connection: _connection, ...headers } = request.headers;
    const answer = await fetch(`${target()}${request.url}`, {
      method: String(request.method),
      headers: headers as Record<string, string>,
      body: new Uint8Array(await buffer(request)),
    });
    const type = answer.headers.get("content-type") ?? "application/x-amz-json-1.0";
    response.writeHead(answer.status, { "content-type": type }).end(Buffer.from(await answer.arrayBuffer()));
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
