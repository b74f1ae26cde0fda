/** The HTTP status of each reason code that a request may be refused with. Reason codes are part of the API. */
export const STATUS_OF_REASON = {
  invalid_request: 400,
  confirm_missing: 400,
  cursor_invalid: 400,
  unauthenticated: 401,
  credential_invalid: 401,
  credential_expired: 401,
  credential_revoked: 401,
  oidc_invalid: 401,
  oidc_expired: 401,
  oidc_audience: 401,
  oidc_issuer: 401,
  oidc_replayed: 401,
  forbidden: 403,
  scope: 403,
  selector: 403,
  permission: 403,
  oidc_event: 403,
  oidc_fork: 403,
  oidc_closed: 403,
  oidc_not_installed: 403,
  login_denied: 403,
  login_expired: 403,
  not_found: 404,
  repository_not_found: 404,
  git_branch_not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  idempotency_key_reused: 409,
  protected: 409,
  deleted: 409,
  not_restorable: 409,
  not_ready: 409,
  use_tenants: 409,
  precondition_failed: 412,
  body_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  too_many_waits: 429,
  internal: 500,
  login_missing: 503,
  oidc_missing: 503,
  token_role_missing: 503,
  token_role_denied: 503,
  app_credentials: 503,
  paused_after_restore: 503,
  /** These are Retryable: the same request may work in a moment. */
  store_busy: 503,
  store_unavailable: 503,
  oidc_unavailable: 503,
  token_unavailable: 503,
  github_unavailable: 503,
  github_rate_limit: 503,
  paused: 503,
  epoch_unavailable: 503,
} as const satisfies Readonly<Record<string, number>>;
export type Reason = keyof typeof STATUS_OF_REASON;

/** What a request that asks GitHub, as for a person's permission, may meet. */
export const GITHUB_REASONS: readonly Reason[] = ["github_unavailable", "github_rate_limit", "paused"];

/** What a request for a token may meet, besides what asking for its subject does. */
export const TOKEN_REASONS: readonly Reason[] = [
  "not_ready",
  "token_role_missing",
  "token_role_denied",
  "token_unavailable",
];

/** A refusal that no table knows is of what was asked for, not of how: a repository that is gone, a branch of no name. */
const UNKNOWN_REASON_STATUS = 422;

/** The status of a Refused, whatever its reason. */
export function statusOfReason(reason: string): number {
  return Object.hasOwn(STATUS_OF_REASON, reason) ? STATUS_OF_REASON[reason as Reason] : UNKNOWN_REASON_STATUS;
}

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad request",
  401: "Unauthenticated",
  403: "Forbidden",
  404: "Not found",
  405: "Method not allowed",
  409: "Conflict",
  412: "Precondition failed",
  413: "Too large",
  415: "Unsupported media type",
  422: "Cannot be done",
  429: "Too many requests",
  500: "Internal error",
  503: "Unavailable",
};

export function titleOf(status: number): string {
  return TITLES[status] ?? "Error";
}
