import { Refused, Retryable } from "../domain/errors.ts";

/** GitHub: without `retry-after` and with requests left, wait at least a minute before trying again (rate limits page). */
const SECONDARY_WAIT_MS = 60_000;
/** The primary limit is reset every hour; a wait that is longer by more than the clocks' difference is a mistake. */
const WAIT_MAX_MS = 65 * 60_000;
/** GitHub's explanation, cut to what fits into a log line. */
const MESSAGE_CHARACTERS = 200;

/** What is read of an error of @octokit/request; everything is optional because a network error has no response. */
interface Failure {
  readonly status: number;
  readonly message: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** Reads an error of Octokit; anything else, such as an unreadable key, has status 0. */
export function failureOf(error: unknown): Failure {
  const { status, message, response } = Object(error);
  return {
    status: typeof status === "number" ? status : 0,
    message:
      String(message ?? "")
        .split("\n", 1)[0]
        ?.slice(0, MESSAGE_CHARACTERS) ?? "",
    headers: Object(response).headers ?? {},
  };
}

/**
 * What an error of a call means. `what` names the thing asked for. Octokit gives a network error and a time-out the
 * status 500. The error itself is not kept as a cause: it holds the whole request.
 */
export function callError(what: string, { status, message, headers }: Failure): Retryable | Refused {
  const waitMs = limitWaitMs({ status, message, headers });
  if (waitMs !== null) {
    const text = `GitHub limits our requests; waiting ${Math.ceil(waitMs / 1000)} s before asking for ${what} again.`;
    return new Retryable("github_rate_limit", text, { afterMs: waitMs, pauses: "installation" });
  }
  if (status >= 500 || status < 400) {
    return new Retryable("github_unavailable", `GitHub did not answer for ${what}: ${status} ${message}`);
  }
  return new Refused(refusalOf(status, message), `GitHub refused ${what}: ${status} ${message}`);
}

/** What an error of asking for an installation's token means: nothing can be done there before somebody acts. */
export function tokenError(installationId: number, failure: Failure): Retryable | Refused {
  const what = `a token of installation ${installationId}`;
  if (failure.status === 0 || failure.status === 401) {
    const advice = "Check the App's id, its private key and this machine's clock.";
    return new Refused("app_credentials", `GitHub does not accept this App: ${failure.message} ${advice}`);
  }
  const isLimit = limitWaitMs(failure) !== null;
  if (!isLimit && (failure.status === 403 || failure.status === 404)) {
    const text = `Installation ${installationId} was suspended or removed. Install the App again.`;
    return new Refused("installation_gone", text);
  }
  return callError(what, failure);
}

/** GitHub's answer to a token for a repository that was taken out of the installation, or deleted. */
export function isRepositoryGone({ status, message }: Failure): boolean {
  return status === 422 && /repositor(y|ies)\b.*\b(not exist|not accessible)/i.test(message);
}

/** GitHub's answer to a token for more than the installation has granted. */
export function isNotGranted({ status, message }: Failure): boolean {
  return status === 422 && /permissions requested are not granted/i.test(message);
}

/** How long to wait, in milliseconds, if this is a rate limit; null if it is not. (rate-limits-for-the-rest-api) */
function limitWaitMs({ status, message, headers }: Failure): number | null {
  if (status !== 403 && status !== 429) return null;
  const retryAfter = Number(headers["retry-after"]);
  if (retryAfter > 0) return Math.min(retryAfter * 1_000, WAIT_MAX_MS);
  if (headers["x-ratelimit-remaining"] === "0") {
    const untilReset = Number(headers["x-ratelimit-reset"]) * 1_000 - Date.now();
    return Math.min(Math.max(untilReset || SECONDARY_WAIT_MS, 1_000), WAIT_MAX_MS);
  }
  return status === 429 || /rate limit|abuse/i.test(message) ? SECONDARY_WAIT_MS : null;
}

function refusalOf(status: number, message: string): string {
  if (status === 403) return /locked/i.test(message) ? "conversation_locked" : "forbidden";
  if (status === 404) return "not_found";
  if (status === 410) return "issues_disabled";
  return "invalid_request";
}
