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

/**
 * One run at a time: whoever asks while one is under way shares the next one with all others who do, so that no answer is
 * older than its question.
 */
export function shared<Result>(run: () => Promise<Result>): () => Promise<Result> {
  let current: Promise<Result> | null = null;
  let next: Promise<Result> | null = null;
  const start = () => {
    const started = run().finally(() => {
      if (current === started) current = null;
    });
    current = started;
    return started;
  };
  return () => {
    if (!current) return start();
    next ??= current.then(ignore, ignore).then(() => {
      next = null;
      return start();
    });
    return next;
  };
}

/** Whoever asked for it hears how it ended. */
function ignore(): void {}
