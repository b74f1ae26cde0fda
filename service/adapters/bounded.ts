/**
 * Maps a list with at most `atOnce` calls under way, in the order of the list. The first failure is thrown, and no
 * further call is begun after it.
 */
export async function mapBounded<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += atOnce) {
    results.push(...(await Promise.all(items.slice(at, at + atOnce).map(map))));
  }
  return results;
}
