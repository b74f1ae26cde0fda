import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Held, Settle, Store, StoreTransaction } from "../../service/handlers/ports-store.ts";
import { startStore, type TestStore } from "../support/store.ts";

const EPOCH = new Date(0);
const LEASE_MS = 60_000;
const at = (seconds: number) => new Date(Date.UTC(2026, 10, 23) + seconds * 1000);

let started: TestStore;
let store: Store;
beforeAll(async () => {
  started = await startStore();
  store = started.store;
});
afterAll(() => started?.stop());
beforeEach(() => started.clear());

const inTransaction = <T>(work: (tx: StoreTransaction) => Promise<T>) => store.transaction(work);

const wake = (key: string, dueAt: Date, now = at(0)) =>
  inTransaction((tx) => tx.wake([{ topic: "intake", key, dueAt }], now));

async function claimAll(lease: string, now: Date): Promise<readonly Held[]> {
  return store.claim(await store.due(now, 64), lease, now, new Date(now.getTime() + LEASE_MS));
}

async function claimOne(lease: string, now: Date): Promise<Held> {
  const [held] = await claimAll(lease, now);
  if (!held) throw new Error("Nothing was due.");
  return held;
}

const settle = (held: Held, change: Partial<Settle>) =>
  inTransaction((tx) =>
    tx.settle(held, { again: null, notBefore: EPOCH, attempts: 0, now: at(0), ...change }),
  );

describe("a wakeup", () => {
  it("is due from its time on", async () => {
    await wake("a", at(10));
    expect(await store.due(at(9), 64)).toEqual([]);
    expect(await store.due(at(10), 64)).toEqual([{ topic: "intake", key: "a", seq: 1 }]);
  });

  it("comes in the order of its time, then of its key", async () => {
    await wake("b", at(1));
    await wake("a", at(1));
    await wake("c", at(0));
    expect((await store.due(at(5), 64)).map((row) => row.key)).toEqual(["c", "a", "b"]);
    expect(await store.due(at(5), 1)).toHaveLength(1);
    expect(await store.nextDue()).toEqual(at(0));
  });

  it("is made sooner by a second wake, never later", async () => {
    await wake("a", at(10));
    await wake("a", at(5));
    await wake("a", at(20));
    expect(await store.nextDue()).toEqual(at(5));
  });

  it("is written once if one transaction wakes it twice", async () => {
    const twice = [at(3), at(2)].map((dueAt) => ({ topic: "report" as const, key: "a", dueAt }));
    await inTransaction((tx) => tx.wake(twice, at(0)));
    expect(await store.due(at(5), 64)).toEqual([{ topic: "report", key: "a", seq: 1 }]);
    expect(await store.nextDue()).toEqual(at(2));
  });
});

describe("a claim", () => {
  it("takes a key from everybody else until the lease ends", async () => {
    await wake("a", at(0));
    expect(await claimAll("one", at(0))).toMatchObject([{ key: "a", lease: "one", attempts: 1 }]);
    expect(await claimAll("two", at(59))).toEqual([]);
    expect(await claimAll("two", at(60))).toMatchObject([{ key: "a", lease: "two", attempts: 2 }]);
  });

  it("takes nothing that was woken again since it was read", async () => {
    await wake("a", at(0));
    const read = await store.due(at(0), 64);
    await wake("a", at(0));
    expect(await store.claim(read, "one", at(0), at(60))).toEqual([]);
  });

  it("by two at once gives each key to one of them", async () => {
    for (const key of ["a", "b", "c", "d"]) await wake(key, at(0));
    const [one, two] = await Promise.all([claimAll("one", at(0)), claimAll("two", at(0))]);
    const keys = [...one, ...two].map((held) => held.key).sort();
    expect(keys).toEqual(["a", "b", "c", "d"]);
  });
});

describe("settling", () => {
  it("removes a key that is done", async () => {
    await wake("a", at(0));
    expect(await settle(await claimOne("one", at(0)), {})).toBe(true);
    expect(await store.nextDue()).toBeNull();
  });

  it("dates a key, free for anybody", async () => {
    await wake("a", at(0));
    await settle(await claimOne("one", at(0)), { again: at(30), attempts: 3 });
    expect(await store.nextDue()).toEqual(at(30));
    expect(await claimAll("two", at(30))).toMatchObject([{ attempts: 4 }]);
  });

  it("keeps a key that was woken meanwhile, due now", async () => {
    await wake("a", at(0));
    const held = await claimOne("one", at(0));
    await wake("a", at(7), at(5));
    expect(await settle(held, { now: at(8) })).toBe(true);
    expect(await store.due(at(8), 64)).toEqual([{ topic: "intake", key: "a", seq: 2 }]);
  });

  it("sets a floor that no wake undercuts", async () => {
    await wake("a", at(0));
    await settle(await claimOne("one", at(0)), { again: at(60), notBefore: at(40), attempts: 1 });
    await wake("a", at(5), at(5));
    expect(await store.nextDue()).toEqual(at(40));
  });

  it("is refused when somebody else holds the key now", async () => {
    await wake("a", at(0));
    const paused = await claimOne("one", at(0));
    const holder = await claimOne("two", at(60));
    expect(await settle(paused, {})).toBe(false);
    expect(await settle(paused, { again: at(61) })).toBe(false);
    expect(await inTransaction((tx) => tx.renew(paused, at(120)))).toBe(false);
    expect(await settle(holder, {})).toBe(true);
  });
});

describe("a lease", () => {
  it("is extended by its holder, although a wake came in between", async () => {
    await wake("a", at(0));
    const held = await claimOne("one", at(0));
    await wake("a", at(1), at(1));
    expect(await inTransaction((tx) => tx.renew(held, at(100)))).toBe(true);
    expect(await store.due(at(99), 64)).toEqual([]);
    expect(await store.due(at(100), 64)).toHaveLength(1);
  });
});
