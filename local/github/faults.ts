import Type from "typebox";
import { makeOnDemand } from "../on-demand.ts";
import { ApiError, invalid } from "./api-error.ts";
import { INSTALLATION_ID } from "./state.ts";

/** An answer to give instead of the real one. `lost`: the effect happens and the connection is cut before the answer. */
export const Fault = Type.Object(
  {
    method: Type.Optional(Type.String({ minLength: 1, maxLength: 10 })),
    /** A regular expression on the path below the API's address, such as `^/repos/acme/shop/issues`. */
    pathPattern: Type.Optional(Type.String({ maxLength: 500 })),
    answer: Type.Union([
      Type.Literal(500),
      Type.Literal(429),
      Type.Literal("secondary"),
      Type.Literal("hang"),
      Type.Literal("lost"),
    ]),
    times: Type.Integer({ minimum: 1, maximum: 10_000 }),
    retryAfterSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 3600 })),
  },
  { additionalProperties: false },
);

export type Fault = Type.Static<typeof Fault>;
export type Faults = ReturnType<typeof createFaults>;

/** What the primary limit of an installation without many repositories is. */
const RATE_LIMIT = 5_000;

/** The faults that tests asked for; the oldest that fits is used first. */
export function createFaults() {
  const { add, clear, take } = makeOnDemand<Fault & { readonly pattern: RegExp }>();
  return {
    clear,
    /** Throws 422 for a pattern that is no regular expression. */
    add(fault: Fault): void {
      add({ ...fault, pattern: compile(fault.pathPattern ?? "") });
    },
    /** The fault for one request, if any; each request uses it up by one. */
    take: (method: string, path: string): Fault | undefined =>
      take((one) => (one.method?.toUpperCase() ?? method) === method && one.pattern.test(path)),
  };
}

/** The error that a fault answers with; none for those without an answer. (rate-limits-for-the-rest-api) */
export function faultError({ answer, retryAfterSeconds }: Fault): ApiError | undefined {
  const retryAfter: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
  switch (answer) {
    case 500:
      return new ApiError(500, "Server Error", {}, retryAfter);
    case 429: {
      const reset = Math.floor(Date.now() / 1000) + (retryAfterSeconds ?? 60);
      const headers = { "x-ratelimit-remaining": "0", "x-ratelimit-used": String(RATE_LIMIT) };
      const message = `API rate limit exceeded for installation ID ${INSTALLATION_ID}.`;
      return new ApiError(
        429,
        message,
        {},
        { ...retryAfter, ...headers, "x-ratelimit-reset": String(reset) },
      );
    }
    case "secondary":
      return new ApiError(
        403,
        "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. Please retry your request again later.",
        {},
        retryAfter,
      );
    default:
      return undefined;
  }
}

/** The headers of every answer; this GitHub counts, and never refuses. */
export function createRateLimit() {
  let used = 0;
  let resetAt = 0;
  return {
    /** Counts one request. Out: numbers for `GET /rate_limit`, and for the headers. */
    take(cost: number) {
      const now = Math.floor(Date.now() / 1000);
      if (now >= resetAt) {
        used = 0;
        resetAt = now + 3600;
      }
      used = Math.min(used + cost, RATE_LIMIT - 1);
      return { limit: RATE_LIMIT, remaining: RATE_LIMIT - used, reset: resetAt, used };
    },
  };
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch {
    throw invalid(`pathPattern ${pattern} is not a regular expression.`);
  }
}
