import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { TSchema } from "typebox";
import { callerKey } from "../domain/caller.ts";
import type { Authenticate } from "../handlers/authenticate.ts";
import type { Log } from "../handlers/ports.ts";
import { sendApiError } from "./api-error.ts";
import type { ApiHandlers } from "./api-handlers.ts";
import { acceptJsonOnly, refuseUnknownAddresses, rememberMethods } from "./edges.ts";
import { addGate } from "./gate.ts";
import { addOpenApi } from "./openapi.ts";
import { routeAdder } from "./route.ts";
import { type Access, accessRoutes } from "./routes-access.ts";
import { environmentRoutes } from "./routes-environments.ts";
import { operationRoutes } from "./routes-operations.ts";
import { tenantRoutes } from "./routes-tenants.ts";
import * as schemas from "./schemas.ts";
import * as pages from "./schemas-pages.ts";
import { createValidatorCompiler } from "./validate.ts";
import { createWaits } from "./waits.ts";

export interface ApiDeps {
  readonly handlers: ApiHandlers;
  readonly access: Access;
  readonly authenticate: Authenticate;
  /** The address under which people reach this service. */
  readonly publicUrl: string;
  /** GitHub's pages, such as https://github.com. */
  readonly webUrl: string;
  readonly log: Log;
  /** For tests; the defaults are in domain/limits.ts. */
  readonly perMinute?: number;
  readonly anonymousPerMinute?: number;
}

const OPENAPI_MAX_AGE_SECONDS = 300;

/** `/v1`, in a scope of its own: nothing here touches the webhook. Register it with that prefix. */
export async function apiRoutes(app: FastifyInstance, deps: ApiDeps): Promise<void> {
  const { log, handlers, publicUrl } = deps;
  app.setErrorHandler((error: FastifyError, request, reply) => sendApiError(log, error, request, reply));
  refuseUnknownAddresses(app);
  acceptJsonOnly(app);
  const named = namedSchemas();
  for (const schema of named.values()) app.addSchema(schema);
  app.setValidatorCompiler(createValidatorCompiler(named));
  // The views are of the schemas' types; to build the text twice as carefully would only make it slower.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
    reply.header("x-content-type-options", "nosniff");
    reply.header("cache-control", "no-store");
  });
  app.addHook("onResponse", async (request, reply) => logLine(log, request, reply));
  await addGate(app, deps);
  await addOpenApi(app, publicUrl);
  const refuseOtherMethods = rememberMethods(app);
  const waits = createWaits();
  app.addHook("preClose", async () => waits.end());
  const add = routeAdder(app, waits);
  accessRoutes(add, deps.access);
  tenantRoutes(add, handlers);
  environmentRoutes(add, handlers, deps);
  operationRoutes(add, handlers);
  app.get("/openapi.json", { config: { isPublic: true }, schema: { hide: true } }, async (_request, reply) =>
    reply.header("cache-control", `public, max-age=${OPENAPI_MAX_AGE_SECONDS}`).send(app.swagger()),
  );
  refuseOtherMethods();
}

/** Every schema with a name, by it. */
function namedSchemas(): ReadonlyMap<string, TSchema> {
  const all: readonly unknown[] = [...Object.values(schemas), ...Object.values(pages)];
  const named = all.flatMap((schema): [string, TSchema][] => {
    const { $id: name } = Object(schema) as { readonly $id?: string };
    return name === undefined ? [] : [[name, schema as TSchema]];
  });
  return new Map(named);
}

function logLine(log: Log, request: FastifyRequest, reply: FastifyReply): void {
  const { id: requestId, method, routeOptions, caller } = request;
  const durationMs = Math.round(reply.elapsedTime);
  // Who was anonymous is known by the address, which is a person's and stays out of the log.
  const by = caller === undefined || caller.kind === "anonymous" ? "anonymous" : callerKey(caller);
  const line = { requestId, method, route: routeOptions.url, status: reply.statusCode, by, durationMs };
  log.info(line, "request");
}
