import { expect, it } from "vitest";
import { shared } from "../../service/adapters/bounded.ts";

function runs() {
  const begun: PromiseWithResolvers<number>[] = [];
  const ask = shared(() => {
    const run = Promise.withResolvers<number>();
    begun.push(run);
    return run.promise;
  });
  return { begun, ask };
}

it("runs at once if nothing is under way", async () => {
  const { begun, ask } = runs();
  const answer = ask();
  begun[0]?.resolve(1);
  expect(await answer).toBe(1);
  expect(begun).toHaveLength(1);
});

it("gives those who ask meanwhile one answer that was begun after they asked", async () => {
  const { begun, ask } = runs();
  const first = ask();
  const others = [ask(), ask(), ask()];
  expect(begun).toHaveLength(1);
  begun[0]?.resolve(1);
  expect(await first).toBe(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toHaveLength(2);
  begun[1]?.resolve(2);
  expect(await Promise.all(others)).toEqual([2, 2, 2]);
  expect(begun).toHaveLength(2);
});

it("does not let a failure reach those who asked after it began", async () => {
  const { begun, ask } = runs();
  const first = ask();
  const second = ask();
  begun[0]?.reject(new Error("lost"));
  await expect(first).rejects.toThrow("lost");
  await new Promise((resolve) => setImmediate(resolve));
  begun[1]?.resolve(2);
  expect(await second).toBe(2);
});

it("runs again for whoever asks later", async () => {
  const { begun, ask } = runs();
  const first = ask();
  begun[0]?.resolve(1);
  await first;
  const second = ask();
  begun[1]?.resolve(2);
  expect(await second).toBe(2);
});
