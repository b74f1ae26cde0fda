import type { Environment } from "../domain/environment.ts";
import { Retryable } from "../domain/errors.ts";
import {
  type Offer,
  offerRebuild,
  offerSlot,
  type SlotCensus,
  slotLimit,
  type Waiting,
} from "../domain/slots.ts";
import type { Context } from "./context.ts";

/** An offer with what it was based on; the intent must take the same `regionVersion`, or be offered again. */
export interface Offered {
  readonly offer: Offer;
  readonly regionVersion: number;
  readonly census: SlotCensus;
  /** Creates are under way: each may be counted twice for a moment, as an intent of ours and as a cluster at AWS. */
  readonly settling: boolean;
}

/**
 * Counts slots, at AWS and in the store, and offers one to the environment or a place in the queue. `foreign`: what a
 * list of a moment ago said of the clusters of others; then AWS is not asked again.
 */
export async function readOffer(
  context: Context,
  environment: Environment,
  foreign?: number,
): Promise<Offered> {
  const { store, policy } = context;
  const { census, regionVersion, settling } = await readCensus(context, foreign);
  if (environment.servingId) return { offer: offerRebuild(census), regionVersion, census, settling };
  const [waiting, holdings] = [await store.waiting(), await store.holdings()];
  const offer = offerSlot(asWaiting(environment), ahead(environment, waiting), holdings, policy.caps, census);
  return { offer, regionVersion, census, settling };
}

/** Counts the slots, at AWS and in the store. */
export async function readCensus(context: Context, foreign?: number): Promise<Omit<Offered, "offer">> {
  const { store, policy } = context;
  const listed = foreign === undefined ? await countListed(context) : null;
  const rows = await store.slotRows(policy.account, policy.region);
  const census: SlotCensus = {
    maxClusters: policy.maxClusters,
    quota: policy.quota,
    reserve: policy.reserve,
    foreign: listed === null ? (foreign ?? 0) : Math.max(0, listed - rows.oursWithId),
    ours: rows.ours,
  };
  const { regionVersion } = rows;
  const settling = rows.ours > rows.oursWithId;
  return { regionVersion, census, settling };
}

async function countListed({ control, policy }: Context): Promise<number> {
  const listed = await control.count();
  if (listed !== null) return listed;
  const text = `The clusters in ${policy.region} could not be counted; trying again.`;
  throw new Retryable("aws_unavailable", text);
}

/** The number of slots that previews have in all. */
export function slotsInAll(offered: Offered): number {
  return slotLimit(offered.census);
}

function asWaiting(environment: Environment): Waiting {
  const { id, author, repositoryId } = environment;
  return { environmentId: id, author, repositoryId };
}

/** Those that began to wait before this one; all of them, if it does not wait yet. */
function ahead(environment: Environment, waiting: readonly Waiting[]): readonly Waiting[] {
  const place = waiting.findIndex((other) => other.environmentId === environment.id);
  return place < 0 ? waiting : waiting.slice(0, place);
}
