import { Retryable } from "../domain/errors.ts";
import type { BaseContext } from "./context.ts";
import type { GitHub, RepositoryTarget } from "./ports.ts";
import { later, refusePaused } from "./step.ts";

/**
 * Calls GitHub for an installation, unless GitHub asked that installation to wait. A rate limit met now pauses it for
 * everybody, not only for this key.
 */
export async function onGitHub<T>(
  context: BaseContext,
  target: Pick<RepositoryTarget, "host" | "installationId">,
  call: (github: GitHub) => Promise<T>,
): Promise<T> {
  const { store, github } = context;
  const until = await store.installationPause(target.host, target.installationId);
  refusePaused(context, until, `GitHub installation ${target.installationId}`);
  try {
    return await call(github);
  } catch (error) {
    if (error instanceof Retryable && error.pauses === "installation" && error.afterMs !== undefined) {
      const paused = later(context, error.afterMs);
      await store.transaction((tx) => tx.pauseInstallation(target.host, target.installationId, paused));
    }
    throw error;
  }
}
