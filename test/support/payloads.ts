/** Webhook payloads that @octokit/webhooks-examples lacks, reduced to what anybody reads of them. */

const repository = { id: 77, full_name: "acme/shop", name: "shop", owner: { login: "acme", id: 7 } };
const installation = { id: 5001 };
const user = (login: string, type = "User") => ({ login, id: 900 + login.length, type });

export interface PullOptions {
  readonly action?: string;
  readonly number?: number;
  readonly author?: string;
  readonly headRepositoryId?: number | null;
  readonly merged?: boolean;
  readonly changes?: unknown;
}

export function pullPayload(options: PullOptions = {}): Record<string, unknown> {
  const { action = "opened", number = 42, author = "wendy", headRepositoryId = 77, merged = false } = options;
  const head = headRepositoryId === null ? null : { id: headRepositoryId };
  return {
    action,
    number,
    pull_request: {
      number,
      state: action === "closed" ? "closed" : "open",
      merged,
      user: user(author),
      head: { sha: "a".repeat(40), ref: "topic", repo: head },
      base: { sha: "b".repeat(40), ref: "main", repo: { id: 77 } },
    },
    repository,
    installation,
    sender: user(author),
    ...(options.changes === undefined ? {} : { changes: options.changes }),
  };
}

export interface CommentOptions {
  readonly action?: string;
  readonly body?: string;
  readonly author?: string;
  readonly bot?: boolean;
  readonly onIssue?: boolean;
  readonly id?: number;
}

export function commentPayload(options: CommentOptions = {}): Record<string, unknown> {
  const {
    action = "created",
    body = "/db status",
    author = "wendy",
    bot = false,
    onIssue = false,
    id = 31,
  } = options;
  const who = user(author, bot ? "Bot" : "User");
  return {
    action,
    issue: { number: 42, state: "open", ...(onIssue ? {} : { pull_request: { html_url: "x" } }) },
    comment: { id, body, user: who },
    repository,
    installation,
    sender: who,
  };
}
