/** What a delivery of GitHub is answered, whichever server it came to: Fastify or a Lambda function. */
import { isUtf8 } from "node:buffer";
import { Retryable } from "../domain/errors.ts";
import type { DeliveryRow, Journal, Log, Nudge } from "../handlers/ports.ts";
import { receive, WANTED_EVENTS } from "../handlers/receive.ts";
import { PROBLEM_TYPE, problemBody } from "./problem.ts";
import type { Verify } from "./signature.ts";

export interface WebhookDeps {
  readonly appId: number;
  /** The GitHub host that these webhooks come from. */
  readonly host: string;
  readonly verify: Verify;
  readonly journal: Journal;
  readonly nudge: Nudge;
  readonly log: Log;
}

/** Headers by their names in lower case. */
export type DeliveryHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What a delivery is answered. With a `detail` it is a problem; `fields` are for the log only. */
export interface DeliveryAnswer {
  readonly status: number;
  readonly outcome: "accepted" | "ignored" | "refused" | "unavailable";
  readonly reason?: string;
  readonly detail?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** The answer as it goes over the wire; an empty body for 204. */
export interface DeliveryResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const EVENT = /^[a-z_]{1,64}$/;
const GUID = /^[A-Za-z0-9-]{1,64}$/;
/** GitHub does not redeliver by itself, so this is for the person who presses the button. */
const RETRY_AFTER_SECONDS = 5;

/** What is wrong by the headers alone costs nothing: it is refused before the body is read. */
export function refuseHeaders(headers: DeliveryHeaders): DeliveryAnswer | undefined {
  if (!/^application\/json\s*(;|$)/i.test(String(headers["content-type"] ?? ""))) {
    return refused(
      415,
      "content_type",
      "The content type is not application/json; set it in the App's webhook settings.",
    );
  }
  for (const [name, pattern] of [
    ["X-GitHub-Event", EVENT],
    ["X-GitHub-Delivery", GUID],
  ] as const) {
    if (headerOf(headers, name, pattern) === undefined) {
      return refused(400, "header", `The header ${name} is missing or not of GitHub's form.`);
    }
  }
  if (typeof headers["x-hub-signature-256"] !== "string") {
    return refused(
      401,
      "signature_missing",
      "The header X-Hub-Signature-256 is missing; set a webhook secret in the App's settings.",
    );
  }
  return undefined;
}

/** Verify, journal, answer. Nothing else happens in the request. The headers have passed `refuseHeaders`. */
export async function answerDelivery(
  deps: WebhookDeps,
  headers: DeliveryHeaders,
  bytes: Buffer,
): Promise<DeliveryAnswer> {
  const event = String(headers["x-github-event"]);
  const guid = String(headers["x-github-delivery"]);
  // The library signs texts: bytes that are no text would be changed before they are compared.
  if (!isUtf8(bytes)) return refused(400, "not_json", "The body is not UTF-8, so it is not JSON.");
  const body = bytes.toString("utf8");
  if (!(await deps.verify(body, String(headers["x-hub-signature-256"])))) {
    return refused(
      401,
      "signature",
      "The signature does not match the body; compare the webhook secret here and in the App's settings.",
    );
  }
  if (!WANTED_EVENTS.has(event)) return { status: 204, outcome: "ignored", reason: "event" };
  const payload = parse(body);
  if (payload === undefined) return refused(400, "not_json", "The body is not JSON, or was cut off.");
  const { appId, host } = deps;
  const received = receive({ host, appId, guid, event, payload });
  switch (received.kind) {
    case "invalid":
      return refused(400, "shape", received.message);
    case "ignored":
      return { status: 200, outcome: "ignored", reason: received.reason };
    case "wanted":
      return accept(deps, received.row);
  }
}

async function accept({ journal, nudge }: WebhookDeps, row: DeliveryRow): Promise<DeliveryAnswer> {
  const fields = { action: row.action, owner: row.pullKey };
  try {
    await journal.append(row);
  } catch (error) {
    if (!(error instanceof Retryable)) throw error;
    const detail = "The delivery could not be stored; deliver it again in the App's settings.";
    return { status: 503, outcome: "unavailable", reason: error.reason, detail, fields };
  }
  nudge.nudge();
  return { status: 202, outcome: "accepted", fields };
}

/** Writes the answer down in the log and makes the response of it. `requestId` finds the request in the log. */
export function respond(
  log: Log,
  headers: DeliveryHeaders,
  answer: DeliveryAnswer,
  { requestId, durationMs }: { readonly requestId: string; readonly durationMs: number },
): DeliveryResponse {
  const { status, outcome, reason, detail, fields } = answer;
  const delivery = headerOf(headers, "X-GitHub-Delivery", GUID);
  const event = headerOf(headers, "X-GitHub-Event", EVENT);
  const line = { delivery, event, ...fields, status, outcome, reason, durationMs: Math.round(durationMs) };
  if (status === 503) log.warn(line, "delivery not stored");
  else log.info(line, `delivery ${outcome}`);
  if (status === 204) return { status, headers: {}, body: "" };
  const later: Record<string, string> = status === 503 ? { "retry-after": String(RETRY_AFTER_SECONDS) } : {};
  if (detail === undefined || reason === undefined) {
    const body = JSON.stringify({ delivery, outcome, reason });
    return { status, headers: { "content-type": "application/json; charset=utf-8", ...later }, body };
  }
  const problem = { status, title: TITLES[status] ?? "Error", reason, detail };
  return {
    status,
    headers: { "content-type": PROBLEM_TYPE, "x-request-id": requestId, ...later },
    body: problemBody(problem, requestId),
  };
}

/** A header of that form; anything else is not repeated anywhere. Node joins a header that was sent twice. */
function headerOf(headers: DeliveryHeaders, name: string, form: RegExp): string | undefined {
  const value = headers[name.toLowerCase()];
  return typeof value === "string" && form.test(value) ? value : undefined;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad request",
  401: "Not signed",
  405: "Method not allowed",
  413: "Too large",
  415: "Unsupported media type",
  503: "Unavailable",
};

export function refused(status: number, reason: string, detail: string): DeliveryAnswer {
  return { status, outcome: "refused", reason, detail };
}
