import { createHash } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import type { Static, TSchema, TUnknown } from "typebox";
import type { Caller } from "../domain/caller.ts";
import { Refused } from "../domain/errors.ts";
import type { Wait, Write } from "../handlers/api-types.ts";
import type { Reason } from "./problem-status.ts";
import { isWrite, schemaOf } from "./route-schema.ts";
import type { Waits } from "./waits.ts";

const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/;
const ETAG = /^(?:W\/)?"(\d{1,15})"$/;

/** What a handler of a route is given: every part was checked. */
export interface Input<Params, Query, Body> {
  readonly caller: Caller;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** For writes: who, with the Idempotency-Key. */
  readonly write: Write;
  readonly ifMatch: number | null;
  /** Does the work with the time that `?wait=` gives it. */
  readonly during: <T>(wait: string | undefined, work: (wait: Wait | null) => Promise<T>) => Promise<T>;
}

/** What is sent. `body` is JSON; its times may be dates. */
export interface Sent {
  readonly status?: number;
  readonly body: unknown;
  readonly replayed?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One operation of the API, with everything that its documentation says. */
export interface Route<Params extends TSchema, Query extends TSchema, Body extends TSchema> {
  readonly method: HTTPMethods;
  readonly url: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly isPublic?: boolean;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  /** Names of schemas by status, with what the status means. */
  readonly answers: Readonly<Record<number, readonly [meaning: string, schema: string]>>;
  /** Reason codes of its own, besides those that every route has. */
  readonly reasons?: readonly Reason[];
  readonly takesIfMatch?: boolean;
  handle(input: Input<Static<Params>, Static<Query>, Static<Body>>): Promise<Sent>;
}

export type AddRoute = <
  Params extends TSchema = TUnknown,
  Query extends TSchema = TUnknown,
  Body extends TSchema = TUnknown,
>(
  route: Route<Params, Query, Body>,
) => void;

/** Adds routes to the scope: the schema for validation and documentation, and the way from request to answer. */
export function routeAdder(app: FastifyInstance, waits: Waits): AddRoute {
  return (route) => {
    const { method, url, isPublic = false } = route;
    app.route({
      method,
      url,
      config: { isPublic },
      schema: schemaOf(route),
      async handler(request, reply) {
        const sent = await route.handle(inputOf(route, request, reply, waits));
        if (sent.replayed) reply.header("idempotency-replayed", "true");
        return reply
          .headers(sent.headers ?? {})
          .code(sent.status ?? 200)
          .send(sent.body);
      },
    });
  };
}

function inputOf<Params extends TSchema, Query extends TSchema, Body extends TSchema>(
  route: Route<Params, Query, Body>,
  request: FastifyRequest,
  reply: FastifyReply,
  waits: Waits,
): Input<Static<Params>, Static<Query>, Static<Body>> {
  const { caller } = request;
  return {
    caller,
    // The validator has checked each against the route's schema.
    params: request.params as Static<Params>,
    query: request.query as Static<Query>,
    body: request.body as Static<Body>,
    write: { caller, repeat: isWrite(route.method) ? repeatOf(request) : null },
    ifMatch: route.takesIfMatch ? ifMatchOf(request.headers["if-match"]) : null,
    during: (wait, work) => waits.during(caller, reply, wait, work),
  };
}

function repeatOf(request: FastifyRequest): Write["repeat"] {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return null;
  if (typeof key !== "string" || !IDEMPOTENCY_KEY.test(key)) {
    throw new Refused("invalid_request", "Idempotency-Key must be 1 to 255 printable ASCII characters.");
  }
  const asked = `${request.method} ${request.url}\n${JSON.stringify(request.body ?? null)}`;
  return { key, digest: createHash("sha256").update(asked).digest("hex") };
}

/** `*` asks for nothing but that it is there, which every write does. */
function ifMatchOf(header: string | undefined): number | null {
  if (header === undefined || header.trim() === "*") return null;
  const revision = ETAG.exec(header.trim())?.[1];
  if (revision !== undefined) return Number(revision);
  throw new Refused("invalid_request", 'If-Match must be one ETag as this service sent it, such as "3".');
}
