/** Which clusters wait for a person, for those who look from outside a pull request. */
import type { Cluster } from "./cluster.ts";

/** What does not mend itself, or has lasted too long; a full quota and the like are waited for. */
const NEEDS_A_PERSON: ReadonlySet<string> = new Set([
  ...["create_refused", "create_rolled_back", "create_slow", "unexpected_status"],
  ...["protected", "remove_blocked", "remove_slow", "stack_stuck", "update_failed"],
]);
/** The first of them tell what is wrong; the rest is nearly always the same. */
const SHOWN_MAX = 5;

/** One line on each of the first, with AWS' own words; null if all get on. */
export function troubledText(rows: readonly Cluster[]): string | null {
  const troubled = rows.filter(({ status, reason }) => status !== "gone" && NEEDS_A_PERSON.has(reason ?? ""));
  if (troubled.length === 0) return null;
  const lines = troubled.slice(0, SHOWN_MAX).map(({ id, environmentId, stack, reason, trouble }) => {
    const place = stack === null ? "" : `, stack ${stack}`;
    const says = trouble === null ? "" : `; AWS says: ${trouble}`;
    return `${id} of ${environmentId}${place}: ${reason}${says}`;
  });
  const more = troubled.length - lines.length;
  return `${troubled.length} of ${rows.length} do not get on. ${lines.join(" | ")}${more > 0 ? ` | and ${more} more` : ""}`;
}
