/** What the answers of handlers become on the wire. */
import { PAGE_DEFAULT } from "../domain/limits.ts";
import type {
  Answer,
  EnvironmentView,
  PageQuery,
  StartedView,
  TokenRequest,
  TokenView,
} from "../handlers/api-types.ts";
import type { Sent } from "./route.ts";

/** An environment with its ETag. */
export function environmentSent(environment: EnvironmentView): Sent {
  return { body: environment, headers: { etag: etagOf(environment) } };
}

/** What was begun, with the address of the environment and its ETag. */
export function startedSent({ status, body, replayed }: Answer<StartedView>): Sent {
  const { environment } = body;
  const { kind, key } = environment.owner;
  const location =
    kind === "tenant" ? `/v1/tenants/${encodeURIComponent(key ?? "")}` : `/v1/environments/${environment.id}`;
  return { status, body, replayed, headers: { etag: etagOf(environment), location } };
}

/** No proxy and no browser may keep it. */
export function tokenSent(token: TokenView): Sent {
  return { body: token };
}

/** The page that a query asks for. */
export function pageQuery({
  limit,
  cursor,
}: {
  readonly limit?: number;
  readonly cursor?: string;
}): PageQuery {
  return { limit: limit ?? PAGE_DEFAULT, cursor: cursor ?? null };
}

export function tokenRequest({
  role,
  seconds,
}: {
  readonly role?: "owner" | "reader";
  readonly seconds?: number;
}): TokenRequest {
  return { role: role ?? "owner", seconds: seconds ?? null };
}

function etagOf({ revision }: EnvironmentView): string {
  return `"${revision}"`;
}
