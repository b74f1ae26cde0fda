import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LocalGitHubReady } from "../../local/github/main.ts";
import { type Flags, startLocal } from "./local-process.ts";

export interface LocalGitHubOptions {
  /** Where the App's key is written; by default a directory of its own, removed by `stop`. */
  directory?: string;
  /** Further flags of local/github/main.ts, e.g. `{ "webhook-url": "http://…" }`. */
  flags?: Flags;
}

export interface LocalGitHub {
  ready: LocalGitHubReady;
  /** What people do: `call("POST", "/repositories/acme/shop/pulls", {…})`, below `/_local`. Throws what it refuses. */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Listens to `/_local/events`; resolves once it does. */
  listen(): Promise<Listener>;
  /** Ends the process in order. Out: its exit code. */
  stop(): Promise<number | null>;
}

export interface Message {
  readonly event: string;
  readonly action?: string;
  readonly repository?: string;
  readonly number?: number;
  readonly gitBranch?: string;
  /** Of a `delivery`: the name of the event that was sent. */
  readonly delivered?: string;
}

export interface Listener {
  /** Waits for a message that fits, among those since listening began. */
  next(fits: (message: Message) => boolean): Promise<Message>;
  close(): void;
}

/** With this variable every local GitHub of the tests records into the file, for scripts/check-openapi. */
const recordFile = process.env["OFFSHOOT_RECORD_GITHUB"];
const recording = recordFile ? { record: recordFile } : {};

/** Starts the local GitHub as a process of its own. Throws with what it said when it does not get ready. */
export async function startLocalGitHub(options: LocalGitHubOptions = {}): Promise<LocalGitHub> {
  const { flags = {} } = options;
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "offshoot-github-")));
  const clean = async () => {
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  };
  const local = await startLocal<LocalGitHubReady>("github", { directory, ...recording, ...flags }).catch(
    async (error: unknown) => {
      await clean();
      throw error;
    },
  );
  const { ready } = local;
  return {
    ready,
    call: (method, path, body) => callLocal(ready, method, path, body),
    listen: () => listen(`${ready.pageUrl}/_local/events`),
    async stop() {
      const code = await local.stop();
      await clean();
      return code;
    },
  };
}

/** What a runner tells a job. */
export type JobVariables = Readonly<Record<string, string>>;

/** Starts a job: `startJob(local, { event: "pull_request", number: 1 })`. */
export function startJob(local: LocalGitHub, body: object, repository = "acme/shop"): Promise<JobVariables> {
  return local.call("POST", `/repositories/${repository}/jobs`, body);
}

/** Asks for the OIDC token of a job, as the job does. */
export async function idTokenOf(job: JobVariables, audience?: string): Promise<string> {
  const query = audience === undefined ? "" : `&audience=${encodeURIComponent(audience)}`;
  const authorization = `bearer ${job["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]}`;
  const answer = await fetch(`${job["ACTIONS_ID_TOKEN_REQUEST_URL"]}${query}`, {
    headers: { authorization },
  });
  if (!answer.ok) throw new Error(`The issuer answered ${answer.status}: ${await answer.text()}`);
  return ((await answer.json()) as { value: string }).value;
}

/** What people do at a local GitHub: see `call` of LocalGitHub. */
export async function callLocal<T>(
  { pageUrl }: Pick<LocalGitHubReady, "pageUrl">,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  const url = `${pageUrl}/_local${path}`;
  const json = { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(url, { method, ...(body === undefined ? {} : json) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url} answered ${answer.status}: ${text.slice(0, 500)}`);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

async function listen(url: string): Promise<Listener> {
  const closing = new AbortController();
  const { body } = await fetch(url, { signal: closing.signal });
  const seen: Message[] = [];
  let look = () => {};
  const read = async () => {
    let text = "";
    for await (const piece of body ?? []) {
      const lines = (text + Buffer.from(piece).toString("utf8")).split("\n");
      text = lines.pop() ?? "";
      for (const one of lines) if (one.startsWith("data: ")) seen.push(JSON.parse(one.slice(6)) as Message);
      look();
    }
  };
  read().catch(() => undefined);
  return {
    next: (fits) =>
      new Promise((resolve) => {
        look = () => {
          const at = seen.findIndex(fits);
          if (at >= 0) resolve(...(seen.splice(at, 1) as [Message]));
        };
        look();
      }),
    close: () => closing.abort(),
  };
}
