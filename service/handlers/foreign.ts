/** The clusters of others: what AWS lists, less what a row of ours has. */
import { Retryable } from "../domain/errors.ts";
import { FOREIGN_TRUST_MS } from "../domain/limits.ts";
import type { Context } from "./context.ts";
import type { ClusterControl } from "./ports.ts";

interface Listing {
  readonly until: number;
  readonly identifiers: Promise<readonly string[]>;
}

/** One list for all steps of a process: listing takes far longer than counting, and grows with the account. */
const listings = new WeakMap<ClusterControl, Listing>();

type ForeignContext = Pick<Context, "store" | "control" | "clock" | "policy">;

/**
 * Identifiers of clusters that no row of ours has, as of a list that began at most FOREIGN_TRUST_MS ago. One of ours whose
 * create has not been written down yet is among them until its row has it: count with `slotRows`. Throws Retryable
 * `aws_unavailable`.
 */
export async function readForeign(context: ForeignContext): Promise<readonly string[]> {
  const now = context.clock.now().getTime();
  const known = listings.get(context.control);
  if (known && now < known.until) return known.identifiers;
  const identifiers = list(context);
  const listing = { until: now + FOREIGN_TRUST_MS, identifiers };
  listings.set(context.control, listing);
  // Nobody shares a failure that is over.
  identifiers.catch(() => {
    if (listings.get(context.control) === listing) listings.delete(context.control);
  });
  return identifiers;
}

async function list({ control, store, policy }: ForeignContext): Promise<readonly string[]> {
  const listed = await control.identifiers();
  if (!listed) {
    const text = `The clusters in ${policy.region} could not be counted; trying again.`;
    throw new Retryable("aws_unavailable", text);
  }
  const ours = await store.knownIdentifiers(listed);
  return listed.filter((identifier) => !ours.has(identifier));
}
