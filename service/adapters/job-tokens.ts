import { createRemoteJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from "jose";
import { Refused, Retryable } from "../domain/errors.ts";
import { OIDC_CLOCK_SKEW_SECONDS, OIDC_MAX_AGE_SECONDS } from "../domain/limits.ts";
import type { JobClaims, JobTokens } from "../handlers/ports-api.ts";

/** The keys of an issuer stand there, beside GitHub's issuers of all kinds; the address never comes from a token. */
const JWKS_PATH = "/.well-known/jwks";
/** jose's defaults, written out: an unknown key id causes no reading within the cool-down, so nobody can make us flood GitHub. */
const JWKS_COOL_DOWN_MS = 30_000;
const JWKS_FRESH_MS = 600_000;
const JWKS_TIMEOUT_MS = 5_000;
/** `sub` is no fact to decide by (github.md 4.3); these are, one by one. */
const REQUIRED = [
  ...["iss", "aud", "exp", "nbf", "iat", "jti", "event_name", "ref"],
  ...["repository", "repository_id", "repository_owner_id", "run_id", "run_attempt"],
];
const ID = /^[1-9]\d{0,14}$/;
const REPOSITORY = /^[\w-]{1,100}\/[\w.-]{1,100}$/;
/** Texts of a token become part of names and rows; GitHub's refs and ids are far shorter. */
const TEXT = /^[^\p{Cc}]{1,512}$/u;
const OPTIONAL_TEXT = /^[^\p{Cc}]{0,512}$/u;

export interface JobTokensOptions {
  /** The allow-list. */
  readonly issuers: readonly string[];
  /** This service's public address: GitHub's default audience is accepted by too many others. */
  readonly audience: string;
  readonly timeoutMs?: number;
  readonly coolDownMs?: number;
}

/** GitHub Actions' OIDC tokens by jose, with one key set per issuer for the life of the process. */
export function createJobTokens({ issuers, audience, ...options }: JobTokensOptions): JobTokens {
  const keySets = new Map<string, ReturnType<typeof createRemoteJWKSet>>();
  // At an issuer's first token: jose loads Node's fetch with it, and most starts of a function need neither.
  const keySetOf = (issuer: string) => {
    if (!issuers.includes(issuer))
      throw new Refused("oidc_issuer", "The token's issuer is not one that this service trusts.");
    const known = keySets.get(issuer);
    if (known) return known;
    const made = createRemoteJWKSet(new URL(issuer + JWKS_PATH), {
      timeoutDuration: options.timeoutMs ?? JWKS_TIMEOUT_MS,
      cooldownDuration: options.coolDownMs ?? JWKS_COOL_DOWN_MS,
      cacheMaxAge: JWKS_FRESH_MS,
    });
    keySets.set(issuer, made);
    return made;
  };
  return {
    async verify(token) {
      const issuer = issuerOf(token);
      const keySet = keySetOf(issuer);
      const { payload } = await jwtVerify(token, keySet, {
        issuer,
        audience,
        algorithms: ["RS256"],
        clockTolerance: OIDC_CLOCK_SKEW_SECONDS,
        maxTokenAge: OIDC_MAX_AGE_SECONDS,
        requiredClaims: REQUIRED,
      }).catch((error: unknown) => {
        throw asFailure(error, audience);
      });
      return claimsOf(payload, issuer, audience);
    },
  };
}

/** Unverified: it only chooses the key set that the token must then be signed by. */
function issuerOf(token: string): string {
  try {
    return String(decodeJwt(token).iss);
  } catch {
    throw new Refused("oidc_invalid", "This is not a JSON Web Token.");
  }
}

function claimsOf(payload: JWTPayload, issuer: string, audience: string): JobClaims {
  // A token for several audiences can be used up by any of them.
  if (payload.aud !== audience) throw wrongAudience(audience);
  const text = (name: string, pattern = TEXT): string => {
    const value = payload[name] ?? "";
    if (typeof value === "string" && pattern.test(value)) return value;
    throw new Refused("oidc_invalid", `The token's claim ${name} is not of GitHub's form.`);
  };
  return {
    issuer,
    jti: text("jti"),
    expiresAt: new Date(Number(payload.exp) * 1_000),
    eventName: text("event_name"),
    ref: text("ref"),
    headRef: text("head_ref", OPTIONAL_TEXT),
    baseRef: text("base_ref", OPTIONAL_TEXT),
    repository: text("repository", REPOSITORY),
    repositoryId: Number(text("repository_id", ID)),
    repositoryOwnerId: Number(text("repository_owner_id", ID)),
    runId: text("run_id", ID),
    runAttempt: text("run_attempt", ID),
  };
}

function wrongAudience(audience: string): Refused {
  return new Refused(
    "oidc_audience",
    `The token is not for this service; ask GitHub for one for ${audience}.`,
  );
}

/** The token's fault is Refused; keys that cannot be read are nobody's fault and Retryable. */
function asFailure(error: unknown, audience: string): unknown {
  if (error instanceof errors.JWTExpired) {
    return new Refused("oidc_expired", "The token has expired. Ask GitHub for a new one.");
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === "aud") return wrongAudience(audience);
    return new Refused("oidc_invalid", `The token's claim ${error.claim} does not hold or is missing.`);
  }
  const isToken =
    error instanceof errors.JOSEError &&
    !(error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) &&
    error.code !== errors.JOSEError.code;
  if (isToken) {
    return new Refused(
      "oidc_invalid",
      "The token is not signed by its issuer as GitHub signs, or is damaged.",
    );
  }
  // jose throws its plain error for an answer other than 200, and fetch throws a TypeError.
  const isKeys = error instanceof errors.JOSEError || error instanceof TypeError || isTimeout(error);
  if (!isKeys) return error;
  const message = "The issuer's keys cannot be read now. Try again in a moment.";
  return new Retryable("oidc_unavailable", message, { cause: error });
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && (error.name === "TimeoutError" || error.name === "AbortError");
}
