import type { Environment } from "../domain/environment.ts";
import { parseBranchKey, parsePullKey } from "../domain/owner.ts";
import type { RepositoryTarget } from "./ports.ts";
import type { StoreReads, Wake } from "./ports-store.ts";

/** The repository that an environment belongs to; null for a customer, or if nothing is known of it (any more). */
export async function repositoryOf(
  store: StoreReads,
  environment: Environment,
): Promise<RepositoryTarget | null> {
  const { kind, pullKey, repositoryId } = environment;
  if (kind === "pull") return pullKey === null ? null : store.pull(pullKey);
  return repositoryId === null ? null : store.repository(hostOf(environment), repositoryId);
}

/** The GitHub host of a preview; empty for a customer. */
export function hostOf({ kind, pullKey, ownerKey }: Environment): string {
  if (kind === "pull") return parsePullKey(pullKey ?? "")?.host ?? "";
  // The owner's key of a git branch is the branch's key and the database's name.
  return kind === "branch" ? (parseBranchKey(ownerKey.slice(0, ownerKey.lastIndexOf(":")))?.host ?? "") : "";
}

/** Wakes whoever tells people of a change: a pull request has a comment and a check run, other owners ask the API. */
export function reportWakes({ pullKey }: Pick<Environment, "pullKey">, dueAt: Date): readonly Wake[] {
  if (pullKey === null) return [];
  return [
    { topic: "report", key: pullKey, dueAt },
    { topic: "check", key: pullKey, dueAt },
  ];
}
