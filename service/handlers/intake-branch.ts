import { type Environment, untilAgain } from "../domain/environment.ts";
import { Retryable } from "../domain/errors.ts";
import { PULL_TRIES_MAX } from "../domain/limits.ts";
import type { BranchRef } from "../domain/owner.ts";
import { type Context, newId } from "./context.ts";
import { onGitHub } from "./on-github.ts";
import type { RepositoryTarget } from "./ports.ts";
import type { EnvironmentChange, PendingDelivery, StoreTransaction } from "./ports-store.ts";
import type { Step } from "./step.ts";

/** Where GitHub showed the repository, and the head of the git branch there; null if the branch is gone. */
interface Seen {
  readonly target: RepositoryTarget;
  readonly sha: string | null;
}

/**
 * Applies all waiting pushes to one git branch at once: only what GitHub has now counts. Most branches have no
 * environment, and then GitHub is not asked.
 */
export async function intakeBranch(
  context: Context,
  step: Step,
  branch: BranchRef,
  deliveries: readonly PendingDelivery[],
  again: Date | null,
): Promise<void> {
  const { store } = context;
  const now = context.clock.now();
  const environments = await store.environmentsOfBranch(step.key);
  const isPlain = environments.every(({ endedAt }) => endedAt !== null);
  if (isPlain) {
    return step.commit(again, (tx) => tx.handleDeliveries(deliveries, "no_environment", now));
  }
  const seen = await look(context, branch, deliveries);
  if (!seen && step.attempts < PULL_TRIES_MAX) {
    throw new Retryable("repository_not_found", `GitHub does not show ${step.key} (yet).`);
  }
  await step.commit(again, async (tx) => {
    await tx.handleDeliveries(deliveries, seen ? "applied" : "repository_not_found", now);
    if (!seen) return;
    await tx.putRepository(seen.target, now);
    for (const environment of await tx.environmentsOfBranch(step.key)) {
      await apply(context, tx, environment, seen.sha, now);
    }
  });
}

async function look(
  context: Context,
  branch: BranchRef,
  deliveries: readonly PendingDelivery[],
): Promise<Seen | null> {
  const known = await context.store.repository(branch.host, branch.repositoryId);
  // The newest delivery knows the name best; what was read from GitHub before is the second try.
  const newest = deliveries.at(-1);
  for (const address of [newest, known]) {
    if (!address) continue;
    const { installationId, repositoryName } = address;
    const target: RepositoryTarget = { ...branch, installationId, repositoryName };
    const head = await onGitHub(context, target, (github) => github.readBranch(target, branch.gitBranch));
    if (head) return { target, sha: head.sha };
  }
  // A 404 says as much of a repository that we cannot see as of a branch that is gone.
  const name = newest?.repositoryName ?? known?.repositoryName;
  const found = name === undefined ? null : await context.github.findRepository(name);
  return found?.repositoryId === branch.repositoryId && found.host === branch.host
    ? { target: found, sha: null }
    : null;
}

async function apply(
  context: Context,
  tx: StoreTransaction,
  environment: Environment,
  sha: string | null,
  now: Date,
): Promise<void> {
  const change = changeOf(context, environment, sha, now);
  if (!change || environment.endedAt) return;
  const generation = environment.generation + 1;
  await tx.updateEnvironment(environment, { ...change, generation, wantedAt: now });
  const detail = `${change.wanted ?? environment.wanted} ${change.wantedReason ?? environment.wantedReason} ${sha ?? ""}`;
  const id = newId(context, "evt");
  await tx.addEvent({
    environmentId: environment.id,
    ...{ id, at: now, kind: "wanted", actor: null, detail: detail.trim() },
  });
  await tx.wake([{ topic: "environment", key: environment.id, dueAt: now }], now);
}

/** Null if nothing changed. A branch that is pushed again within the grace has its data back, and time to use it. */
function changeOf(
  { policy }: Context,
  environment: Environment,
  sha: string | null,
  now: Date,
): EnvironmentChange | null {
  const { wanted, wantedReason, headSha, servingId } = environment;
  if (wanted === "present") {
    if (sha === null) {
      const endedAt = servingId ? null : environment.endedAt;
      return { wanted: "absent", wantedReason: "branch_deleted", queuedAt: null, endedAt };
    }
    return sha === headSha ? null : { headSha: sha };
  }
  if (sha === null || wantedReason !== "branch_deleted") return null;
  const until = untilAgain(environment, now, policy.idleMs);
  return { wanted: "present", wantedReason: "api_create", headSha: sha, presentSince: now, until };
}
