import { missingGrantsText } from "../domain/app-permissions.ts";
import { APP_GRANTS_MS } from "../domain/limits.ts";
import type { Clock, Log } from "./ports.ts";
import type { AppKey, Apps } from "./ports-setup.ts";

/**
 * What the GitHub App lacks, as one line; null if nothing, or while GitHub has not said. Answers at once from what is
 * known, asks GitHub again when that is old, and logs the line when it changes.
 */
export function watchApp(
  { apps, clock, log }: { readonly apps: Pick<Apps, "grants">; readonly clock: Clock; readonly log: Log },
  app: AppKey,
): () => string | null {
  let known: string | null = null;
  let askedAt = Number.NEGATIVE_INFINITY;
  const ask = async () => {
    const grants = await apps.grants(app);
    const text = grants && missingGrantsText(grants);
    if (text !== known && text !== null) log.warn({}, text);
    if (text !== known && text === null) log.info({}, "the GitHub App has every permission again");
    known = text;
  };
  return () => {
    const now = clock.now().getTime();
    if (now - askedAt >= APP_GRANTS_MS) {
      askedAt = now;
      ask().catch((error: unknown) =>
        log.warn({ cause: String(error) }, "the GitHub App's permissions could not be read"),
      );
    }
    return known;
  };
}
