/**
 * Lambda's runtime for Node, as far as a handler can tell: asks for invocations, runs the handler, posts what it answers.
 * By node:http and one connection, since Lambda's own is a native client that costs next to nothing.
 */
import { Agent, type IncomingMessage, request } from "node:http";
import { json } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const BASE = `http://${process.env["AWS_LAMBDA_RUNTIME_API"]}/2018-06-01/runtime`;
const agent = new Agent({ keepAlive: true });
const file = String(process.argv[2]);

type Handler = (event: unknown, context: unknown) => Promise<unknown>;
const { handler } = (await import(pathToFileURL(file).href)) as { handler: Handler };

for (;;) {
  const next = await send("GET", "invocation/next");
  const id = String(next.headers["lambda-runtime-aws-request-id"]);
  const deadline = Number(next.headers["lambda-runtime-deadline-ms"]);
  const event: unknown = await json(next);
  const context = { awsRequestId: id, getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()) };
  try {
    const answer = await handler(event, context);
    await post(`invocation/${id}/response`, answer ?? null);
  } catch (error) {
    const { name, message, stack } = error as Error;
    console.error(stack);
    await post(`invocation/${id}/error`, { errorType: name, errorMessage: message });
  }
}

async function post(path: string, body: unknown): Promise<void> {
  (await send("POST", path, JSON.stringify(body))).resume();
}

function send(method: string, path: string, body = ""): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(`${BASE}/${path}`, { method, agent }, resolve).once("error", reject).end(body);
  });
}
