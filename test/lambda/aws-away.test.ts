import { describe, expect, it } from "vitest";
import { BACKOFF_LAST_MS } from "../../service/domain/limits.ts";
import { answerMessages } from "../../service/handlers/messages.ts";
import { tick } from "../../service/handlers/tick.ts";
import { createRetireScene, HOUR_MS, type RetireScene } from "../handlers/retire-scene.ts";
import { KEY } from "../handlers/scene.ts";
import { eachStore } from "../support/each-store.ts";
import { oneRound } from "../support/lambda/life.ts";
import type { TestStore } from "../support/store.ts";

let store: TestStore;
let scene: RetireScene;
let isAway: boolean;
let lines: string[];
const CAUSE = "TimeoutError: AWS gave no answer in time.";

eachStore((empty) => {
  store = empty;
  scene = createRetireScene(store);
  isAway = false;
  lines = [];
  const note = (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  Object.assign(scene.context, { log: { info: note, warn: note, error: note } });
  goAway(scene.context.control as never);
});

/** DSQL's control plane in the Region, whenever it is away; store and GitHub are reached as ever. */
function goAway(control: Record<string, (...given: unknown[]) => Promise<unknown>>): void {
  for (const [name, call] of Object.entries(control)) {
    const lost = name === "inventory" || name === "identifiers" ? null : { kind: "unknown", cause: CAUSE };
    control[name] = async (...given) => (isAway ? lost : call(...given));
  }
}

const queue = { send: async () => {} };

/** The function with what is due, in as many rounds. Out: the messages that it did not answer. */
async function wake(rounds: number): Promise<readonly string[]> {
  const { context } = scene;
  const failed: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const due = await context.store.due(context.clock.now(), 10);
    const messages = due.map(({ topic, key }) => ({
      id: `${topic} ${key}`,
      body: JSON.stringify({ topic, key }),
    }));
    failed.push(...(await answerMessages(context, queue, messages, oneRound())));
  }
  return failed;
}

describe("while AWS is away in the Region", () => {
  it("a pull request is taken and shown, its step is put off, and it is made once when AWS is back", async () => {
    isAway = true;
    await scene.reopen();
    expect(await wake(4)).toEqual([]);
    expect(await scene.outcomes()).toEqual(["applied"]);
    expect(scene.github.posted).toHaveLength(1);
    expect(lines.some((line) => /^step put off .*"reason":"aws_unavailable"/.test(line))).toBe(true);
    expect(lines.filter((line) => line.startsWith("step failed"))).toEqual([]);
    const { id } = await scene.environment();
    expect(await scene.dueInMs("environment", id)).toBeLessThanOrEqual(BACKOFF_LAST_MS);
    for (let looks = 0; looks < 12; looks += 1) {
      scene.pass(BACKOFF_LAST_MS);
      await wake(2);
    }
    expect(scene.identifiers()).toEqual([]);
    expect(await scene.dueInMs("environment", id)).toBeLessThanOrEqual(BACKOFF_LAST_MS);
    isAway = false;
    await scene.rest();
    scene.pass(BACKOFF_LAST_MS);
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
    expect(scene.identifiers()).toHaveLength(1);
  });

  it("a ready database stays ready, and its end is waited for", async () => {
    await scene.reopen();
    await scene.rest();
    isAway = true;
    scene.pass(2 * HOUR_MS);
    await wake(3);
    expect(await scene.phase()).toBe("ready");
    await scene.comment(71, "/db destroy");
    await wake(4);
    expect(scene.github.reactions).toHaveLength(1);
    scene.pass(HOUR_MS);
    await wake(4);
    expect(scene.identifiers()).toHaveLength(1);
    expect(await scene.phase()).toBe("closed");
    isAway = false;
    scene.pass(BACKOFF_LAST_MS);
    await scene.rest();
    expect(scene.identifiers()).toEqual([]);
    expect(await scene.phase()).toBe("destroyed");
  });
});

describe("messages that come late, twice, and in the wrong order", () => {
  it("change nothing: what is due decides", async () => {
    await scene.reopen();
    const seen = new Map<string, string>();
    const { context } = scene;
    for (let round = 0; round < 12; round += 1) {
      for (const { topic, key } of await context.store.due(context.clock.now(), 10))
        seen.set(`${topic} ${key}`, JSON.stringify({ topic, key }));
      // The newest first, those of long ago again, and each twice.
      const bodies = [...seen.values()].reverse().flatMap((body) => [body, body]);
      const messages = bodies.map((body, index) => ({ id: String(index), body }));
      expect(await answerMessages(context, queue, messages, oneRound())).toEqual([]);
      scene.pass(500);
    }
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
    expect([scene.identifiers().length, scene.github.posted.length]).toEqual([1, 1]);
  });

  it("and a message that is visible again while its step runs, beside two ticks, take no second step", async () => {
    await scene.reopen();
    const { context } = scene;
    const reading = Promise.withResolvers<void>();
    const mayEnd = Promise.withResolvers<void>();
    let reads = 0;
    const { readPull } = context.github;
    Object.assign(context.github, {
      async readPull(target: never) {
        reads += 1;
        reading.resolve();
        await mayEnd.promise;
        return readPull(target);
      },
    });
    const messages = [{ id: "m1", body: JSON.stringify({ topic: "intake", key: KEY }) }];
    const first = answerMessages(context, queue, messages, oneRound());
    await reading.promise;
    await Promise.all([
      answerMessages(context, queue, messages, oneRound()),
      tick(context, queue, oneRound()),
      tick(context, queue, oneRound()),
    ]);
    mayEnd.resolve();
    expect(await first).toEqual([]);
    expect(reads).toBe(1);
    expect(await scene.outcomes()).toEqual(["applied"]);
  });
});
