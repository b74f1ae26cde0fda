import { expect, it } from "vitest";
import {
  REDELIVER_AGAIN_MS,
  REDELIVER_MAX,
  REDELIVER_MORE_MS,
  REDELIVER_MS,
  REDELIVER_SETTLE_MS,
  REDELIVER_WINDOW_MS,
} from "../../service/domain/limits.ts";
import type { DeliveryAttempt } from "../../service/handlers/ports.ts";
import { NOW } from "../domain/builders.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { createScene, KEY } from "./scene.ts";

let base: TestStore;
eachStore((empty) => {
  base = empty;
});

/** An hour before the scene begins: long enough ago for every walk. */
const THEN = new Date(NOW.getTime() - 3_600_000);

const failure = (id: number, change: Partial<DeliveryAttempt> = {}): DeliveryAttempt => ({
  ...{
    id: String(id),
    guid: `guid-${id}`,
    event: "pull_request",
    at: THEN,
    statusCode: 503,
    isRepeat: false,
  },
  ...change,
});
const many = (count: number, change: (index: number) => Partial<DeliveryAttempt> = () => ({})) =>
  Array.from({ length: count }, (_, index) => failure(index + 1, change(index)));
const idsOf = (attempts: readonly DeliveryAttempt[]) => attempts.map(({ id }) => id);
const numbers = (ids: readonly string[]) => [...ids].map(Number).sort((a, b) => a - b);

/** A scene whose GitHub lists these failures, newest id first, and what it was asked for again. */
function sceneWith(failures: readonly DeliveryAttempt[]) {
  const scene = createScene(base);
  const list = [...failures];
  const asked: string[] = [];
  const pages: (string | null)[] = [];
  const lost = new Set<string | null>();
  Object.assign(scene.context.redelivery, {
    async failed(count: number, cursor: string | null) {
      pages.push(cursor);
      if (cursor !== null && lost.delete(cursor)) return null;
      const newest = [...list].sort((one, other) => Number(other.id) - Number(one.id));
      const rest = newest.filter(({ id }) => cursor === null || Number(id) <= Number(cursor));
      const attempts = rest.slice(0, count);
      const now = new Date(scene.context.clock.now().getTime() - 60 * 60_000 * hoursBehind);
      return { attempts, next: rest[count]?.id ?? null, oldest: attempts.at(-1)?.at ?? null, now };
    },
    async again(id: string) {
      asked.push(id);
      return "asked";
    },
  });
  let hoursBehind = 0;
  const run = () => scene.run("chore", "redeliver");
  /** Looks until there is no more to look at, each when it is due. Out: how many looks it took. */
  const walk = async () => {
    for (let looks = 1; ; looks += 1) {
      await run();
      const dueMs = await scene.dueInMs("chore", "redeliver");
      scene.pass(dueMs ?? 0);
      if (dueMs !== REDELIVER_MORE_MS) return looks;
    }
  };
  const clockIsBehind = (hours: number) => {
    hoursBehind = hours;
  };
  return { scene, list, asked, pages, lost, run, walk, clockIsBehind };
}

it("asks for what failed, oldest first and once", async () => {
  const { run, asked, scene } = sceneWith(many(3));
  await run();
  await run();
  expect(asked).toEqual(["1", "2", "3"]);
  expect(await scene.dueInMs("chore", "redeliver")).toBe(REDELIVER_MS);
});

it("loses none that failed in the same second as one that was asked for", async () => {
  const { walk, asked, list, scene } = sceneWith([failure(1)]);
  const at = new Date(scene.context.clock.now().getTime());
  list.push(failure(2, { at }));
  await walk();
  list.push(failure(3, { at }));
  await walk();
  await walk();
  expect(asked).toEqual(["1", "2", "3"]);
});

it("waits for what GitHub lists late, behind younger ones", async () => {
  const { walk, asked, list, scene } = sceneWith([]);
  const { clock } = scene.context;
  list.push(failure(2, { at: new Date(clock.now().getTime() - REDELIVER_SETTLE_MS) }));
  await walk();
  list.push(failure(1, { at: new Date(clock.now().getTime() - REDELIVER_MS - REDELIVER_SETTLE_MS + 1) }));
  await walk();
  expect(numbers(asked)).toEqual([1, 2]);
});

it("goes by GitHub's clock, whatever ours says", async () => {
  const { walk, asked, list, scene, clockIsBehind } = sceneWith([]);
  clockIsBehind(2);
  await walk();
  list.push(failure(1, { at: new Date(scene.context.clock.now().getTime() - 2 * 3_600_000) }));
  await walk();
  await walk();
  expect(asked).toEqual(["1"]);
});

it("goes through any number, a page at a look, and asks for each once", async () => {
  const failures = many(3 * REDELIVER_MAX + 7, (index) => ({ at: new Date(THEN.getTime() + (index % 2)) }));
  const { walk, asked, pages } = sceneWith(failures);
  expect(await walk()).toBe(4);
  expect(pages).toEqual([null, "107", "57", "7"]);
  expect(numbers(asked)).toEqual(numbers(idsOf(failures)));
  await walk();
  expect(asked).toHaveLength(failures.length);
});

it("leaves what fails during a walk to the next one", async () => {
  const { run, walk, asked, list, scene } = sceneWith(many(REDELIVER_MAX + 1));
  await run();
  scene.pass(REDELIVER_MORE_MS);
  list.push(failure(900, { at: new Date(NOW.getTime() - REDELIVER_SETTLE_MS) }));
  await walk();
  expect(asked).not.toContain("900");
  await walk();
  expect(numbers(asked)).toEqual([...numbers(idsOf(many(REDELIVER_MAX + 1))), 900]);
});

it("asks again if the next attempt fails too, after a rest", async () => {
  const { walk, asked, list, scene } = sceneWith([failure(1)]);
  const at = scene.context.clock.now();
  await walk();
  list.push(failure(9, { guid: "guid-1", at, isRepeat: true }));
  const rest = Math.ceil(REDELIVER_AGAIN_MS / REDELIVER_MS);
  for (let looks = 0; looks < rest; looks += 1) await walk();
  expect(asked).toEqual(["1"]);
  for (let looks = 0; looks < rest; looks += 1) await walk();
  expect(asked).toEqual(["1", "9"]);
});

it("does not ask for ever for what is refused for what it says", async () => {
  const { walk, asked } = sceneWith([failure(1, { isRepeat: true, statusCode: 400 }), failure(2)]);
  await walk();
  expect(asked).toEqual(["2"]);
});

it("asks for an event once, however often it failed", async () => {
  const { walk, asked } = sceneWith([failure(1), failure(2, { guid: "guid-1" })]);
  await walk();
  expect(asked).toEqual(["2"]);
});

it("does not ask for what the journal has, nor for events that are not ours", async () => {
  const { run, asked, scene } = sceneWith([failure(1), failure(2), failure(3, { event: "star" })]);
  await scene.deliver({ guid: "guid-2", pullKey: KEY });
  await run();
  expect(asked).toEqual(["1"]);
});

it("goes on behind an attempt that GitHub has forgotten or refuses", async () => {
  const { walk, asked, scene } = sceneWith(many(3));
  const outcomes = ["absent", "refused", "asked"];
  Object.assign(scene.context.redelivery, { again: async (id: string) => outcomes[asked.push(id) - 1] });
  await walk();
  await walk();
  expect(asked).toEqual(["1", "2", "3"]);
});

it("goes on where it was when GitHub fails half-way", async () => {
  const { run, asked, scene } = sceneWith(many(3));
  const { again } = scene.context.redelivery;
  let isDown = true;
  Object.assign(scene.context.redelivery, {
    again: (id: string) => (isDown && id === "2" ? Promise.reject(new Error("502")) : again(id)),
  });
  await run();
  isDown = false;
  await run();
  expect(asked).toEqual(["1", "2", "3"]);
});

it("begins anew when GitHub has lost the place, and leaves none out", async () => {
  const failures = many(REDELIVER_MAX + 1);
  const { walk, asked, lost, scene } = sceneWith(failures);
  lost.add("1");
  await walk();
  expect(asked).not.toContain("1");
  expect(await scene.dueInMs("chore", "redeliver")).toBe(0);
  await walk();
  expect(asked).toContain("1");
});

it("understands the time alone that earlier versions kept, and looks back three days without it", async () => {
  const { walk, asked, scene } = sceneWith([
    failure(1, { at: new Date(NOW.getTime() - REDELIVER_WINDOW_MS - 2 * REDELIVER_SETTLE_MS) }),
    failure(2),
    failure(3, { at: new Date(THEN.getTime() + 1) }),
  ]);
  await scene.context.store.transaction((tx) =>
    tx.putMark("redelivered", new Date(THEN.getTime() + 1).toISOString()),
  );
  await walk();
  expect(asked).toEqual(["3"]);
  const fresh = sceneWith([failure(1, { at: new Date(0) }), failure(2)]);
  await fresh.scene.context.store.transaction((tx) => tx.putMark("redelivered", ""));
  await fresh.walk();
  expect(fresh.asked).toEqual(["2"]);
});
