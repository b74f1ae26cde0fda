import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { REDELIVER_MAX, REDELIVER_MORE_MS, REDELIVER_MS } from "../../service/domain/limits.ts";
import type { DeliveryAttempt } from "../../service/handlers/ports.ts";
import { NOW } from "../domain/builders.ts";
import { startStore, type TestStore } from "../support/store.ts";
import { createScene, KEY } from "./scene.ts";

let base: TestStore;
beforeAll(async () => {
  base = await startStore();
});
afterAll(() => base?.stop());
beforeEach(() => base.clear());

/** A scene whose GitHub remembers these failures, and what it was asked for again. */
function sceneWith(failures: readonly DeliveryAttempt[]) {
  const scene = createScene(base);
  const asked: number[] = [];
  const sinces: Date[] = [];
  const list = [...failures];
  Object.assign(scene.context.redelivery, {
    async failed(since: Date) {
      sinces.push(since);
      return list.filter(({ at }) => at > since).sort((a, b) => b.at.getTime() - a.at.getTime());
    },
    async again(id: number) {
      asked.push(id);
      return "asked";
    },
  });
  return { scene, asked, sinces, list, run: () => scene.run("chore", "redeliver") };
}

const failure = (id: number, change: Partial<DeliveryAttempt> = {}): DeliveryAttempt => ({
  id,
  guid: `guid-${id}`,
  event: "pull_request",
  at: new Date(NOW.getTime() - 60_000 + id),
  ...change,
});

it("asks for what failed, oldest first and once", async () => {
  const { run, asked, scene } = sceneWith([failure(2), failure(1), failure(3)]);
  await run();
  await run();
  expect(asked).toEqual([1, 2, 3]);
  expect(await scene.dueInMs("chore", "redeliver")).toBe(REDELIVER_MS);
});

it("asks again if the next attempt fails too, because that is an attempt of its own", async () => {
  const { run, asked, list } = sceneWith([failure(1)]);
  await run();
  list.push(failure(9, { guid: "guid-1" }));
  await run();
  expect(asked).toEqual([1, 9]);
});

it("does not ask for what the journal has, nor for events that are not ours", async () => {
  const { run, asked, scene } = sceneWith([failure(1), failure(2), failure(3, { event: "star" })]);
  await scene.deliver({ guid: "guid-2", pullKey: KEY });
  await run();
  expect(asked).toEqual([1]);
});

it("spreads many over several looks, and leaves none out", async () => {
  const many = Array.from({ length: REDELIVER_MAX + 7 }, (_, index) => failure(index + 1));
  const { run, asked, scene } = sceneWith(many);
  await run();
  expect(asked).toHaveLength(REDELIVER_MAX);
  expect(await scene.dueInMs("chore", "redeliver")).toBe(REDELIVER_MORE_MS);
  await run();
  expect(asked).toEqual(many.map(({ id }) => id));
});

it("leaves the mark where it was when GitHub fails half-way, so that nothing is lost", async () => {
  const { run, asked, sinces, scene } = sceneWith([failure(1), failure(2)]);
  const { again } = scene.context.redelivery;
  let isDown = true;
  Object.assign(scene.context.redelivery, {
    again: (id: number) => (isDown && id === 2 ? Promise.reject(new Error("502")) : again(id)),
  });
  await run();
  isDown = false;
  await run();
  expect(asked).toEqual([1, 1, 2]);
  expect(sinces[1]).toEqual(sinces[0]);
});
