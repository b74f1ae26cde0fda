/** How a request ends an environment, and how it brings one back. */
import { type Environment, untilAgain } from "../domain/environment.ts";
import { Refused } from "../domain/errors.ts";
import { type Change, isRestorable, protectClusters } from "./api-write.ts";
import type { ApiContext } from "./ports-api.ts";
import type { EnvironmentChange, StoreTransaction } from "./ports-store.ts";

/** Wanted again, from now on. */
export function presentAgain(found: Environment, now: Date): EnvironmentChange {
  return {
    wanted: "present",
    wantedReason: "api_create",
    generation: found.generation + 1,
    revision: found.revision + 1,
    wantedAt: now,
    presentSince: now,
    endedAt: null,
    queuedAt: null,
  };
}

/** The end that somebody asked for. */
export function endOf(found: Environment, now: Date): Change {
  return {
    columns: {
      wanted: "absent",
      wantedReason: "api_destroy",
      generation: found.generation + 1,
      revision: found.revision + 1,
      wantedAt: now,
      queuedAt: null,
      endedAt: found.servingId ? null : found.endedAt,
    },
    event: "deleted",
  };
}

/**
 * Throws Refused unless the data is still there. A customer that was ever protected is so again: whoever deletes it lifts
 * that first, and after a mistake the safe state is the better one.
 */
export async function restoreOf(
  context: ApiContext,
  tx: StoreTransaction,
  found: Environment,
  now: Date,
): Promise<Change> {
  if (found.wanted === "present")
    throw new Refused("not_restorable", "It was not deleted, so nothing is restored.");
  if (!(await isRestorable(context, tx, found))) {
    throw new Refused("not_restorable", "Its data is gone, or on its way out. Make a new one.");
  }
  const until = untilAgain(found, now, context.policy.idleMs);
  if (found.wasProtected) await protectClusters(tx, found, true);
  return {
    columns: { ...presentAgain(found, now), until, protected: found.wasProtected },
    event: "restore_asked",
  };
}
