import type { OuterEpoch } from "../domain/epoch.ts";

/** Keeps the epoch where a restore of the store does not reach. */
export interface EpochKeeper {
  /** Null if there is none yet. Throws Retryable `epoch_unavailable`. */
  read(): Promise<OuterEpoch | null>;
  /** Throws Retryable `epoch_unavailable`; it may have been written then. */
  write(epoch: OuterEpoch): Promise<void>;
  /** Drops its connections. */
  close(): void;
}
