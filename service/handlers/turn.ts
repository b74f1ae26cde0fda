/** The last of those who wait, per owner. */
const last = new WeakMap<object, Promise<unknown>>();

/**
 * Runs one work after the other for each owner, in the order of asking. For what would meet in the store and be repeated:
 * it saves work within one process and promises nothing between two.
 */
export function inTurn<T>(owner: object, work: () => Promise<T>): Promise<T> {
  const mine = (last.get(owner) ?? Promise.resolve()).then(work);
  last.set(
    owner,
    mine.catch(() => {}),
  );
  return mine;
}
