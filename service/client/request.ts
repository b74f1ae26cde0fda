import { OffshootError } from "./error.ts";

export interface ClientOptions {
  /** The address of the service, such as https://offshoot.acme.dev. */
  readonly url: string;
  /** An API key or a session, sent as it is. */
  readonly credential?: string;
  /** Asked before every request, for credentials that end and are renewed. Wins over `credential`. */
  readonly getCredential?: () => Promise<string | null>;
  readonly fetch?: typeof fetch;
  readonly userAgent?: string;
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
export type Query = Readonly<Record<string, string | number | readonly string[] | null | undefined>>;

/** What every method of the client takes besides its own arguments. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Of a write: the same key with the same request has one effect. By default each call has its own. */
  readonly idempotencyKey?: string;
}

export interface Call extends CallOptions {
  readonly method: Method;
  /** Below the service's address, already encoded. */
  readonly path: string;
  readonly query?: Query;
  readonly body?: object;
  readonly ifMatch?: number | undefined;
  /** Made by those who have no credential yet. */
  readonly anonymous?: boolean;
  /** False where a second try is not the same as the first: an OIDC token is good once. */
  readonly repeatable?: boolean;
}

export type Requester = <Body>(call: Call) => Promise<Body>;

/** Tries of one request: a restart of the service or a lost connection passes within them. */
const TRIES_MAX = 4;
const BACKOFF_FIRST_MS = 250;
/** A server that asks for a longer pause than this is obeyed by giving up. */
const RETRY_AFTER_MAX_MS = 60_000;
/** An answer takes at most the 30 s of `?wait=` and what a busy service may need. */
const ANSWER_TIMEOUT_MS = 60_000;
/** An answer is a page of 100 environments at most. */
const SHOWN_CHARACTERS = 200;
const REPEATED_STATUS = new Set([429, 502, 503, 504]);
/** A 503 that only the operator can mend. */
const NOT_CONFIGURED = /_missing$/;

/** Sends requests of one client. A write carries one Idempotency-Key through all its tries, so that it has one effect. */
export function createRequester(options: ClientOptions): Requester {
  const base = options.url.replace(/\/+$/, "");
  const send = options.fetch ?? globalThis.fetch;
  return async <Body>(call: Call): Promise<Body> => {
    const url = base + call.path + queryText(call.query ?? {});
    const key = call.method === "GET" ? null : (call.idempotencyKey ?? newKey());
    for (let tries = 1; ; tries += 1) {
      const credential = call.anonymous ? null : await credentialOf(options);
      const request = requestOf(options, call, key, credential);
      const outcome = await attempt<Body>(send, url, request);
      if (outcome.kind === "done") return outcome.body;
      const pause = tries < TRIES_MAX ? pauseMs(call, outcome, tries) : null;
      if (pause === null || call.signal?.aborted) throw outcome.error;
      await sleep(pause, call.signal);
    }
  };
}

type Outcome<Body> =
  | { readonly kind: "done"; readonly body: Body }
  | { readonly kind: "failed"; readonly error: OffshootError; readonly retryAfterMs: number | null };

async function attempt<Body>(send: typeof fetch, url: string, request: RequestInit): Promise<Outcome<Body>> {
  let response: Response;
  let text: string;
  try {
    response = await send(url, request);
    text = await response.text();
  } catch (cause) {
    if (request.signal?.aborted && !isTimeout(request.signal)) throw cause;
    return { kind: "failed", error: unreachable(url, cause), retryAfterMs: null };
  }
  const body = parse(text);
  if (response.ok && body !== undefined) return { kind: "done", body: body as Body };
  const after = Number(response.headers.get("retry-after") ?? Number.NaN);
  const retryAfterMs = Number.isFinite(after) && after >= 0 ? after * 1000 : null;
  return { kind: "failed", error: problemOf(response, body, text), retryAfterMs };
}

/** How long to pause before the next try; null if there shall be none. */
function pauseMs(call: Call, failed: Outcome<unknown> & { kind: "failed" }, tries: number): number | null {
  const { error, retryAfterMs } = failed;
  const lost = error.reason === "unreachable";
  if (lost && call.repeatable === false) return null;
  if (!lost && !REPEATED_STATUS.has(error.status)) return null;
  if (NOT_CONFIGURED.test(error.reason)) return null;
  if (retryAfterMs !== null) return retryAfterMs <= RETRY_AFTER_MAX_MS ? retryAfterMs : null;
  return BACKOFF_FIRST_MS * 2 ** (tries - 1) * (0.5 + Math.random());
}

function requestOf(
  { userAgent }: ClientOptions,
  call: Call,
  key: string | null,
  credential: string | null,
): RequestInit {
  const headers: Record<string, string> = { accept: "application/json" };
  if (userAgent) headers["user-agent"] = userAgent;
  if (credential) headers["authorization"] = `Bearer ${credential}`;
  if (key) headers["idempotency-key"] = key;
  if (call.ifMatch !== undefined) headers["if-match"] = `"${call.ifMatch}"`;
  if (call.body) headers["content-type"] = "application/json";
  const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  return {
    method: call.method,
    headers,
    // A credential goes to the service only, never to where an answer points.
    redirect: "error",
    signal: call.signal ? AbortSignal.any([call.signal, timeout]) : timeout,
    ...(call.body && { body: JSON.stringify(call.body) }),
  };
}

async function credentialOf(options: ClientOptions): Promise<string | null> {
  return options.getCredential ? options.getCredential() : (options.credential ?? null);
}

function problemOf(response: Response, body: unknown, text: string): OffshootError {
  const { reason, detail, requestId } = Object(body) as Record<string, unknown>;
  const { status } = response;
  if (typeof reason === "string" && typeof detail === "string") {
    const id = typeof requestId === "string" ? requestId : response.headers.get("x-request-id");
    return new OffshootError({ status, reason, detail, requestId: id });
  }
  const shown = text.slice(0, SHOWN_CHARACTERS);
  const what = `${new URL(response.url || "http://-").origin} answered ${status} without JSON of Offshoot's API`;
  return new OffshootError({
    status,
    reason: "bad_answer",
    detail: `${what}: ${shown}. Check that the address is that of an Offshoot service.`,
  });
}

function unreachable(url: string, cause: unknown): OffshootError {
  const { origin } = new URL(url);
  const inner = Object(cause).cause ?? cause;
  const why = Object(inner).code ?? Object(inner).message ?? String(inner);
  const detail = `${origin} does not answer (${why}). Check the address and the network, and try again.`;
  return new OffshootError({ status: 0, reason: "unreachable", detail }, { cause });
}

function queryText(query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isTimeout(signal: AbortSignal): boolean {
  return Object(signal.reason).name === "TimeoutError";
}

/** `crypto.randomUUID` exists in browsers on secure pages only. */
function newKey(): string {
  return Array.from(globalThis.crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** Waits, unless `signal` aborts: then it throws the signal's reason. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
