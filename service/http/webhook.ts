import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Retryable } from "../domain/errors.ts";
import { WEBHOOK_BODY_BYTES } from "../domain/limits.ts";
import type { Journal, Log, Nudge } from "../handlers/ports.ts";
import { receive, WANTED_EVENTS } from "../handlers/receive.ts";
import { type Problem, sendProblem } from "./problem.ts";
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

/** `POST /webhooks/github`: verify, journal, answer. Nothing else happens in the request. */
export async function webhookRoutes(app: FastifyInstance, deps: WebhookDeps): Promise<void> {
  // The raw bytes are what was signed, so no parser may touch them; other routes keep their own parsers and limits.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "*",
    { parseAs: "buffer", bodyLimit: WEBHOOK_BODY_BYTES },
    (_request, body, done) => done(null, body),
  );
  app.post("/webhooks/github", { bodyLimit: WEBHOOK_BODY_BYTES, onRequest: checkHeaders }, (request, reply) =>
    handle(deps, request, reply),
  );
}

/** Before the body is read: what is wrong by its headers alone costs nothing. */
async function checkHeaders(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
  const type = String(request.headers["content-type"] ?? "");
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    return sendProblem(
      reply,
      problem(415, "content_type", "Set the App's webhook content type to application/json."),
    );
  }
  for (const [name, pattern] of [
    ["x-github-event", EVENT],
    ["x-github-delivery", GUID],
  ] as const) {
    const value = request.headers[name];
    if (typeof value !== "string" || !pattern.test(value)) {
      return sendProblem(
        reply,
        problem(400, "header", `The header ${name} is missing or not of GitHub's form.`),
      );
    }
  }
  if (typeof request.headers["x-hub-signature-256"] !== "string") {
    return sendProblem(
      reply,
      problem(401, "signature_missing", "Set a webhook secret in the App's settings."),
    );
  }
  return undefined;
}

async function handle(
  deps: WebhookDeps,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const event = String(request.headers["x-github-event"]);
  const guid = String(request.headers["x-github-delivery"]);
  const signature = String(request.headers["x-hub-signature-256"]);
  const body = Buffer.isBuffer(request.body) ? request.body.toString("utf8") : "";
  if (!(await deps.verify(body, signature))) {
    const detail =
      "The signature does not match the body; compare the webhook secret here and in the App's settings.";
    return sendProblem(reply, problem(401, "signature", detail));
  }
  if (!WANTED_EVENTS.has(event)) return reply.code(204).send();
  const payload = parse(body);
  if (payload === undefined) return sendProblem(reply, problem(400, "not_json", "The body is not JSON."));
  const { appId, host } = deps;
  const received = receive({ host, appId, guid, event, payload });
  switch (received.kind) {
    case "invalid":
      return sendProblem(reply, problem(400, "shape", received.message));
    case "ignored":
      return reply.code(200).send({ delivery: guid, outcome: "ignored", reason: received.reason });
    case "wanted":
      return accept(deps, received.row, reply);
  }
}

async function accept(
  { journal, nudge, log }: WebhookDeps,
  row: Parameters<Journal["append"]>[0],
  reply: FastifyReply,
): Promise<FastifyReply> {
  const fields = { delivery: row.guid, event: row.event, action: row.action, owner: row.pullKey };
  try {
    await journal.append(row);
  } catch (error) {
    if (!(error instanceof Retryable)) throw error;
    log.warn({ ...fields, reason: error.reason }, "delivery not journalled");
    const detail = "The delivery could not be stored; deliver it again in the App's settings.";
    return sendProblem(reply.header("retry-after", RETRY_AFTER_SECONDS), problem(503, error.reason, detail));
  }
  nudge.nudge();
  log.info(fields, "delivery accepted");
  return reply.code(202).send({ delivery: row.guid, outcome: "accepted" });
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

function problem(status: number, reason: string, detail: string): Problem {
  return { status, title: TITLES[status] ?? "Error", reason, detail };
}
