import { randomUUID } from "node:crypto";
import Fastify, { type FastifyError, type FastifyInstance } from "fastify";
import { healthRoutes } from "./health.ts";
import { sendProblem } from "./problem.ts";
import { type WebhookDeps, webhookRoutes } from "./webhook.ts";

export interface AppDeps extends WebhookDeps {
  /** Resolves if the store answers. */
  readonly ready: () => Promise<void>;
}

/** The HTTP application; it does not listen. Every error is application/problem+json and tells nothing of the inside. */
export function buildApp(deps: AppDeps): FastifyInstance {
  const app = Fastify({ logger: false });
  app.register((scope) => webhookRoutes(scope, deps));
  app.register((scope) => healthRoutes(scope, deps.ready));
  app.setNotFoundHandler((request, reply) => {
    const detail = `There is no ${request.method} ${request.url.split("?")[0]?.slice(0, 200)} here.`;
    return sendProblem(reply, { status: 404, title: "Not found", reason: "not_found", detail });
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) {
      const title = status === 413 ? "Too large" : "Bad request";
      return sendProblem(reply, { status, title, reason: error.code.toLowerCase(), detail: error.message });
    }
    const errorId = randomUUID();
    const delivery = request.headers["x-github-delivery"];
    deps.log.error({ errorId, delivery, cause: error.message, stack: error.stack }, "request failed");
    const detail = `Something went wrong here; the log has it under ${errorId}.`;
    return sendProblem(reply, { status: 500, title: "Internal error", reason: "internal", detail });
  });
  return app;
}
