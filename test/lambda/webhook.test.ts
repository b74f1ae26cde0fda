import { createHmac } from "node:crypto";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { describe, expect, it } from "vitest";
import { Retryable } from "../../service/domain/errors.ts";
import type { DeliveryRow } from "../../service/handlers/ports.ts";
import { answerFunctionEvent } from "../../service/http/function-event.ts";
import { createVerifier } from "../../service/http/signature.ts";

const SECRET = "a-secret-of-the-test";
const PAYLOAD = {
  action: "opened",
  number: 7,
  pull_request: { number: 7 },
  repository: { id: 42, full_name: "acme/shop" },
  installation: { id: 9 },
  sender: { login: "wendy" },
};

const sign = (body: string) => `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`;

/** The function's own door, with a journal that keeps or refuses rows. */
function door(journalError: Error | null = null) {
  const rows: DeliveryRow[] = [];
  const lines: string[] = [];
  const note = (fields: object, message: string) => void lines.push(JSON.stringify({ ...fields, message }));
  const deps = {
    appId: 1,
    host: "github.test",
    verify: createVerifier([SECRET]),
    journal: {
      async append(row: DeliveryRow) {
        if (journalError) throw journalError;
        rows.push(row);
      },
    },
    nudge: { nudge: () => {} },
    log: { info: note, warn: note, error: note },
  };
  return { rows, lines, send: (event: APIGatewayProxyEventV2) => answerFunctionEvent(deps, event) };
}

function eventOf(body: string, change: Partial<APIGatewayProxyEventV2> = {}, method = "POST") {
  const headers = {
    "content-type": "application/json",
    "x-github-event": "pull_request",
    "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "x-hub-signature-256": sign(body),
  };
  const requestContext = { requestId: "request-1", http: { method } };
  return { headers, requestContext, body, isBase64Encoded: false, ...change } as APIGatewayProxyEventV2;
}

const good = JSON.stringify(PAYLOAD);
const base64 = (text: string) => Buffer.from(text).toString("base64");
const without = (name: string) => {
  const event = eventOf(good);
  const { [name]: _gone, ...headers } = event.headers;
  return { ...event, headers };
};

describe("an event of API Gateway or of a function URL", () => {
  it.each([
    ["with its text", eventOf(good)],
    ["with its body as base64", eventOf(good, { body: base64(good), isBase64Encoded: true })],
    [
      "with headers in any case",
      eventOf(good, {
        headers: Object.fromEntries(
          Object.entries(eventOf(good).headers).map(([name, value]) => [name.toUpperCase(), value]),
        ),
      }),
    ],
    [
      "with headers that claim to be API Gateway's",
      eventOf(good, {
        headers: { ...eventOf(good).headers, "x-apigateway-event": "{}", "x-apigateway-context": "{}" },
      }),
    ],
  ])("%s is journalled and answered 202", async (_what, event) => {
    const { send, rows } = door();
    const answer = await send(event);
    expect(answer).toMatchObject({ statusCode: 202 });
    expect(JSON.parse(String(answer.body))).toMatchObject({ outcome: "accepted" });
    expect(rows).toMatchObject([{ event: "pull_request", number: 7, repositoryId: 42 }]);
  });

  it.each([
    ["another method", eventOf(good, {}, "GET"), 405, "method_not_allowed"],
    ["no content type", without("content-type"), 415, "content_type"],
    ["no event", without("x-github-event"), 400, "header"],
    ["no delivery id", without("x-github-delivery"), 400, "header"],
    ["no signature", without("x-hub-signature-256"), 401, "signature_missing"],
    ["no headers at all", { ...eventOf(good), headers: undefined } as never, 415, "content_type"],
    ["no body", { ...eventOf(good), body: undefined } as never, 401, "signature"],
    ["text that claims to be base64", eventOf(good, { isBase64Encoded: true }), 400, "not_json"],
    ["another body than was signed", eventOf(good, { body: `${good} ` }), 401, "signature"],
    ["more than 6 MB", eventOf("x".repeat(6 * 1024 * 1024 + 1)), 413, "body_too_large"],
    [
      "a signature that was sent twice",
      eventOf(good, {
        headers: { ...eventOf(good).headers, "x-hub-signature-256": `${sign(good)},${sign(good)}` },
      }),
      401,
      "signature",
    ],
    ["JSON that was cut off", eventOf(good.slice(0, -9)), 400, "not_json"],
    [
      "bytes that are no text",
      eventOf("", { body: Buffer.from([0xff, 0xfe]).toString("base64"), isBase64Encoded: true }),
      400,
      "not_json",
    ],
  ])("with %s is refused with its reason and writes nothing", async (_what, event, status, reason) => {
    const { send, rows, lines } = door();
    const answer = await send(event);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers?.["content-type"]).toBe("application/problem+json");
    expect(JSON.parse(String(answer.body))).toMatchObject({ reason, requestId: "request-1" });
    expect(rows).toEqual([]);
    expect(lines.join()).not.toContain(SECRET);
  });

  it("that cannot be stored is answered 503, for somebody to deliver it again", async () => {
    const answer = await door(new Retryable("store_unavailable", "away")).send(eventOf(good));
    expect(answer).toMatchObject({ statusCode: 503, headers: { "retry-after": "5" } });
  });

  it("that is not for us gets an empty 204", async () => {
    const event = eventOf(good);
    const star = { ...event, headers: { ...event.headers, "x-github-event": "star" } };
    expect(await door().send(star)).toEqual({ statusCode: 204, headers: {}, body: "" });
  });
});
