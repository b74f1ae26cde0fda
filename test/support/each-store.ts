import { afterAll, beforeAll, beforeEach } from "vitest";
import { type StoreOptions, startStore, type TestStore } from "./store.ts";

/** For the head of a file of tests: all of them share one store, and `begin` is given it before each, without a row. */
export function eachStore(
  begin: (empty: TestStore) => void | Promise<void>,
  options: StoreOptions = {},
): void {
  let store: TestStore | undefined;
  beforeAll(async () => {
    store = await startStore(options);
  });
  afterAll(() => store?.stop());
  beforeEach(async () => {
    if (!store) throw new Error("The store did not start.");
    await store.clear();
    await begin(store);
  });
}
