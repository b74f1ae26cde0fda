import type { Environment } from "../domain/environment.ts";
import {
  type Offer,
  offerRebuild,
  offerSlot,
  type SlotCensus,
  slotLimit,
  type Waiting,
} from "../domain/slots.ts";
import type { BaseContext, Context } from "./context.ts";
import { readForeign } from "./foreign.ts";

/** An offer with what it was based on; the intent must take the same `regionVersion`, or be offered again. */
export interface Offered {
  readonly offer: Offer;
  readonly regionVersion: number;
  readonly census: SlotCensus;
  /** Creates are under way: each may be counted twice for a moment, as an intent of ours and as a cluster at AWS. */
  readonly settling: boolean;
}

/** Counts slots, at AWS and in the store, and offers one to the environment or a place in the queue. */
export async function readOffer(context: Context, environment: Environment): Promise<Offered> {
  const { store, policy } = context;
  const { census, regionVersion, settling } = await readCensus(context);
  if (environment.servingId) return { offer: offerRebuild(census), regionVersion, census, settling };
  const [waiting, holdings] = [await store.waiting(), await store.holdings()];
  const offer = offerSlot(asWaiting(environment), ahead(environment, waiting), holdings, policy.caps, census);
  return { offer, regionVersion, census, settling };
}

/** Counts the slots. Our own clusters are subtracted from AWS' list by their identifiers, so a count is no guess. */
export async function readCensus(context: BaseContext): Promise<Omit<Offered, "offer">> {
  const { store, policy } = context;
  const rows = await store.slotRows(policy.account, policy.region, await readForeign(context));
  const census: SlotCensus = {
    maxClusters: policy.maxClusters,
    quota: policy.quota,
    reserve: policy.reserve,
    foreign: rows.foreign,
    ours: rows.ours,
  };
  return { regionVersion: rows.regionVersion, census, settling: rows.ours > rows.oursWithId };
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
