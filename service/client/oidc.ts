import { OffshootError } from "./error.ts";
import { createRequester, sleep } from "./request.ts";
import type { Session } from "./types.ts";

/** What the runner of GitHub Actions gives a job that has `permissions: { id-token: write }`. */
export interface JobIdentity {
  /** ACTIONS_ID_TOKEN_REQUEST_URL. */
  readonly requestUrl: string;
  /** ACTIONS_ID_TOKEN_REQUEST_TOKEN. */
  readonly requestToken: string;
}

export interface JobCredentialOptions extends JobIdentity {
  /** The address of the service. */
  readonly url: string;
  /** By default the address: the only one that the service takes. */
  readonly audience?: string;
  readonly fetch?: typeof fetch;
  readonly userAgent?: string;
  /** Hears of every secret before it is used, so that a log can hide it. */
  readonly onSecret?: (secret: string) => void;
}

/** A session is renewed this long before it ends. */
const RENEW_MS = 60_000;
/** A runner's token service that is away for a moment, or a token whose answer was lost. */
const TRIES_MAX = 3;
const PAUSE_MS = 1_000;
const ANSWER_TIMEOUT_MS = 30_000;

/** A `getCredential` for jobs of GitHub Actions: exchanges the job's OIDC token for a session, and renews it in time. */
export function jobCredential(options: JobCredentialOptions): () => Promise<string> {
  let session: Session | null = null;
  return async () => {
    if (!session || Date.parse(session.expiresAt) - Date.now() < RENEW_MS) session = await exchange(options);
    return session.credential;
  };
}

/** A token is good for one exchange, so every try asks for a new one. */
async function exchange(options: JobCredentialOptions): Promise<Session> {
  const { url, fetch, userAgent } = options;
  const request = createRequester({ url, ...(fetch && { fetch }), ...(userAgent && { userAgent }) });
  for (let tries = 1; ; tries += 1) {
    try {
      const oidcToken = await oidcTokenOf(options);
      options.onSecret?.(oidcToken);
      const session = await request<Session>({
        method: "POST",
        path: "/v1/sessions",
        body: { oidcToken },
        anonymous: true,
        repeatable: false,
      });
      options.onSecret?.(session.credential);
      return session;
    } catch (error) {
      const again = error instanceof OffshootError && ["unreachable", "oidc_replayed"].includes(error.reason);
      if (!again || tries >= TRIES_MAX) throw error;
      await sleep(PAUSE_MS);
    }
  }
}

async function oidcTokenOf(options: JobCredentialOptions): Promise<string> {
  const { requestUrl, requestToken, url, audience = url, fetch = globalThis.fetch } = options;
  const address = new URL(requestUrl);
  address.searchParams.set("audience", audience);
  const headers = { authorization: `Bearer ${requestToken}`, accept: "application/json" };
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  let status = 0;
  try {
    const response = await fetch(address, { headers, signal });
    status = response.status;
    const { value } = (await response.json()) as { value?: unknown };
    if (response.ok && typeof value === "string" && value !== "") return value;
  } catch {
    // Told below, without the address: it names the run, and the token is in the request.
  }
  throw new OffshootError({
    status,
    reason: status === 0 || status >= 500 ? "unreachable" : "oidc_refused",
    detail: `GitHub Actions gave no OIDC token (status ${status}). The job needs \`permissions: { id-token: write }\`.`,
  });
}
