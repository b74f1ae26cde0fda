import { createHash } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import Type, { type Static, type TSchema } from "typebox";
import type { Caller } from "../domain/caller.ts";
import { Refused, Retryable } from "../domain/errors.ts";
import type { Wait, Write } from "../handlers/api-types.ts";
import { type Reason, STATUS_OF_REASON } from "./problem-status.ts";
import { Problem } from "./schemas.ts";
import type { Waits } from "./waits.ts";

/** A step or another request changed the row meanwhile: it is read and tried again this often before the client is told. */
const STALE_TRIES = 5;
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
  Params extends TSchema = Type.TUnknown,
  Query extends TSchema = Type.TUnknown,
  Body extends TSchema = Type.TUnknown,
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
        const sent = await retryingStale(() => route.handle(inputOf(route, request, reply, waits)));
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

async function retryingStale<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const isStale = error instanceof Retryable && error.reason === "stale";
      if (!isStale || tries >= STALE_TRIES) throw error;
    }
  }
}

function isWrite(method: HTTPMethods): boolean {
  return method !== "GET";
}

const COMMON: readonly Reason[] = ["invalid_request", "rate_limited", "store_unavailable", "store_busy"];
const NEEDS_CALLER: readonly Reason[] = [
  "unauthenticated",
  "credential_invalid",
  "credential_expired",
  "credential_revoked",
  "forbidden",
  "scope",
];
const MAY_HAVE_BODY: readonly Reason[] = ["body_too_large", "unsupported_media_type"];
const WRITES: readonly Reason[] = ["conflict", "idempotency_key_reused"];

function schemaOf(route: Route<TSchema, TSchema, TSchema>) {
  const { operationId, tag, summary, description, params, query, body, isPublic, method } = route;
  const reasons = [
    ...COMMON,
    ...(isPublic ? [] : NEEDS_CALLER),
    ...(params ? (["not_found"] as const) : []),
    ...(isWrite(method) ? MAY_HAVE_BODY : []),
    ...(isWrite(method) && !isPublic ? WRITES : []),
    ...(route.takesIfMatch ? (["precondition_failed"] as const) : []),
    ...(route.reasons ?? []),
  ];
  const headers = headersOf(route);
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description ? { description } : {}),
    security: isPublic ? [] : [{ bearer: [] }],
    ...(params ? { params } : {}),
    ...(query ? { querystring: query } : {}),
    ...(body ? { body: Type.Ref(`${nameOf(body)}#`) } : {}),
    ...(headers ? { headers } : {}),
    response: { ...answersOf(route), ...problemsOf(reasons) },
  };
}

function headersOf({ method, isPublic, takesIfMatch }: Route<TSchema, TSchema, TSchema>): TSchema | null {
  const idempotency = Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        "A key of your own for this write. With the same key and request the answer comes again and nothing is done twice; answers with tokens are made anew.",
    }),
  );
  const ifMatch = Type.Optional(
    Type.String({ description: "The ETag that you have seen; if it has changed since, nothing is done." }),
  );
  const headers = {
    ...(isWrite(method) && !isPublic ? { "Idempotency-Key": idempotency } : {}),
    ...(takesIfMatch ? { "If-Match": ifMatch } : {}),
  };
  return Object.keys(headers).length > 0 ? Type.Object(headers) : null;
}

function answersOf({ answers }: Route<TSchema, TSchema, TSchema>) {
  return Object.fromEntries(
    Object.entries(answers).map(([status, [description, schema]]) => [
      status,
      { description, content: { "application/json": { schema: Type.Ref(`${schema}#`) } } },
    ]),
  );
}

function problemsOf(reasons: readonly Reason[]) {
  const byStatus = new Map<number, Reason[]>();
  for (const reason of new Set(reasons)) {
    const status = STATUS_OF_REASON[reason];
    byStatus.set(status, [...(byStatus.get(status) ?? []), reason]);
  }
  const content = { "application/problem+json": { schema: Type.Ref(`${nameOf(Problem)}#`) } };
  return Object.fromEntries(
    [...byStatus].map(([status, known]) => {
      const description = `Reasons: ${known.map((reason) => `\`${reason}\``).join(", ")}.`;
      return [status, { description, content }];
    }),
  );
}

function nameOf(schema: TSchema): string {
  return String(Object(schema)["$id"]);
}
