import type { FastifyInstance } from "fastify";
import { type ApiDeps, apiRoutes } from "./api.ts";
import { sendApiError } from "./api-error.ts";
import type { WebhookDeps } from "./delivery.ts";
import { healthRoutes } from "./health.ts";
import { buildServer, type ServerDeps, sendError } from "./server.ts";
import { closedSetupRoutes } from "./setup.ts";
import { webhookRoutes } from "./webhook.ts";

export interface AppDeps extends WebhookDeps, ServerDeps {
  /** Resolves if the store answers. */
  readonly ready: () => Promise<void>;
  /** What a person should mend, as far as it is known: a line each. */
  readonly warnings?: () => readonly string[];
  /** The API below /v1; without it there is none. */
  readonly api?: ApiDeps;
}

const API_PREFIX = "/v1";

/** The HTTP application of a service that is set up. */
export function buildApp(deps: AppDeps): FastifyInstance {
  const { api, log, ready, warnings = () => [] } = deps;
  const app = buildServer(deps, (error, request, reply) =>
    api && request.url.startsWith(`${API_PREFIX}/`)
      ? sendApiError(api.log, error, request, reply)
      : sendError(log, error, request, reply),
  );
  app.register((scope) => webhookRoutes(scope, deps));
  app.register((scope) => healthRoutes(scope, { ready, warnings }));
  app.register((scope) => closedSetupRoutes(scope));
  if (api) app.register((scope) => apiRoutes(scope, api), { prefix: API_PREFIX });
  return app;
}
