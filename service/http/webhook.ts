import { isUtf8 } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Retryable } from "../domain/errors.ts";
import { WEBHOOK_BODY_BYTES } from "../domain/limits.ts";
import type { DeliveryRow, Journal, Log, Nudge } from "../handlers/ports.ts";
import { receive, WANTED_EVENTS } from "../handlers/receive.ts";
import { sendProblem } from "./problem.ts";
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

const EVENT = /^[a-z_]{1,64}$/;
const GUID = /^[A-Za-z0-9-]{1,64}$/;
/** GitHub does not redeliver by itself, so this is for the person who presses the button. */
const RETRY_AFTER_SECONDS = 5;

/** What a delivery is answered. With a `detail` it is a problem; `fields` are for the log only. */
interface Answer {
  readonly status: number;
  readonly outcome: "accepted" | "ignored" | "refused" | "unavailable";
  readonly reason?: string;
  readonly detail?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** `POST /webhooks/github`: verify, journal, answer. Nothing else happens in the request. */
export async function webhookRoutes(app: FastifyInstance, deps: WebhookDeps): Promise<void> {
  // The raw bytes are what was signed, so no parser may touch them; other routes keep their own parsers and limits.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "*",
    { parseAs: "buffer", bodyLimit: WEBHOOK_BODY_BYTES },
    (_request, body, done) => done(null, body),
  );
  app.route({
    method: "POST",
    url: "/webhooks/github",
    bodyLimit: WEBHOOK_BODY_BYTES,
    // Before the body is read: what is wrong by its headers alone costs nothing.
    async onRequest(request, reply) {
      const refusal = checkHeaders(request.headers);
      return refusal && send(deps.log, request, reply, refusal);
    },
    handler: async (request, reply) => send(deps.log, request, reply, await answerOf(deps, request)),
  });
}

function checkHeaders(headers: IncomingHttpHeaders): Answer | undefined {
  if (!/^application\/json\s*(;|$)/i.test(headers["content-type"] ?? "")) {
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

async function answerOf(deps: WebhookDeps, request: FastifyRequest): Promise<Answer> {
  const { headers } = request;
  const event = String(headers["x-github-event"]);
  const guid = String(headers["x-github-delivery"]);
  const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
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

async function accept({ journal, nudge }: WebhookDeps, row: DeliveryRow): Promise<Answer> {
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

function send(log: Log, request: FastifyRequest, reply: FastifyReply, answer: Answer): FastifyReply {
  const { status, outcome, reason, detail, fields } = answer;
  const delivery = headerOf(request.headers, "X-GitHub-Delivery", GUID);
  const event = headerOf(request.headers, "X-GitHub-Event", EVENT);
  const durationMs = Math.round(reply.elapsedTime);
  const line = { delivery, event, ...fields, status, outcome, reason, durationMs };
  if (status === 503) log.warn(line, "delivery not stored");
  else log.info(line, `delivery ${outcome}`);
  if (status === 204) return reply.code(status).send();
  if (status === 503) reply.header("retry-after", RETRY_AFTER_SECONDS);
  if (detail === undefined || reason === undefined)
    return reply.code(status).send({ delivery, outcome, reason });
  return sendProblem(reply, { status, title: TITLES[status] ?? "Error", reason, detail });
}

/** A header of that form; anything else is not repeated anywhere. Node joins a header that was sent twice. */
function headerOf(headers: IncomingHttpHeaders, name: string, form: RegExp): string | undefined {
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
  415: "Unsupported media type",
  503: "Unavailable",
};

function refused(status: number, reason: string, detail: string): Answer {
  return { status, outcome: "refused", reason, detail };
}
