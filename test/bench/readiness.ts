import { openPull, waitForReport } from "../../local/demo/pull.ts";

const REPOSITORY = "acme/shop";
const AUTHOR = "wendy";
/** The repository has two migrations; this is the third. */
const MIGRATION = `CREATE TABLE invoices (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  customer text NOT NULL,
  cents bigint NOT NULL
);

CREATE INDEX invoices_customer_idx ON invoices (customer);
`;
const READY = /Database ready/;
/** Long enough to show how slow a slow one is, short enough to end. */
const TIMEOUT_MS = 60_000;

/** One pull request from its opening to the comment that says "Database ready", as somebody outside sees it. */
export interface Readiness {
  readonly number: number;
  readonly openedAt: Date;
  readonly ms: number;
}

export interface Watcher {
  /** Opens a pull request and waits for its ready comment. Throws with the comment's text if it does not come. */
  openAndWait(name: string): Promise<Readiness>;
  close(): void;
}

/** Hears of every edited comment at once from the local GitHub's events: asking again and again would slow it down. */
export async function createWatcher(pageUrl: string): Promise<Watcher> {
  const listeners = new Map<number, () => void>();
  const abort = new AbortController();
  const events = await fetch(`${pageUrl}/_local/events`, { signal: abort.signal });
  if (!events.body) throw new Error(`${pageUrl} sends no events`);
  const listening = listen(events.body, (number) => listeners.get(number)?.());
  listening.catch(() => {});
  return {
    async openAndWait(name) {
      const openedAt = new Date();
      const begun = performance.now();
      const files = { [`migrations/0003_invoices.sql`]: MIGRATION };
      const pull = await openPull(pageUrl, REPOSITORY, { author: AUTHOR, title: name, branch: name, files });
      const changed = Promise.withResolvers<number>();
      const look = async () => {
        const report = await pull.report();
        if (report && READY.test(report.body)) changed.resolve(performance.now() - begun);
      };
      const lookOrFail = () => void look().catch(changed.reject);
      listeners.set(pull.number, lookOrFail);
      lookOrFail();
      const late = setTimeout(() => {
        waitForReport(pull, READY, 0).catch(changed.reject);
      }, TIMEOUT_MS);
      try {
        return { number: pull.number, openedAt, ms: await changed.promise };
      } finally {
        clearTimeout(late);
        listeners.delete(pull.number);
      }
    },
    close: () => abort.abort(),
  };
}

async function listen(body: ReadableStream<Uint8Array>, changed: (number: number) => void): Promise<void> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const messages = text.split("\n\n");
    text = messages.pop() ?? "";
    for (const message of messages) {
      const { event, number } = JSON.parse(/^data: (.*)$/m.exec(message)?.[1] ?? "{}");
      if (event === "issue_comment") changed(Number(number));
    }
  }
}
