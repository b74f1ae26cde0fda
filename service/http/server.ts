import { randomUUID } from "node:crypto";
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  type HTTPMethods,
} from "fastify";
import type { Log } from "../handlers/ports.ts";
import { sendProblem } from "./problem.ts";

export interface ServerDeps {
  readonly log: Log;
  /** Addresses and networks of proxies whose X-Forwarded-For says who asks; by default it is whoever connects. */
  readonly trustedProxies?: readonly string[];
}

type SendError = (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/** What an address may be asked; an address that knows another method answers 405 instead of 404. */
const METHODS: readonly HTTPMethods[] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/** A request that is not whole by then is cut off; GitHub waits for 10 s, its Enterprise Server for 30 s. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How much of an unknown address is repeated. */
const SHOWN_CHARACTERS = 200;
/** A request id of the client's is taken over if it can stand in a header and a log line. */
const REQUEST_ID = /^[\w.:-]{1,64}$/;

/** Fastify would load its own compilers of schemas when it is made; only the API has schemas, with compilers of its own. */
const NO_SCHEMAS: NonNullable<FastifyServerOptions["schemaController"]> = {
  compilersFactory: { buildValidator: () => noSchema, buildSerializer: () => noSchema },
};

function noSchema(): never {
  throw new Error("A route outside the API has a schema, which nothing compiles.");
}

/**
 * A server without routes; it does not listen. Every error is application/problem+json and tells nothing of the inside.
 * `onMalformed` answers an address that cannot be read, which Fastify meets before any route does.
 */
export function buildServer(deps: ServerDeps, onMalformed?: SendError): FastifyInstance {
  const { log, trustedProxies = [] } = deps;
  const onError: SendError = (error, request, reply) => sendError(log, error, request, reply);
  const app = Fastify({
    logger: false,
    frameworkErrors: onMalformed ?? onError,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Below API Gateway none is needed: the adapter brings the event's sourceIp as the address that connects.
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    schemaController: NO_SCHEMAS,
    genReqId: ({ headers }) => requestIdOf(headers["x-request-id"]),
  });
  app.setNotFoundHandler((request, reply) => sendNotFound(app, request, reply));
  app.setErrorHandler(onError);
  return app;
}

function requestIdOf(given: string | readonly string[] | undefined): string {
  return typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID();
}

function sendNotFound(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const url = request.url.split("?")[0] ?? "";
  const allowed = METHODS.filter((method) => app.hasRoute({ method, url }));
  const asked = `${request.method} ${url.slice(0, SHOWN_CHARACTERS)}`;
  if (allowed.length === 0) {
    const detail = `There is no ${asked} here.`;
    return sendProblem(reply, { status: 404, title: "Not found", reason: "not_found", detail });
  }
  const allow = allowed.join(", ");
  const detail = `There is no ${asked} here; this address knows ${allow}.`;
  return sendProblem(reply.header("allow", allow), {
    status: 405,
    title: "Method not allowed",
    reason: "method_not_allowed",
    detail,
  });
}

/** An error that no route has answered. `log` gets what the caller does not. */
export function sendError(
  log: Log,
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const status = error.statusCode ?? 500;
  const { message } = error;
  if (status === 413)
    return sendProblem(reply, { status, title: "Too large", reason: "body_too_large", detail: message });
  if (status < 500)
    return sendProblem(reply, { status, title: "Bad request", reason: "bad_request", detail: message });
  const errorId = randomUUID();
  const delivery = request.headers["x-github-delivery"];
  log.error({ errorId, delivery, cause: message, stack: error.stack }, "request failed");
  const detail = `Something went wrong here; the log has it under ${errorId}.`;
  return sendProblem(reply, { status: 500, title: "Internal error", reason: "internal", detail });
}
