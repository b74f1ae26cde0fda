/** Lambda's runtime for Node, as far as a handler can tell: asks for invocations, runs the handler, posts what it answers. */
import { pathToFileURL } from "node:url";

const BASE = `http://${process.env["AWS_LAMBDA_RUNTIME_API"]}/2018-06-01/runtime`;
const file = String(process.argv[2]);

type Handler = (event: unknown, context: unknown) => Promise<unknown>;
const { handler } = (await import(pathToFileURL(file).href)) as { handler: Handler };

for (;;) {
  const next = await fetch(`${BASE}/invocation/next`);
  const id = String(next.headers.get("lambda-runtime-aws-request-id"));
  const deadline = Number(next.headers.get("lambda-runtime-deadline-ms"));
  const event: unknown = await next.json();
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
  const answer = await fetch(`${BASE}/${path}`, { method: "POST", body: JSON.stringify(body) });
  await answer.arrayBuffer();
}
