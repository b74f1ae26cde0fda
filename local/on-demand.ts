/** A bound on what a test may line up. */
const MAX_ITEMS = 100;

/** What tests want to go wrong, each so many times; the oldest that fits is used first. */
export function makeOnDemand<Item extends { times: number }>() {
  let items: Item[] = [];
  return {
    add(item: Item): void {
      items = [...items, { ...item }].slice(-MAX_ITEMS);
    },
    clear(): void {
      items = [];
    },
    /** The first that fits, if any; each call uses it up by one. */
    take(fits: (item: Item) => boolean): Item | undefined {
      const found = items.find(fits);
      if (!found) return undefined;
      found.times -= 1;
      items = items.filter(({ times }) => times > 0);
      return found;
    },
  };
}
