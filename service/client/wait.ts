import { OffshootError } from "./error.ts";
import { type CallOptions, type Requester, sleep } from "./request.ts";
import type { Environment, Operation } from "./types.ts";

/** One request waits this long at most: the API's bound. */
const WAIT_SECONDS_MAX = 30;
/** A service that answers at once although it was asked to wait is not asked more often than this. */
const LOOK_AGAIN_MS = 500;
/** A cluster takes a minute, and migrations as long again; a queue for slots takes longer and needs a limit of its own. */
const WAIT_SECONDS = 600;

export interface WaitOptions extends CallOptions {
  /** The longest wait in all, by default 600. */
  readonly seconds?: number;
}

/** Waits for what a request began. Out: the operation that succeeded. Throws OffshootError if it fails, or `timeout`. */
export async function waitForOperation(
  request: Requester,
  operation: Operation,
  { seconds = WAIT_SECONDS, ...options }: WaitOptions,
): Promise<Operation> {
  const path = `/v1/operations/${encodeURIComponent(operation.id)}`;
  const ended = await untilEnded(
    operation,
    seconds,
    (wait) => request<Operation>({ ...options, method: "GET", path, query: { wait } }),
    ({ status }) => status !== "running",
    ({ phase }) => `The ${operation.kind} of ${operation.environmentId} is still ${phase}`,
    options.signal,
  );
  if (ended.status === "succeeded") return ended;
  throw new OffshootError({
    status: 0,
    reason: ended.failure?.reason ?? ended.status,
    detail: ended.failure?.message ?? `The ${ended.kind} was ${ended.status} by a newer request.`,
  });
}

/**
 * Waits until nothing goes on by itself any more: ready, failed, retired and so on; the caller looks at the phase.
 * `onChange` hears of every phase once. Throws OffshootError `timeout`.
 */
export function waitUntilSettled(
  request: Requester,
  environment: Environment,
  { seconds = WAIT_SECONDS, onChange, ...options }: WaitOptions & { onChange?: (now: Environment) => void },
): Promise<Environment> {
  const path = `/v1/environments/${encodeURIComponent(environment.id)}`;
  let told = "";
  const tell = (now: Environment) => {
    if (now.phase !== told) onChange?.(now);
    told = now.phase;
    return now;
  };
  return untilEnded(
    tell(environment),
    seconds,
    async (wait) => tell(await request<Environment>({ ...options, method: "GET", path, query: { wait } })),
    ({ settled }) => settled,
    ({ phase, id }) => `The database ${id} is still ${phase}`,
    options.signal,
  );
}

async function untilEnded<T>(
  first: T,
  seconds: number,
  look: (wait: string) => Promise<T>,
  isEnded: (now: T) => boolean,
  saying: (now: T) => string,
  signal: AbortSignal | undefined,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (let now = first; ; ) {
    if (isEnded(now)) return now;
    const leftMs = deadline - Date.now();
    if (leftMs <= 0) {
      const detail = `${saying(now)} after ${seconds} s. Wait longer, or look at its events.`;
      throw new OffshootError({ status: 0, reason: "timeout", detail });
    }
    const began = Date.now();
    now = await look(`${Math.min(WAIT_SECONDS_MAX, Math.ceil(leftMs / 1000))}s`);
    const early = LOOK_AGAIN_MS - (Date.now() - began);
    if (!isEnded(now) && early > 0) await sleep(Math.min(early, Math.max(0, deadline - Date.now())), signal);
  }
}
