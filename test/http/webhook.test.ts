import { createRequire } from "node:module";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createJournal } from "../../service/adapters/store/journal.ts";
import { buildDoor, type Door, deliver, OLD_SECRET, type Sent } from "../support/door.ts";
import { commentPayload, pullPayload } from "../support/payloads.ts";
import { startStore, type TestStore } from "../support/store.ts";

let store: TestStore;
let door: Door;

beforeAll(async () => {
  store = await startStore();
  const clock = { now: () => new Date("2026-11-23T14:00:00Z") };
  door = buildDoor(createJournal(store.database, clock));
});
afterAll(() => store.stop());
beforeEach(() => store.clear());

const send = (body: string | Buffer, sent?: Sent) => deliver(door.app, body, sent);
const json = (value: unknown) => JSON.stringify(value);

async function rows(): Promise<{ deliveries: number; wakeups: number }> {
  const count = async (table: string) =>
    Number((await store.pool.query(`select count(*) from ${table}`)).rows[0].count);
  return { deliveries: await count("delivery"), wakeups: await count("wakeup") };
}

const NONE = { deliveries: 0, wakeups: 0 };
const ONE = { deliveries: 1, wakeups: 1 };

describe("a signed webhook", () => {
  it("is journalled with a wakeup of its pull request before the 202", async () => {
    const answer = await send(json(pullPayload()));
    expect(answer.statusCode).toBe(202);
    expect((await store.pool.query("select topic, key from wakeup")).rows).toEqual([
      { topic: "intake", key: "pull:github.test:77:42" },
    ]);
    expect(await rows()).toEqual(ONE);
  });

  it("is accepted with the secret that is being rotated out", async () => {
    expect((await send(json(pullPayload()), { secret: OLD_SECRET })).statusCode).toBe(202);
  });

  it("may hold any unicode", async () => {
    const body = json({ ...pullPayload(), title: "Zoë 🐘 \u2028 \u0000" });
    expect((await send(body)).statusCode).toBe(202);
  });

  it.each([
    ["a fork's pull request", pullPayload({ headRepositoryId: 78 })],
    ["a pull request whose fork was deleted", pullPayload({ headRepositoryId: null })],
    ["a merged pull request", pullPayload({ action: "closed", merged: true })],
    [
      "a change of the base branch",
      pullPayload({ action: "edited", changes: { base: { ref: { from: "old" } } } }),
    ],
  ])("is accepted for %s", async (_name, payload) => {
    expect((await send(json(payload))).statusCode).toBe(202);
  });

  it("is accepted for a comment that may be a command", async () => {
    expect((await send(json(commentPayload()), { event: "issue_comment" })).statusCode).toBe(202);
    expect(await rows()).toEqual(ONE);
  });
});

describe("a replayed webhook", () => {
  it("writes nothing twice under the same delivery id", async () => {
    await send(json(pullPayload()));
    const again = await send(json(pullPayload()));
    expect(again.statusCode).toBe(202);
    expect(await rows()).toEqual(ONE);
  });

  it("writes a hint, and no second wakeup, under a new delivery id", async () => {
    await send(json(pullPayload()));
    await send(json(pullPayload()), { guid: "another-guid" });
    expect(await rows()).toEqual({ deliveries: 2, wakeups: 1 });
  });

  it("is refused under a new delivery id and another event name", async () => {
    const answer = await send(json(pullPayload()), { guid: "another-guid", event: "issue_comment" });
    expect(answer.statusCode).toBe(400);
    expect(answer.json().reason).toBe("shape");
    expect(await rows()).toEqual(NONE);
  });

  it("of a comment is refused as a pull request", async () => {
    const answer = await send(json(commentPayload()), { event: "pull_request" });
    expect(answer.statusCode).toBe(400);
    expect(await rows()).toEqual(NONE);
  });
});

describe("a wrong webhook writes nothing and says why", () => {
  const good = () => json(pullPayload());
  const cases: readonly (readonly [string, () => string | Buffer, Sent, number, RegExp])[] = [
    ["without an event", good, { headers: { "x-github-event": undefined } }, 400, /X-GitHub-Event/],
    [
      "without a delivery id",
      good,
      { headers: { "x-github-delivery": undefined } },
      400,
      /X-GitHub-Delivery/,
    ],
    ["with a delivery id of odd form", good, { guid: "a b" }, 400, /X-GitHub-Delivery/],
    ["without a signature", good, { headers: { "x-hub-signature-256": undefined } }, 401, /secret/],
    [
      "with a signature of odd form",
      good,
      { headers: { "x-hub-signature-256": "sha256=zz" } },
      401,
      /signature/,
    ],
    ["signed with another secret", good, { secret: "somebody else's secret" }, 401, /signature/],
    ["with an empty body", () => "", {}, 401, /signature/],
    ["whose bytes are not UTF-8", () => Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), {}, 400, /not UTF-8/],
    ["that begins with a byte order mark", () => `\ufeff${good()}`, {}, 400, /not JSON/],
    ["that is truncated", () => good().slice(0, -20), {}, 400, /not JSON/],
    ["that is not JSON", () => "hello", {}, 400, /not JSON/],
    ["that is an array", () => "[]", {}, 400, /object/],
    ["without a pull request", () => json({ action: "opened" }), {}, 400, /pull_request/],
    ["with a number that is a text", () => json({ ...pullPayload(), number: "42" }), {}, 400, /pull_request/],
    [
      "that is form-encoded",
      () => "payload=%7B%7D",
      { headers: { "content-type": "application/x-www-form-urlencoded" } },
      415,
      /application\/json/,
    ],
    ["of 26 MB", () => json({ ...pullPayload(), pad: "x".repeat(26 * 1024 * 1024) }), {}, 413, /large/],
  ];
  it.each(cases)("%s", async (_name, body, sent, status, detail) => {
    const answer = await send(body(), sent);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers["content-type"]).toMatch(/application\/problem\+json/);
    expect(answer.json().detail).toMatch(detail);
    expect(await rows()).toEqual(NONE);
  });
});

describe("a webhook that is not for us gets a 2xx and writes nothing", () => {
  it("for an unknown event, whose body is not even parsed", async () => {
    expect((await send("not json at all", { event: "workflow_run" })).statusCode).toBe(204);
    expect(await rows()).toEqual(NONE);
  });

  it.each([
    ["an unwanted action", "pull_request", pullPayload({ action: "labeled" }), "action"],
    [
      "an edit of the title",
      "pull_request",
      pullPayload({ action: "edited", changes: { title: {} } }),
      "edit",
    ],
    ["a comment on an issue", "issue_comment", commentPayload({ onIssue: true }), "not_a_pull_request"],
    ["an edited comment", "issue_comment", commentPayload({ action: "edited" }), "action"],
    ["a bot's comment", "issue_comment", commentPayload({ bot: true }), "bot"],
    [
      "ordinary conversation",
      "issue_comment",
      commentPayload({ body: "looks good, see /dbt" }),
      "no_command",
    ],
    [
      "an event without an installation",
      "pull_request",
      { ...pullPayload(), installation: undefined },
      "no_installation",
    ],
  ])("for %s", async (_name, event, payload, reason) => {
    const answer = await send(json(payload), { event });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ outcome: "ignored", reason });
    expect(await rows()).toEqual(NONE);
  });
});

describe("GitHub's own examples", () => {
  interface Example {
    readonly name: string;
    readonly examples: readonly unknown[];
  }
  const events = createRequire(import.meta.url)("@octokit/webhooks-examples") as readonly Example[];

  it.each(["check_run", "check_suite"])(
    "of %s, which come unasked, are answered and not kept",
    async (event) => {
      const { examples = [] } = events.find(({ name }) => name === event) ?? {};
      for (const example of examples) expect((await send(json(example), { event })).statusCode).toBe(204);
      expect(examples.length).toBeGreaterThan(0);
      expect(await rows()).toEqual(NONE);
    },
  );

  it("all get a 2xx or a reasoned 4xx", async () => {
    const bad: string[] = [];
    let n = 0;
    for (const { name, examples } of events) {
      for (const example of examples) {
        n += 1;
        const answer = await send(json(example), { event: name, guid: `example-${n}` });
        const reasoned = answer.statusCode < 300 || (answer.statusCode < 500 && answer.json().reason);
        if (!reasoned) bad.push(`${name}: ${answer.statusCode}`);
      }
    }
    expect(bad).toEqual([]);
    expect(n).toBeGreaterThan(300);
  });
});
