import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Caller, callerKey } from "../domain/caller.ts";
import { Refused } from "../domain/errors.ts";
import { ANONYMOUS_REQUESTS_PER_MINUTE, REQUESTS_PER_MINUTE } from "../domain/limits.ts";
import type { Authenticate } from "../handlers/authenticate.ts";
import { Limited } from "./api-error.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks; anonymous where no credential is needed. */
    caller: Caller;
  }
  interface FastifyContextConfig {
    /** True where no credential is asked for. */
    readonly isPublic?: boolean;
  }
}

const MINUTE_MS = 60_000;
/** Callers and addresses that are counted at once; the one that was quiet longest is forgotten first. */
const COUNTED_MAX = 20_000;
type Limit = ReturnType<FastifyInstance["createRateLimit"]>;
const BEARER = /^Bearer +(\S{1,200})$/i;

export interface GateDeps {
  readonly authenticate: Authenticate;
  readonly perMinute?: number;
  readonly anonymousPerMinute?: number;
}

/**
 * Before the body is read: who asks, and whether that is too often. Three budgets a minute: of a caller by its credential;
 * of an address for what it asks without one; and, apart from that, of an address for credentials that do not hold. A
 * credential is compared first, which costs one read by key: many callers may share an address, and none is refused for
 * what others of its address did.
 */
export async function addGate(app: FastifyInstance, deps: GateDeps): Promise<void> {
  await app.register(rateLimit, { global: false, timeWindow: MINUTE_MS, cache: COUNTED_MAX });
  const ofCaller = app.createRateLimit({
    max: deps.perMinute ?? REQUESTS_PER_MINUTE,
    keyGenerator: (request) => callerKey(request.caller),
  });
  // Each has a count of its own, by the address.
  const max = deps.anonymousPerMinute ?? ANONYMOUS_REQUESTS_PER_MINUTE;
  const ofAddress = app.createRateLimit({ max });
  const ofFailures = app.createRateLimit({ max });

  app.decorateRequest("caller");
  app.addHook("onRequest", async (request, reply) => {
    request.caller = { kind: "anonymous", address: request.ip };
    const { authorization } = request.headers;
    const isPublic = request.routeOptions.config?.isPublic === true;
    if (isPublic || authorization === undefined) {
      await count(ofAddress, request, reply);
      if (isPublic) return;
      const next = "Send `Authorization: Bearer <key or session>`.";
      throw new Refused("unauthenticated", `This needs a credential. ${next}`);
    }
    request.caller = await authenticated(deps.authenticate, authorization).catch(async (error: unknown) => {
      if (error instanceof Refused) await count(ofFailures, request, reply);
      throw error;
    });
    await count(ofCaller, request, reply);
  });
}

/** Counts the request; throws Limited if it is one too many. */
async function count(limit: Limit, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const state = await limit(request);
  if (state.isAllowed) return;
  reply.header("ratelimit-limit", state.max);
  reply.header("ratelimit-remaining", state.remaining);
  reply.header("ratelimit-reset", state.ttlInSeconds);
  if (!state.isExceeded) return;
  const advice = "Wait for the time in Retry-After.";
  const message = `At most ${state.max} requests a minute are answered. ${advice}`;
  throw new Limited("rate_limited", message, Math.max(1, state.ttlInSeconds));
}

async function authenticated(authenticate: Authenticate, authorization: string): Promise<Caller> {
  const credential = BEARER.exec(authorization)?.[1];
  if (credential) return authenticate(credential);
  const form = "`Bearer <key or session>`";
  throw new Refused("credential_invalid", `The header Authorization must have the form ${form}.`);
}
