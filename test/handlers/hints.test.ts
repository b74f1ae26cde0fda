import { describe, expect, it } from "vitest";
import { Retryable } from "../../service/domain/errors.ts";
import { HINT_DELAY_MS, HINTS_OPEN_MAX } from "../../service/domain/limits.ts";
import type { Context } from "../../service/handlers/context.ts";
import { workOnHints } from "../../service/handlers/hints.ts";
import { answerMessages } from "../../service/handlers/messages.ts";
import type { Hint, Queue } from "../../service/handlers/ports-queue.ts";
import { tick } from "../../service/handlers/tick.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { createScene, KEY, POLICY, type Scene } from "./scene.ts";

let base: TestStore;
let scene: Scene;

eachStore((empty) => {
  base = empty;
  scene = createScene(base);
});

const plenty = { remainingMs: () => POLICY.leaseMs * 10 };
const none = { remainingMs: () => POLICY.leaseMs };

/** A queue that remembers what it was told, or that is away. */
function createQueue() {
  const sent: (Hint & { readonly delayMs: number })[] = [];
  const state = { isAway: false, calls: 0 };
  const queue: Queue = {
    async send(hints, now) {
      state.calls += 1;
      if (state.isAway) throw new Retryable("aws_unavailable", "503");
      sent.push(...hints.map((hint) => ({ ...hint, delayMs: hint.dueAt.getTime() - now.getTime() })));
    },
  };
  return { queue, sent, state };
}

const hint = (key: string, afterMs = 0): Hint => ({
  topic: "environment",
  key,
  dueAt: new Date(scene.context.clock.now().getTime() + afterMs),
});
const names = (hints: readonly Hint[]) => hints.map(({ topic, key }) => `${topic} ${key}`).sort();

describe("a function that is given hints", () => {
  it("follows what its steps wake, without a message", async () => {
    await scene.deliver();
    const { queue, sent } = createQueue();
    const intake: Hint = { topic: "intake", key: KEY, dueAt: scene.context.clock.now() };
    expect(await workOnHints(scene.context, queue, [intake], plenty)).toEqual([]);
    expect(await scene.outcomes()).toEqual(["applied"]);
    const { rows } = await base.pool.query("select id from environment");
    expect(rows).toHaveLength(1);
    expect(sent.every(({ delayMs }) => delayMs > 0)).toBe(true);
  });

  it("hands on what is due later, and leaves what no message can wait for to the schedule", async () => {
    const { queue, sent } = createQueue();
    const hints = [hint("env_soon", 60_000), hint("env_late", HINT_DELAY_MS + 1)];
    expect(await workOnHints(scene.context, queue, hints, plenty)).toEqual([]);
    expect(sent.map(({ key, delayMs }) => [key, delayMs])).toEqual([["env_soon", 60_000]]);
  });

  it("hands on what is more than it can do", async () => {
    const { queue, sent } = createQueue();
    const hints = Array.from({ length: HINTS_OPEN_MAX + 5 }, (_, index) => hint(`env_${index + 100}`));
    await workOnHints(scene.context, queue, hints, plenty);
    expect(sent).toHaveLength(5);
  });

  it("begins no step that its time is too short for, and gives the keys back", async () => {
    await scene.deliver();
    const { queue, sent } = createQueue();
    const intake: Hint = { topic: "intake", key: KEY, dueAt: scene.context.clock.now() };
    expect(await workOnHints(scene.context, queue, [intake], none)).toEqual([]);
    expect(names(sent)).toEqual([`intake ${KEY}`]);
    expect(await scene.outcomes()).toEqual([null]);
  });

  it("says what nobody will look at, when the queue is away too", async () => {
    const { queue, state } = createQueue();
    state.isAway = true;
    expect(names(await workOnHints(scene.context, queue, [hint("env_1")], none))).toEqual([
      "environment env_1",
    ]);
  });

  it("says what it could not look at, when the store is away", async () => {
    const { queue } = createQueue();
    const claimKeys = () => Promise.reject(new Retryable("store_unavailable", "away"));
    const context: Context = { ...scene.context, store: { ...scene.context.store, claimKeys } };
    expect(names(await workOnHints(context, queue, [hint("env_1")], plenty))).toEqual(["environment env_1"]);
  });

  it("leaves a key that another worker holds, and tells nobody of it", async () => {
    await scene.deliver();
    const now = scene.context.clock.now();
    const until = new Date(now.getTime() + POLICY.leaseMs);
    const key = { topic: "intake", key: KEY } as const;
    expect(await scene.context.store.claimKeys([key], "lease_other", now, until)).toHaveLength(1);
    const { queue, sent } = createQueue();
    await workOnHints(scene.context, queue, [{ ...key, dueAt: now }], plenty);
    expect(sent).toEqual([]);
    expect(await scene.outcomes()).toEqual([null]);
    expect(await scene.dueInMs("intake", KEY)).toBe(POLICY.leaseMs);
  });

  it("takes a key again whose holder died, once its lease has run out", async () => {
    await scene.deliver();
    const now = scene.context.clock.now();
    const until = new Date(now.getTime() + POLICY.leaseMs);
    await scene.context.store.claimKeys([{ topic: "intake", key: KEY }], "lease_dead", now, until);
    scene.pass(POLICY.leaseMs);
    const { queue } = createQueue();
    await workOnHints(scene.context, queue, [{ topic: "intake", key: KEY, dueAt: now }], plenty);
    expect(await scene.outcomes()).toEqual(["applied"]);
  });
});

describe("messages", () => {
  const body = JSON.stringify({ topic: "intake", key: KEY });

  it("that name one key twice cause one step", async () => {
    await scene.deliver();
    let claims = 0;
    const { store } = scene.context;
    const claimKeys: typeof store.claimKeys = (keys, ...rest) => {
      if (keys[0]?.topic === "intake") claims += 1;
      return store.claimKeys(keys, ...rest);
    };
    const context = { ...scene.context, store: { ...store, claimKeys } };
    const messages = [
      { id: "m1", body },
      { id: "m2", body },
    ];
    expect(await answerMessages(context, createQueue().queue, messages, plenty)).toEqual([]);
    expect(claims).toBe(1);
    expect(await scene.outcomes()).toEqual(["applied"]);
  });

  it("for a key that is done are done", async () => {
    expect(await answerMessages(scene.context, createQueue().queue, [{ id: "m1", body }], plenty)).toEqual(
      [],
    );
  });

  it.each([
    ["no JSON", "{"],
    ["null", "null"],
    ["a topic that there is not", '{"topic":"payload","key":"x"}'],
    ["a topic of the prototype's", '{"topic":"constructor","key":"x"}'],
    ["no key", '{"topic":"intake"}'],
    ["an empty key", '{"topic":"intake","key":""}'],
    ["a key that is a number", '{"topic":"intake","key":7}'],
    ["a huge key", JSON.stringify({ topic: "intake", key: "x".repeat(5_000) })],
  ])("with %s come again until they are dead letters, and hold up no other", async (_what, poison) => {
    await scene.deliver();
    const messages = [
      { id: "poison", body: poison },
      { id: "good", body },
    ];
    expect(await answerMessages(scene.context, createQueue().queue, messages, plenty)).toEqual(["poison"]);
    expect(await scene.outcomes()).toEqual(["applied"]);
  });

  it("come again, all that name the key, when nobody could look at it", async () => {
    const { queue, state } = createQueue();
    state.isAway = true;
    const messages = [
      { id: "m1", body },
      { id: "m2", body },
    ];
    expect(await answerMessages(scene.context, queue, messages, none)).toEqual(["m1", "m2"]);
  });
});

describe("a tick", () => {
  const measured = () => {
    const numbers: Record<string, number>[] = [];
    const context = { ...scene.context, measure: { put: (some: object) => void numbers.push({ ...some }) } };
    return { context, numbers };
  };

  it("sends on what is due, the chores too, and does nothing itself", async () => {
    await scene.deliver();
    scene.pass(90_000);
    const { queue, sent } = createQueue();
    const { context, numbers } = measured();
    await tick(context, queue, plenty);
    expect(names(sent)).toEqual(["chore forget", "chore redeliver", "chore sweep", `intake ${KEY}`]);
    expect(await scene.outcomes()).toEqual([null]);
    expect(Object.assign({}, ...numbers)).toMatchObject({ QueueAgeSeconds: 90, WakeupsDue: 4 });
  });

  it("that overlaps another one doubles messages only, never a chore", async () => {
    const { queue, sent } = createQueue();
    await Promise.all([tick(scene.context, queue, plenty), tick(scene.context, queue, plenty)]);
    expect(new Set(names(sent)).size).toBe(3);
    const { rows } = await base.pool.query("select seq::int as seq from wakeup where topic = 'chore'");
    expect(rows).toEqual([{ seq: 1 }, { seq: 1 }, { seq: 1 }]);
  });

  it("works itself when the queue takes nothing", async () => {
    await scene.deliver();
    const { queue, state } = createQueue();
    state.isAway = true;
    await tick(scene.context, queue, plenty);
    expect(await scene.outcomes()).toEqual(["applied"]);
  });

  it("tells how long ago the last sweep was", async () => {
    const { context, numbers } = measured();
    await workOnHints(
      context,
      createQueue().queue,
      [{ topic: "chore", key: "sweep", dueAt: context.clock.now() }],
      plenty,
    );
    await context.store.ensureWakeups([{ topic: "chore", key: "sweep", dueAt: context.clock.now() }]);
    await workOnHints(
      context,
      createQueue().queue,
      [{ topic: "chore", key: "sweep", dueAt: context.clock.now() }],
      plenty,
    );
    scene.pass(120_000);
    await tick(context, createQueue().queue, plenty);
    expect(Object.assign({}, ...numbers)).toMatchObject({ SweepAgeSeconds: 120, ClusterQuota: 20 });
  });
});
