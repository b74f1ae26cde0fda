/** What a route says of itself becomes Fastify's schema: its validation, and its part of the OpenAPI document. */
import type { HTTPMethods } from "fastify";
import Type, { type TSchema } from "typebox";
import { type Reason, STATUS_OF_REASON } from "./problem-status.ts";
import type { Route } from "./route.ts";
import { Problem } from "./schemas.ts";

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
const WRITES: readonly Reason[] = [
  "conflict",
  "idempotency_key_reused",
  "paused_after_restore",
  "epoch_unavailable",
];

/** The schema of a route, with every status that it can answer. */
export function schemaOf(route: Route<TSchema, TSchema, TSchema>) {
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

/** Everything but a GET changes something, if only a session. */
export function isWrite(method: HTTPMethods): boolean {
  return method !== "GET";
}
