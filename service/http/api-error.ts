import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { Refused, Retryable } from "../domain/errors.ts";
import type { Log } from "../handlers/ports.ts";
import { sendProblem } from "./problem.ts";
import { statusOfReason, titleOf } from "./problem-status.ts";

/** How long a client waits at least before it asks again, if nothing better is known. */
const RETRY_AFTER_SECONDS = 1;

/** Too many requests, or too many that wait: `afterSeconds` until the next may come. */
export class Limited extends Refused {
  readonly afterSeconds: number;
  constructor(reason: "rate_limited" | "too_many_waits", message: string, afterSeconds: number) {
    super(reason, message);
    this.name = "Limited";
    this.afterSeconds = afterSeconds;
  }
}

/** What Fastify itself refuses before a route is asked, by status. */
const FRAMEWORK_REASONS: Readonly<Record<number, readonly [reason: string, next: string]>> = {
  413: ["body_too_large", "Send less at once."],
  415: ["unsupported_media_type", "The body must be JSON, with the content type application/json."],
};

/** Answers any error of an API request as a problem; what nobody expected is logged and told nothing of. */
export function sendApiError(
  log: Log,
  error: FastifyError | Refused | Retryable,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof Retryable) return sendRetryable(log, error, reply);
  if (error instanceof Refused) {
    const status = statusOfReason(error.reason);
    if (status === 401) reply.header("www-authenticate", "Bearer");
    if (error instanceof Limited) reply.header("retry-after", error.afterSeconds);
    return send(reply, status, error.reason, error.message);
  }
  const status = error.statusCode ?? 500;
  if (status < 500) {
    const [reason, next] = FRAMEWORK_REASONS[status] ?? ["invalid_request", ""];
    return send(reply, statusOfReason(reason), reason, `${error.message} ${next}`.trim());
  }
  const { method, id: requestId } = request;
  const route = request.routeOptions.url;
  log.error({ requestId, method, route, cause: error.message, stack: error.stack }, "request failed");
  return send(reply, 500, "internal", `Something went wrong here; the log has it under ${requestId}.`);
}

function sendRetryable(log: Log, error: Retryable, reply: FastifyReply): FastifyReply {
  if (error.reason === "stale") {
    return send(reply, 409, "conflict", "It was changed by others all the time. Read it and try again.");
  }
  log.warn({ requestId: reply.request.id, reason: error.reason, cause: error.message }, "request put off");
  const afterMs = error.afterMs ?? 0;
  reply.header("retry-after", Math.max(RETRY_AFTER_SECONDS, Math.ceil(afterMs / 1_000)));
  return send(
    reply,
    503,
    error.reason,
    "This cannot be done just now. Try again after the time in Retry-After.",
  );
}

function send(reply: FastifyReply, status: number, reason: string, detail: string): FastifyReply {
  return sendProblem(reply, { status, title: titleOf(status), reason, detail });
}
