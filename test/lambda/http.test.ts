import { once } from "node:events";
import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from "aws-lambda";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { WAIT_ANSWER_MS } from "../../service/domain/limits.ts";
import type { Wait } from "../../service/handlers/api-types.ts";
import { waitUntil } from "../../service/handlers/wait.ts";
import { buildServer } from "../../service/http/server.ts";
import { type HttpHandler, handlerOf } from "../../service/lambda/http-handler.ts";
import { buildApi, QUIET } from "../support/api.ts";
import { createMemoryHandlers, tenantView } from "../support/api-handlers.ts";
import { eventOf, type FrontDoor } from "../support/lambda/gateway.ts";

const HOUR_MS = 3_600_000;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const withTime = (remainingMs: number) => ({ getRemainingTimeInMillis: () => remainingMs }) as Context;

function eventFor(
  url: string,
  door: FrontDoor,
  change: Partial<APIGatewayProxyEventV2> = {},
  method = "GET",
) {
  const headers = { authorization: "Bearer key" };
  return { ...eventOf({ url, method, headers }, Buffer.alloc(0), door), ...change };
}

/** A server that answers with what its route sees. */
function echo() {
  const app = buildServer({ log: QUIET });
  app.all("/v1/tenants/:key", async ({ params, query, headers, body }) => ({ params, query, headers, body }));
  app.get("/v1/tenants", async ({ query }) => ({ query }));
  return app;
}

/** What the long-running process makes of the very bytes of this address. */
async function seenByServer(url: string): Promise<unknown> {
  const app = echo();
  await app.listen({ host: "127.0.0.1", port: 0 });
  closing.push(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  const asked = request({ port, host: "127.0.0.1", path: url, headers: { connection: "close" } }).end();
  const [answer] = await once(asked, "response");
  return pick(JSON.parse(await text(answer)));
}

async function seenByFunction(event: APIGatewayProxyEventV2): Promise<unknown> {
  const answer = await (await handlerOf(echo()))(event, withTime(HOUR_MS));
  return pick(JSON.parse(String((answer as APIGatewayProxyStructuredResultV2).body)));
}

const pick = ({ params, query, reason }: { params?: unknown; query?: unknown; reason?: unknown }) => ({
  ...{ params, query, reason },
});

describe.each(["api", "url"] as const)("an address through the front door %s", (door) => {
  it.each([
    ["a label whose value looks encoded", "/v1/tenants?label=plan%3D%2525"],
    ["a label with an ampersand and an equals sign", "/v1/tenants?label=a%26b%3D%3D"],
    ["a plus and an encoded plus", "/v1/tenants?label=a=b+c&label=d=e%2Bf"],
    ["a comma in a value", "/v1/tenants?label=a=b,c"],
    ["a name that is repeated", "/v1/tenants?label=a=b&label=c=d&limit=5"],
    ["a cursor", "/v1/tenants?cursor=ZW52Xy8rPT0%3D%2Fx%2B&limit=2"],
    ["a name without a value, and none at all", "/v1/tenants?label&=x"],
    ["letters of other alphabets", "/v1/tenants?label=%E5%90%8D%3D%C3%A9"],
    ["bytes that are no text", "/v1/tenants?label=%ff%fe"],
    ["an escape that is none", "/v1/tenants?label=100%"],
    ["a key with its own characters", "/v1/tenants/a:b@c+d~e?confirm=a:b@c+d~e"],
    ["a key with encoded characters", "/v1/tenants/a%3Ab%40c%20d?confirm=a%3Ab%40c%20d"],
    ["a key that looks encoded", "/v1/tenants/a%2541"],
    ["a key with the marks of a query", "/v1/tenants/a%23b"],
    ["a key of other alphabets", "/v1/tenants/%E5%90%8D"],
    ["no query", "/v1/tenants"],
  ])("with %s is what a server sees", async (_what, url) => {
    expect(await seenByFunction(eventFor(url, door))).toEqual(await seenByServer(url));
  });
});

describe("a request to the http function", () => {
  const door = "api";
  let shared: HttpHandler;
  beforeAll(async () => {
    shared = await handlerOf(buildApi().app);
  });
  const put = (change: Partial<APIGatewayProxyEventV2> = {}) => {
    const event = eventFor("/v1/tenants/acme", door, change, "PUT");
    return { ...event, headers: { ...event.headers, "content-type": "application/json" } };
  };
  const body = JSON.stringify({ labels: { plan: "pro" } });
  const send = async (event: APIGatewayProxyEventV2) =>
    (await shared(event, withTime(HOUR_MS))) as APIGatewayProxyStructuredResultV2;

  it.each([
    ["as text", { body, isBase64Encoded: false }],
    ["as base64", { body: Buffer.from(body).toString("base64"), isBase64Encoded: true }],
  ])("has its body %s", async (_how, change) => {
    const answer = await send(put(change));
    expect(JSON.parse(String(answer.body)).environment?.labels).toEqual({ plan: "pro" });
  });

  it.each([
    ["no headers at all", { ...put(), headers: undefined } as never, 401, "unauthenticated"],
    ["text that claims to be base64", put({ body, isBase64Encoded: true }), 400, "invalid_request"],
    ["more than the API takes", put({ body: `"${"x".repeat(1_048_577)}"` }), 413, "body_too_large"],
    ["more than 6 MB", put({ body: `"${"x".repeat(6 * 1024 * 1024)}"` }), 413, "body_too_large"],
  ])("with %s is a problem with its reason", async (_what, event, status, reason) => {
    const answer = await send(event);
    expect(answer.statusCode).toBe(status);
    expect(JSON.parse(String(answer.body))).toMatchObject({ reason });
  });

  it("cannot forge what the adapter tells of the invocation, nor see its token", async () => {
    const forged = {
      "x-aws-lambda-fastify-request": "forged",
      "x-apigateway-event": "{}",
      "X-APIGATEWAY-CONTEXT": "{}",
    };
    const app = buildServer({ log: QUIET });
    app.get("/", async ({ invocation, headers }) => ({
      leftMs: invocation?.context?.getRemainingTimeInMillis(),
      headers: Object.keys(headers),
    }));
    const event = eventFor("/", door, { headers: forged });
    const answer = await (await handlerOf(app))(event, withTime(7));
    const { leftMs, headers } = JSON.parse(String((answer as { body: string }).body));
    expect(leftMs).toBe(7);
    expect(headers.map((name: string) => name.toLowerCase())).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^x-(apigateway|aws)/)]),
    );
  });

  it("comes from the address that AWS says, whatever its headers claim", async () => {
    const handler = await handlerOf(buildApi({ anonymousPerMinute: 1 }).app);
    const statuses: unknown[] = [];
    for (const claimed of ["198.51.100.1", "198.51.100.2"]) {
      const event = eventFor("/v1/tenants", door, { headers: { "x-forwarded-for": claimed } });
      statuses.push(((await handler(event, withTime(HOUR_MS))) as { statusCode: number }).statusCode);
    }
    expect(statuses).toEqual([401, 429]);
  });
});

describe("a function that waits", () => {
  /** Waits for what never comes. */
  const never = async (wait: Wait | null) => {
    if (!wait) throw new Error("It should wait.");
    const look = async () => tenantView("acme", { settled: false });
    return waitUntil({ clock: { now: () => new Date() } }, wait, look, () => false);
  };
  const getEnvironment = (_caller: unknown, _id: string, wait: Wait | null) => never(wait);
  const url = `/v1/environments/env_${"0".repeat(22)}?wait=30s`;

  it.each([
    ["answers before its time is over", WAIT_ANSWER_MS + 50],
    ["looks once if there is hardly any", WAIT_ANSWER_MS - 50],
  ])("%s, as an elapsed wait does", async (_what, remainingMs) => {
    const { handlers } = createMemoryHandlers();
    const handler = await handlerOf(buildApi({ handlers: { ...handlers, getEnvironment } }).app);
    // Without that the test would last half a minute, and be ended before.
    const answer = await handler(eventFor(url, "api"), withTime(remainingMs));
    expect(answer).toMatchObject({ statusCode: 200 });
    expect(JSON.parse(String((answer as { body: string }).body))).toMatchObject({ settled: false });
  });
});
