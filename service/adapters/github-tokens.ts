import { LRUCache } from "lru-cache";
import { APP_PERMISSIONS, grantedPermissions, type InstallationGrants } from "../domain/app-permissions.ts";
import { Refused, Retryable } from "../domain/errors.ts";
import { APP_GRANTS_MS } from "../domain/limits.ts";
import { failureOf, isNotGranted, isRepositoryGone, tokenError } from "./github-error.ts";

/** Installations whose grants are remembered: more than one process is busy with at a time. */
const INSTALLATIONS_MAX = 1_000;

/** The repository that a token is for, by its id or, where that is not known, by its name without the owner. */
export type Scope = { readonly installationId: number } & (
  | { readonly repositoryIds: number[] }
  | { readonly repositoryNames: string[] }
);

type Mint = (
  scope: Scope,
  permissions: Readonly<Record<string, string>>,
  refresh: boolean,
) => Promise<{ readonly token: string }>;

/**
 * Tokens of installations, by `mint`, which keeps them as long as they are good. They are asked for all that is needed;
 * an installation that has not granted all of it gets one for the rest, so that what does not need it goes on.
 */
export function createTokens(
  mint: Mint,
  readGrants: (installationId: number) => Promise<InstallationGrants | null>,
) {
  const known = new LRUCache<number, InstallationGrants>({ max: INSTALLATIONS_MAX, ttl: APP_GRANTS_MS });
  const read = async (installationId: number) => {
    const grants = await readGrants(installationId);
    if (grants) known.set(installationId, grants);
    return grants;
  };
  const attempt = async (scope: Scope, granted: InstallationGrants | undefined, refresh: boolean) => {
    const permissions = granted ? grantedPermissions(granted) : APP_PERMISSIONS;
    return (await mint(scope, permissions, refresh)).token;
  };
  return {
    /** What an installation was granted; null if it is gone. */
    async grants(installationId: number): Promise<InstallationGrants | null> {
      return known.get(installationId) ?? read(installationId);
    },
    /** Null if the repository is not the installation's any more. Throws Retryable and Refused. */
    async token(scope: Scope, refresh: boolean): Promise<string | null> {
      const { installationId } = scope;
      try {
        return await attempt(scope, known.get(installationId), refresh).catch(async (error: unknown) => {
          if (!isNotGranted(failureOf(error))) throw error;
          const granted = await read(installationId);
          return attempt(scope, granted ?? undefined, refresh);
        });
      } catch (error) {
        // From asking for the grants, which has sorted it already.
        if (error instanceof Refused || error instanceof Retryable) throw error;
        const failure = failureOf(error);
        if (isRepositoryGone(failure)) return null;
        throw tokenError(installationId, failure);
      }
    },
  };
}
