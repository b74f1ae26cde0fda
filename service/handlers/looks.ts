import { VERIFY_DEADLINE_MS } from "../domain/limits.ts";
import type { Phase } from "../domain/phase.ts";
import type { Viewed } from "./view.ts";

/** Phases that a later one follows by itself; their text is edited at most once per PROGRESS_EDIT_MS. */
const PASSING: ReadonlySet<Phase> = new Set(["queued", "creating", "migrating", "verifying"]);

/** Whether what is shown now will soon be something else. */
export function isPassing(viewed: readonly Viewed[]): boolean {
  return viewed.every((one) => PASSING.has(one.phase));
}

/** When a verification that goes on begins to be called too long: a state that changes by the clock alone. */
export function verifyDeadline({ phase, cluster }: Viewed): Date | null {
  if (phase !== "verifying" || !cluster?.migrationSince) return null;
  return new Date(cluster.migrationSince.getTime() + VERIFY_DEADLINE_MS + 1);
}

/** The earliest date, or null if there is none. */
export function earliest(...dates: readonly (Date | null)[]): Date | null {
  const times = dates.filter((date) => date !== null).map((date) => date.getTime());
  return times.length > 0 ? new Date(Math.min(...times)) : null;
}
