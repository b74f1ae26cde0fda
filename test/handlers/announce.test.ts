import { expect, it } from "vitest";
import { announcing } from "../../service/handlers/announce.ts";
import type { Hint } from "../../service/handlers/ports-queue.ts";
import type { Store, StoreTransaction } from "../../service/handlers/ports-store.ts";

const NOW = new Date("2026-11-25T14:00:00Z");
const hint = (key: string): Hint => ({ topic: "environment", key, dueAt: NOW });

/** A store that repeats its transactions as often as a conflict asks for, and then commits or fails. */
function scene(tries: number, failure: Error | null = null) {
  const order: string[] = [];
  const tx = { wake: async () => void order.push("wake") } as unknown as StoreTransaction;
  const transaction: Store["transaction"] = async (work) => {
    for (let at = 1; at < tries; at += 1) await work(tx);
    const result = await work(tx);
    if (failure) throw failure;
    order.push("commit");
    return result;
  };
  const store = announcing({ transaction } as Store, (hints) => {
    order.push(`announced ${hints.map(({ key }) => key).join(" ")}`);
  });
  return { store, order };
}

const wakeTwo = async (tx: StoreTransaction) => {
  await tx.wake([hint("env_1")], NOW);
  await tx.wake([hint("env_2")], NOW);
};

it("what a transaction woke is announced once, after its commit", async () => {
  const { store, order } = scene(1);
  await store.transaction(wakeTwo);
  expect(order).toEqual(["wake", "wake", "commit", "announced env_1 env_2"]);
});

it("a transaction that was repeated announces its last try only", async () => {
  const { store, order } = scene(3);
  await store.transaction(wakeTwo);
  expect(order.slice(-2)).toEqual(["commit", "announced env_1 env_2"]);
});

it("a transaction that failed, or that woke nobody, announces nothing", async () => {
  const failed = scene(1, new Error("conflict"));
  await expect(failed.store.transaction(wakeTwo)).rejects.toThrow("conflict");
  const idle = scene(1);
  await idle.store.transaction(async () => {});
  expect([failed.order, idle.order]).toEqual([["wake", "wake"], ["commit"]]);
});
