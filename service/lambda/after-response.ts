import { get } from "node:http";

/**
 * Work that a response does not wait for. Lambda freezes a function once its response is sent, unless an extension is
 * still busy: this registers the process itself as one (an internal extension, Lambda's Extensions API), which is done
 * with an invocation only when its last work is. Without that API the handler waits itself, so nothing is ever lost.
 */
export interface AfterResponse {
  /** Begins nothing: takes a promise that is under way. A rejection is its maker's to tell. */
  add(work: Promise<void>): void;
  /** Runs one invocation; its response goes out at once, whatever was added to it. */
  during<T>(invoke: () => Promise<T>): Promise<T>;
}

const API = "2020-01-01/extension";
const NAME = "after-response";
/** The API is on the same machine: what fails three times in a row will not come back. */
const TRIES_MAX = 3;
const WAIT_MS = 50;

/**
 * `runtimeApi`: host and port, as Lambda says in AWS_LAMBDA_RUNTIME_API. To be called while the function starts.
 * `onBroken`: an extension that asks for no more invocations would hold up each of them until its time-out, so a process
 * that cannot ask ends, and Lambda starts another one.
 */
export async function createAfterResponse(
  runtimeApi: string | undefined,
  onBroken: () => void = () => process.exit(1),
): Promise<AfterResponse> {
  const pending = new Set<Promise<void>>();
  const settled = async () => {
    while (pending.size > 0) await Promise.allSettled(pending);
  };
  const add = (work: Promise<void>) => {
    const one: Promise<void> = work.catch(() => {}).finally(() => void pending.delete(one));
    pending.add(one);
  };
  const extension = runtimeApi ? await register(runtimeApi).catch(() => null) : null;
  if (!extension) {
    return {
      add,
      async during(invoke) {
        try {
          return await invoke();
        } finally {
          await settled();
        }
      },
    };
  }
  const turns = createTurns();
  const done = async () => {
    await turns.ended();
    await settled();
  };
  void followInvocations(extension, done, onBroken);
  return {
    add,
    async during(invoke) {
      try {
        return await invoke();
      } finally {
        turns.end();
      }
    },
  };
}

interface Extension {
  /** Resolves when the next invocation has begun, and tells Lambda that this one is done with the last. */
  next(): Promise<void>;
}

async function register(runtimeApi: string): Promise<Extension> {
  const answer = await fetch(`http://${runtimeApi}/${API}/register`, {
    method: "POST",
    headers: { "content-type": "application/json", "lambda-extension-name": NAME },
    body: JSON.stringify({ events: ["INVOKE"] }),
  });
  const id = answer.headers.get("lambda-extension-identifier");
  if (!answer.ok || !id) throw new Error(`Lambda answered ${answer.status} to the extension.`);
  return { next: () => askNext(runtimeApi, id) };
}

/** By node:http, because `fetch` gives up after five minutes, and an idle function is frozen for longer than that. */
function askNext(runtimeApi: string, id: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "lambda-extension-identifier": id };
    const request = get(`http://${runtimeApi}/${API}/event/next`, { headers }, (answer) => {
      answer.resume();
      answer.once("error", reject);
      answer.once("end", () => {
        if (answer.statusCode === 200) resolve();
        else reject(new Error(`Lambda answered ${answer.statusCode} to the extension.`));
      });
    });
    request.once("error", reject);
  });
}

/** For each invocation that Lambda tells of: waits until it is done, then asks for the next one. */
async function followInvocations(
  extension: Extension,
  done: () => Promise<void>,
  onBroken: () => void,
): Promise<void> {
  for (let failures = 0; failures < TRIES_MAX; ) {
    try {
      await extension.next();
      failures = 0;
      await done();
    } catch {
      failures += 1;
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
  }
  onBroken();
}

/** Counts ended invocations, because Lambda may tell of one before or after its handler runs. */
function createTurns(): { end(): void; ended(): Promise<void> } {
  let ends = 0;
  let waiting: (() => void) | null = null;
  return {
    end() {
      ends += 1;
      waiting?.();
    },
    async ended() {
      if (ends === 0) await new Promise<void>((resolve) => (waiting = resolve));
      waiting = null;
      ends -= 1;
    },
  };
}
