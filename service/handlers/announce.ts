import type { Announce, Hint } from "./ports-queue.ts";
import type { Store, StoreTransaction } from "./ports-store.ts";

/** The store, whose wakes are announced once they are committed; a transaction that is repeated announces its last try. */
export function announcing(store: Store, announce: Announce): Store {
  return {
    ...store,
    async transaction(work) {
      let hints: Hint[] = [];
      const result = await store.transaction((tx) => {
        hints = [];
        const heard: StoreTransaction = {
          ...tx,
          async wake(wakes, now) {
            await tx.wake(wakes, now);
            hints.push(...wakes);
          },
        };
        return work(heard);
      });
      if (hints.length > 0) announce(hints);
      return result;
    },
  };
}
