import { Refused } from "../domain/errors.ts";
import type { DeliveryAttempt, FailedPage, Redelivery } from "../handlers/ports.ts";
import { createGitHubClient, type GitHubClient, type GitHubOptions } from "./github-client.ts";

/** The deliveries of the App, read and asked for with its own key (github.md 1.5). */
export function createRedelivery(options: GitHubOptions): Redelivery {
  const client = createGitHubClient(options);
  return {
    appId: options.appId,
    failed: (count, cursor) => readFailed(client, count, cursor),
    async again(attemptId) {
      try {
        return await askAgain(client, attemptId);
      } catch (error) {
        // Anything but our own key's trouble is about this one attempt, and must not keep the others waiting.
        if (error instanceof Refused && error.reason !== "app_credentials") return "refused";
        throw error;
      }
    },
  };
}

/**
 * Asks for another attempt with the same GUID. In: the id as text, because GitHub's ids have more digits than a number
 * holds since February 2026 (octokit/request.js#797), and the types of the route want a number.
 */
export async function askAgain(client: GitHubClient, attemptId: string): Promise<"asked" | "absent"> {
  const response = await client.callAsApp(`delivery ${attemptId}`, async (request) => {
    const { status } = await request(`POST /app/hook/deliveries/${attemptId}/attempts`);
    // Whatever it says: accepted is done, and doing it again is not harmless.
    return { status, data: {} };
  });
  return response ? "asked" : "absent";
}

/**
 * One page. GitHub's filter `status=failure` (openapi-types, apps/list-webhook-deliveries) is by status code, 400 to 599,
 * which no answer at all has too. A GitHub Enterprise Server that does not know it lists the successes as well.
 */
async function readFailed(
  client: GitHubClient,
  count: number,
  cursor: string | null,
): Promise<FailedPage | null> {
  const query = { per_page: count, status: "failure" as const, ...(cursor === null ? {} : { cursor }) };
  const response = await client
    .callAsApp("the App's deliveries", (request) => request("GET /app/hook/deliveries", query))
    .catch((error: unknown) => {
      if (cursor !== null && error instanceof Refused && error.reason === "invalid_request") return null;
      throw error;
    });
  if (!response && cursor !== null) return null;
  const listed = response?.data ?? [];
  const attempts = listed.flatMap(
    ({ id, guid, event, delivered_at, status, status_code, redelivery }): DeliveryAttempt[] => {
      if (status === "OK") return [];
      const at = new Date(delivered_at);
      return [{ id: String(id), guid, event, at, statusCode: status_code, isRepeat: redelivery }];
    },
  );
  const oldest = listed.at(-1)?.delivered_at;
  return {
    attempts,
    next: nextCursor(response?.headers.link),
    oldest: oldest === undefined ? null : new Date(oldest),
    now: timeOf(response?.headers.date),
  };
}

/** The cursor of the next page, from the header Link. */
function nextCursor(link: string | undefined): string | null {
  const next = /<([^>]+)>;\s*rel="next"/.exec(link ?? "")?.[1];
  return next && URL.canParse(next) ? new URL(next).searchParams.get("cursor") : null;
}

function timeOf(text: string | undefined): Date | null {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? null : new Date(time);
}
