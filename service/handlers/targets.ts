import type { Environment } from "../domain/environment.ts";
import { parseBranchKey } from "../domain/owner.ts";
import type { RepositoryTarget } from "./ports.ts";
import type { StoreReads, Wake } from "./ports-store.ts";

/** The repository that an environment belongs to; null for a customer, or if nothing is known of it (any more). */
export async function repositoryOf(
  store: StoreReads,
  environment: Environment,
): Promise<RepositoryTarget | null> {
  const { kind, pullKey, ownerKey, repositoryId } = environment;
  if (kind === "pull") return pullKey === null ? null : store.pull(pullKey);
  const host = parseBranchKey(ownerKey.slice(0, ownerKey.lastIndexOf(":")))?.host;
  return host === undefined || repositoryId === null ? null : store.repository(host, repositoryId);
}

/** Wakes whoever tells people of a change: a pull request has a comment, other owners ask the API. */
export function reportWakes(environment: Environment, dueAt: Date): readonly Wake[] {
  return environment.pullKey === null ? [] : [{ topic: "report", key: environment.pullKey, dueAt }];
}
