import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import {
  answerDelivery,
  type DeliveryAnswer,
  type DeliveryHeaders,
  refused,
  refuseHeaders,
  respond,
  type WebhookDeps,
} from "./delivery.ts";

/** Lambda takes events of 6 MB, base64 included (Lambda quotas page); a body that was cut by then is not GitHub's. */
const BODY_BYTES_MAX = 6 * 1024 * 1024;

/** `POST /webhooks/github` as an event of API Gateway (payload 2.0) or of a function URL, which have the same form. */
export async function answerFunctionEvent(
  deps: WebhookDeps,
  event: APIGatewayProxyEventV2,
): Promise<APIGatewayProxyStructuredResultV2> {
  const startedAt = performance.now();
  const headers = headersOf(event);
  const answer = await answerOf(deps, event, headers);
  const requestId = event.requestContext.requestId;
  const durationMs = performance.now() - startedAt;
  const { status, ...response } = respond(deps.log, headers, answer, { requestId, durationMs });
  return { statusCode: status, headers: response.headers, body: response.body };
}

async function answerOf(
  deps: WebhookDeps,
  event: APIGatewayProxyEventV2,
  headers: DeliveryHeaders,
): Promise<DeliveryAnswer> {
  if (event.requestContext.http.method !== "POST") {
    return refused(405, "method_not_allowed", "Webhooks are sent with POST.");
  }
  const refusal = refuseHeaders(headers);
  if (refusal) return refusal;
  const bytes = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  if (bytes.length > BODY_BYTES_MAX) {
    return refused(413, "body_too_large", "A function takes bodies of up to 6 MB.");
  }
  return answerDelivery(deps, headers, bytes);
}

/** By lower case, as both senders have them already; what is set twice was joined, and is then of no form of ours. */
function headersOf({ headers }: APIGatewayProxyEventV2): DeliveryHeaders {
  const entries = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.fromEntries(entries);
}
