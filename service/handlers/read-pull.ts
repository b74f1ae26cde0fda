import { Refused } from "../domain/errors.ts";
import type { PullRef } from "../domain/owner.ts";
import type { Context } from "./context.ts";
import { onGitHub } from "./on-github.ts";
import type { Pull, PullTarget } from "./ports.ts";
import type { PendingDelivery, PullRow } from "./ports-store.ts";

/** A pull request as GitHub shows it, and the address under which it does. */
export interface Found {
  readonly target: PullTarget;
  readonly pull: Pull;
}

/** Asks under each address until one shows the pull request. A refusal counts only if no other address shows it. */
export async function readPull(context: Context, targets: readonly PullTarget[]): Promise<Found | null> {
  let refusal: Refused | null = null;
  for (const target of targets) {
    try {
      const pull = await onGitHub(context, target, (github) => github.readPull(target));
      if (pull) return { target, pull };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refusal ??= error;
    }
  }
  if (refusal) throw refusal;
  return null;
}

/** Addresses that are tried: a name changes seldom, and a late delivery must not cost many calls. */
const TARGETS_MAX = 4;

/**
 * The newest delivery knows the installation and the name best; but it is a hint, and a late one has an old name. What
 * was read from GitHub before is the second try, and the other deliveries follow, so that no delivery can make the
 * others miss their pull request.
 */
export function targetsOf(
  ref: PullRef,
  deliveries: readonly PendingDelivery[],
  known: PullRow | null,
): readonly PullTarget[] {
  const [newest = null, ...others] = deliveries.toReversed();
  const targets = new Map<string, PullTarget>();
  for (const address of [newest, known, ...others]) {
    if (!address) continue;
    const { installationId, repositoryName } = address;
    targets.set(`${installationId} ${repositoryName}`, { ...ref, installationId, repositoryName });
  }
  return [...targets.values()].slice(0, TARGETS_MAX);
}
