import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import type { LambdaFunction } from "./pool.ts";

/** An HTTP API of API Gateway with two routes: webhooks to their function, everything else to the other one. */
export async function startGateway(
  port: number,
  functions: { readonly webhook: LambdaFunction; readonly http: LambdaFunction },
): Promise<Server> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(String(request.url), "http://gateway");
    const isWebhook = request.method === "POST" && pathname === "/webhooks/github";
    void pass(isWebhook ? functions.webhook : functions.http, request, response);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function pass(to: LambdaFunction, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const event = eventOf(request, await buffer(request));
    send(response, (await to.invoke(event)) as APIGatewayProxyStructuredResultV2);
  } catch {
    // What API Gateway answers if a function fails.
    response
      .writeHead(500, { "content-type": "application/json" })
      .end('{"message":"Internal Server Error"}');
  }
}

/** Who makes events of requests: an HTTP API decodes the path that it calls raw, a function URL does not. */
export type FrontDoor = "api" | "url";

const DOMAINS: Readonly<Record<FrontDoor, string>> = {
  api: "abc.execute-api.us-east-1.amazonaws.com",
  url: "abc.lambda-url.us-east-1.on.aws",
};

/** Payload format 2.0: a body that is no text by its type is base64. */
export function eventOf(
  request: Pick<IncomingMessage, "url" | "method" | "headers">,
  body: Buffer,
  door: FrontDoor = "api",
): APIGatewayProxyEventV2 {
  const url = new URL(String(request.url), "http://gateway");
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  const method = String(request.method);
  const http = { method, path: url.pathname, protocol: "HTTP/1.1", sourceIp: "192.0.2.7", userAgent: "" };
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath: door === "api" ? decodeURIComponent(url.pathname) : url.pathname,
    rawQueryString: url.search.slice(1),
    ...(url.search !== "" && { queryStringParameters: joined(url.searchParams) }),
    headers,
    requestContext: {
      ...{ accountId: "000000000000", apiId: "api", domainName: DOMAINS[door], domainPrefix: "api" },
      ...{
        requestId: randomUUID(),
        routeKey: "$default",
        stage: "$default",
        time: "",
        timeEpoch: Date.now(),
      },
      http,
    },
    ...(body.length > 0 ? { body: body.toString("base64") } : {}),
    isBase64Encoded: body.length > 0,
  };
}

/** Values of one name come as one text with commas. */
function joined(parameters: URLSearchParams): Record<string, string> {
  return Object.fromEntries([...parameters.keys()].map((name) => [name, parameters.getAll(name).join(",")]));
}

function send(response: ServerResponse, answer: APIGatewayProxyStructuredResultV2): void {
  const { statusCode = 200, headers = {}, body = "", isBase64Encoded = false, cookies } = answer;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, String(value));
  if (cookies) response.setHeader("set-cookie", cookies);
  response.writeHead(statusCode).end(Buffer.from(body, isBase64Encoded ? "base64" : "utf8"));
}
