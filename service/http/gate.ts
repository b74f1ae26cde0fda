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
const BEARER = /^Bearer +(\S{1,200})$/i;

export interface GateDeps {
  readonly authenticate: Authenticate;
  readonly perMinute?: number;
  readonly anonymousPerMinute?: number;
}

/**
 * Before the body is read: who asks, and whether that is too often. A caller is counted by its credential; an address
 * is counted for what it asks without one, and for credentials that do not hold, so that guessing is slow and cheap.
 */
export async function addGate(app: FastifyInstance, deps: GateDeps): Promise<void> {
  await app.register(rateLimit, { global: false, timeWindow: MINUTE_MS, cache: COUNTED_MAX });
  const ofCaller = app.createRateLimit({
    max: deps.perMinute ?? REQUESTS_PER_MINUTE,
    keyGenerator: (request) => callerKey(request.caller),
  });
  const ofAddress = app.createRateLimit({ max: deps.anonymousPerMinute ?? ANONYMOUS_REQUESTS_PER_MINUTE });
  type Limit = typeof ofCaller;
  const count = async (limit: Limit, request: FastifyRequest, reply: FastifyReply, increment = true) => {
    const state = await limit(request, { increment });
    if (state.isAllowed) return;
    reply.header("ratelimit-limit", state.max);
    reply.header("ratelimit-remaining", state.remaining);
    reply.header("ratelimit-reset", state.ttlInSeconds);
    const isOver = increment ? state.isExceeded : state.remaining === 0;
    if (!isOver) return;
    const advice = "Wait for the time in Retry-After.";
    const message = `At most ${state.max} requests a minute are answered. ${advice}`;
    throw new Limited("rate_limited", message, Math.max(1, state.ttlInSeconds));
  };

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
    await count(ofAddress, request, reply, false);
    request.caller = await authenticated(deps.authenticate, authorization).catch(async (error: unknown) => {
      if (error instanceof Refused) await count(ofAddress, request, reply);
      throw error;
    });
    await count(ofCaller, request, reply);
  });
}

async function authenticated(authenticate: Authenticate, authorization: string): Promise<Caller> {
  const credential = BEARER.exec(authorization)?.[1];
  if (credential) return authenticate(credential);
  const form = "`Bearer <key or session>`";
  throw new Refused("credential_invalid", `The header Authorization must have the form ${form}.`);
}
