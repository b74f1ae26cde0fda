/** Where the API ends: other content types, other methods, other addresses. */
import type { FastifyInstance, HTTPMethods } from "fastify";
import { Refused } from "../domain/errors.ts";
import { API_BODY_BYTES } from "../domain/limits.ts";
import { sendProblem } from "./problem.ts";

const METHODS: readonly HTTPMethods[] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/** How much of an unknown address is repeated. */
const SHOWN_CHARACTERS = 200;

/** JSON is the only language; an empty body is none at all, whatever its content type says. */
export function acceptJsonOnly(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser("error", "error");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>(
    "application/json",
    { parseAs: "string", bodyLimit: API_BODY_BYTES },
    (request, body, done) => {
      if (body === "") return done(null, undefined);
      // Fastify hands a null to the validator for no body at all, so it is refused here.
      const isNull = body.trim() === "null";
      return isNull ? done(new Refused("invalid_request", "The body is null.")) : parse(request, body, done);
    },
  );
}

export function refuseUnknownAddresses(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const detail = `There is no ${shown(request)} here; GET /v1/openapi.json lists what there is.`;
    return sendProblem(reply, { status: 404, title: "Not found", reason: "not_found", detail });
  });
}

/** From now on the methods of each address are remembered; call what it returns once all routes are there. */
export function rememberMethods(app: FastifyInstance): () => void {
  const known = new Map<string, Set<string>>();
  const prefix = app.prefix;
  let isOver = false;
  app.addHook("onRoute", ({ url, method }) => {
    if (isOver) return;
    const methods = known.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    known.set(url, methods);
  });
  return () => {
    isOver = true;
    for (const [url, methods] of known) refuseMethods(app, url.slice(prefix.length), methods);
  };
}

function refuseMethods(app: FastifyInstance, url: string, known: ReadonlySet<string>): void {
  const allow = [...known].join(", ");
  app.route({
    method: METHODS.filter((method) => !known.has(String(method))),
    url,
    config: { isPublic: true },
    schema: { hide: true },
    // Before a body is read: whatever it is, it is for nobody.
    async preParsing(request, reply) {
      const detail = `There is no ${shown(request)} here; this address knows ${allow}.`;
      const problem = { status: 405, title: "Method not allowed", reason: "method_not_allowed", detail };
      return sendProblem(reply.header("allow", allow), problem);
    },
    handler: () => undefined,
  });
}

function shown(request: { readonly method: string; readonly url: string }): string {
  return `${request.method} ${(request.url.split("?")[0] ?? "").slice(0, SHOWN_CHARACTERS)}`;
}
