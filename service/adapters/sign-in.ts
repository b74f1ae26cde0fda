import { Refused, Retryable } from "../domain/errors.ts";
import { CALL_TIMEOUT_MS } from "../domain/limits.ts";
import type { SignIn } from "../handlers/ports-api.ts";

const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code";
/** GitHub's own interval, if it names none. (generating-a-user-access-token-for-a-github-app, device flow) */
const INTERVAL_SECONDS = 5;
const INTERVAL_SECONDS_MAX = 900;
const EXPIRES_SECONDS_MAX = 3_600;
/** GitHub's answers are a few hundred bytes; who it is takes a few thousand. */
const ANSWER_CHARACTERS_MAX = 100_000;
const LOGIN = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98})$/;

export interface SignInOptions {
  readonly clientId: string;
  readonly webUrl: string;
  readonly apiUrl: string;
  /** The host that the login is of, such as github.com. */
  readonly host: string;
  readonly callTimeoutMs?: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** Signing in by the App's device flow. GitHub's token is asked who it is, once, and forgotten. */
export function createSignIn(options: SignInOptions): SignIn {
  const { clientId, webUrl, apiUrl, host } = options;
  const timeoutMs = options.callTimeoutMs ?? CALL_TIMEOUT_MS;
  const post = (path: string, fields: Fields) =>
    ask(webUrl + path, timeoutMs, {
      method: "POST",
      body: JSON.stringify({ client_id: clientId, ...fields }),
    });
  return {
    async begin() {
      const answer = await post("/login/device/code", {});
      const intervalSeconds = seconds(answer["interval"], INTERVAL_SECONDS, INTERVAL_SECONDS_MAX);
      const expires = seconds(answer["expires_in"], EXPIRES_SECONDS_MAX, EXPIRES_SECONDS_MAX);
      return {
        deviceCode: text(answer, "device_code"),
        userCode: text(answer, "user_code"),
        verificationUri: text(answer, "verification_uri"),
        intervalSeconds,
        expiresAt: new Date(Date.now() + expires * 1_000),
      };
    },
    async poll(deviceCode) {
      const asked = { device_code: deviceCode, grant_type: GRANT_TYPE };
      const answer = await post("/login/oauth/access_token", asked);
      const { error } = answer;
      if (error === "authorization_pending" || error === "slow_down") {
        const interval = seconds(answer["interval"], INTERVAL_SECONDS, INTERVAL_SECONDS_MAX);
        return { kind: "pending", intervalSeconds: interval };
      }
      if (error !== undefined) throw refusal(String(error));
      const authorization = `Bearer ${text(answer, "access_token")}`;
      const user = await ask(`${apiUrl}/user`, timeoutMs, { headers: { authorization } });
      const login = text(user, "login");
      if (!LOGIN.test(login)) throw unreadable();
      return { kind: "signed_in", host, login };
    },
  };
}

/** One call; GitHub tells even errors of OAuth with status 200. */
async function ask(url: string, timeoutMs: number, init: RequestInit): Promise<Fields> {
  const headers = {
    accept: "application/json",
    "content-type": "application/json",
    "user-agent": "offshoot",
  };
  let text: string;
  let status: number;
  try {
    const response = await fetch(url, {
      ...init,
      headers: { ...headers, ...init.headers },
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    status = response.status;
    text = await response.text();
  } catch (error) {
    // The cause of a failed fetch names the address only; the request, with the token, is not part of it.
    throw new Retryable("github_unavailable", "GitHub did not answer. Try again in a moment.", {
      cause: error,
    });
  }
  if (status === 404) {
    throw new Refused(
      "login_missing",
      "GitHub does not know this App's client id, or it has no device flow.",
    );
  }
  if (status !== 200 || text.length > ANSWER_CHARACTERS_MAX) throw unreadable();
  const body = parse(text);
  if (typeof body !== "object" || body === null) throw unreadable();
  return body as Fields;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string" || value === "" || value.length > 1_000) throw unreadable();
  return value;
}

function seconds(value: unknown, fallback: number, most: number): number {
  const isSensible = typeof value === "number" && Number.isInteger(value) && value > 0;
  return isSensible ? Math.min(value, most) : fallback;
}

function unreadable(): Retryable {
  return new Retryable("github_unavailable", "GitHub's answer could not be used. Try again in a moment.");
}

function refusal(error: string): Refused {
  switch (error) {
    case "access_denied":
      return new Refused("login_denied", "The sign-in was refused on GitHub. Begin again to try once more.");
    case "expired_token":
    case "incorrect_device_code":
      return new Refused("login_expired", "This code is not valid any more. Begin the sign-in again.");
    case "device_flow_disabled":
    case "incorrect_client_credentials":
      return new Refused(
        "login_missing",
        "The App's device flow is off. The operator switches it on in GitHub.",
      );
    default:
      return new Refused("login_denied", "GitHub refused the sign-in. Begin it again.");
  }
}
