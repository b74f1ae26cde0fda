/** What a person does on the local GitHub, over its local API. */

export interface ShownComment {
  readonly id: number;
  readonly author: string;
  readonly isApp: boolean;
  readonly body: string;
  readonly reactions: Readonly<Record<string, readonly string[]>>;
}

export interface ShownCheck {
  readonly status: string;
  readonly conclusion: string | null;
  readonly title: string;
}

export interface PullClient {
  readonly number: number;
  push(author: string, files: Readonly<Record<string, string | null>>): Promise<void>;
  close(author: string): Promise<void>;
  reopen(author: string): Promise<void>;
  comment(author: string, body: string): Promise<number>;
  comments(): Promise<readonly ShownComment[]>;
  /** The newest check runs of its head. */
  checks(): Promise<readonly ShownCheck[]>;
  /** The App's one comment; throws if there are two. */
  report(): Promise<ShownComment | null>;
}

/** How often the conversation is read while waiting. */
const LOOK_MS = 25;

/** Opens a pull request with files on a new branch. */
export async function openPull(
  pageUrl: string,
  repository: string,
  request: {
    readonly author: string;
    readonly title: string;
    readonly branch: string;
    readonly files: Readonly<Record<string, string>>;
  },
): Promise<PullClient> {
  const pulls = `${pageUrl}/_local/repositories/${repository}/pulls`;
  const { number } = await post<{ number: number }>(pulls, request);
  return pullClient(pageUrl, repository, number);
}

/** The same for a pull request that exists. */
export function pullClient(pageUrl: string, repository: string, number: number): PullClient {
  const url = `${pageUrl}/_local/repositories/${repository}/pulls/${number}`;
  const comments = async () => (await get<{ comments: ShownComment[] }>(url)).comments;
  return {
    number,
    push: (author, files) => post(`${url}/push`, { author, files }),
    close: (author) => post(`${url}/close`, { author }),
    reopen: (author) => post(`${url}/reopen`, { author }),
    comment: async (author, body) => (await post<{ id: number }>(`${url}/comments`, { author, body })).id,
    comments,
    checks: async () => (await get<{ checks: ShownCheck[] }>(url)).checks,
    async report() {
      const ours = (await comments()).filter((comment) => comment.isApp);
      if (ours.length > 1) throw new Error(`Pull request ${number} has ${ours.length} comments by the App.`);
      return ours[0] ?? null;
    },
  };
}

/** Waits until `see` gives a value; throws with `last` when the time is over. */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  see: () => Promise<T | null>,
  last: () => Promise<string>,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await see();
    if (value !== null) return value;
    if (performance.now() > end)
      throw new Error(`${what} did not happen within ${timeoutMs / 1000} s. ${await last()}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Waits until the App's comment matches. */
export function waitForReport(pull: PullClient, pattern: RegExp, timeoutMs = 60_000): Promise<ShownComment> {
  return waitFor(
    `a comment like ${pattern}`,
    timeoutMs,
    async () => {
      const report = await pull.report();
      return report && pattern.test(report.body) ? report : null;
    },
    async () => `The comment is now:\n${(await pull.report())?.body ?? "(none)"}`,
  );
}

/** Waits until the App's check run of the head has ended so. */
export function waitForCheck(pull: PullClient, conclusion: string, timeoutMs = 60_000): Promise<ShownCheck> {
  return waitFor(
    `a check run that ends as ${conclusion}`,
    timeoutMs,
    async () => (await pull.checks()).find((one) => one.conclusion === conclusion) ?? null,
    async () => JSON.stringify(await pull.checks()),
  );
}

async function post<T>(url: string, body: unknown): Promise<T> {
  return answer(
    url,
    await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  );
}

async function get<T>(url: string): Promise<T> {
  return answer(url, await fetch(url));
}

async function answer<T>(url: string, response: Response): Promise<T> {
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 500)}`);
  return (text ? JSON.parse(text) : {}) as T;
}
