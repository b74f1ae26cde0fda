import type { DeliveryAttempt, Redelivery } from "../handlers/ports.ts";
import { createGitHubClient, type GitHubClient, type GitHubOptions } from "./github-client.ts";

/** The most that GitHub gives per page, and pages that one look reads: more failures than that are an outage of hours. */
const PAGE = 100;
const PAGES_MAX = 5;

/** The deliveries of the App, read and asked for with its own key (github.md 1.5). */
export function createRedelivery(options: GitHubOptions): Redelivery {
  const client = createGitHubClient(options);
  return {
    appId: options.appId,
    failed: (since) => readFailed(client, since),
    async again(attemptId) {
      const path = { delivery_id: attemptId };
      const response = await client.callAsApp(`delivery ${attemptId}`, (request) =>
        request("POST /app/hook/deliveries/{delivery_id}/attempts", path),
      );
      return response ? "asked" : "absent";
    },
  };
}

async function readFailed(client: GitHubClient, since: Date): Promise<readonly DeliveryAttempt[]> {
  const failed: DeliveryAttempt[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const query = { per_page: PAGE, ...(cursor ? { cursor } : {}) };
    const response = await client.callAsApp("the App's deliveries", (request) =>
      request("GET /app/hook/deliveries", query),
    );
    for (const { id, guid, event, delivered_at, status } of response?.data ?? []) {
      const at = new Date(delivered_at);
      if (at <= since) return failed;
      if (status !== "OK") failed.push({ id: Number(id), guid, event, at });
    }
    cursor = nextCursor(response?.headers.link);
    if (!cursor) break;
  }
  return failed;
}

/** The cursor of the next page, from the header Link. */
function nextCursor(link: string | undefined): string | undefined {
  const next = /<([^>]+)>;\s*rel="next"/.exec(link ?? "")?.[1];
  return next && URL.canParse(next) ? (new URL(next).searchParams.get("cursor") ?? undefined) : undefined;
}
