import { describe, expect, it } from "vitest";
import type { Caller } from "../../service/domain/caller.ts";
import { IDEMPOTENCY_HOURS } from "../../service/domain/limits.ts";
import { once } from "../../service/handlers/idempotency.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { START } from "./credentials-scene.ts";

let base: TestStore;
eachStore(
  (empty) => {
    base = empty;
  },
  { max: 8 },
);

const CALLER: Caller = { kind: "key", id: "key_a", name: "a", scopes: [], selector: null, expiresAt: null };
const HOUR_MS = 3_600_000;
let effects = 0;

interface Sent {
  readonly digest?: string;
  readonly caller?: Caller;
  readonly key?: string | null;
  readonly now?: Date;
}

/** A write whose effect is one event. */
function write({ digest = "d1", caller = CALLER, key = "k1", now = START }: Sent = {}) {
  const repeat = key === null ? null : { key, digest };
  return base.store.transaction((tx) =>
    once(tx, { caller, repeat }, now, async () => {
      effects += 1;
      const id = `evt_${effects}`;
      await tx.addEvent({ environmentId: "env_1", id, at: now, kind: "made", actor: null, detail: null });
      return { status: 201, body: { id, at: now } };
    }),
  );
}

async function events(): Promise<number> {
  return (await base.store.events("env_1")).length;
}

describe("a write with an Idempotency-Key", () => {
  it("has one effect and the same answer, however often it comes", async () => {
    const first = await write();
    const second = await write();
    expect([first.replayed, second.replayed]).toEqual([false, true]);
    expect(JSON.stringify(second.body)).toBe(JSON.stringify(first.body));
    expect([second.status, await events()]).toEqual([201, 1]);
  });

  it("has one effect and the same answer if it comes many times at once", async () => {
    const answers = await Promise.all(Array.from({ length: 16 }, () => write()));
    expect(new Set(answers.map(({ status, body }) => JSON.stringify({ status, body })))).toHaveLength(1);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await events()).toBe(1);
  });

  it("is refused if the same key comes with another request", async () => {
    await write();
    await expect(write({ digest: "d2" })).rejects.toMatchObject({ reason: "idempotency_key_reused" });
    expect(await events()).toBe(1);
  });

  it("is another one for another caller, and with another key", async () => {
    await write();
    await write({ caller: { ...CALLER, id: "key_b" }, digest: "d2" });
    await write({ key: "k2", digest: "d2" });
    expect(await events()).toBe(3);
  });

  it("is forgotten after a day", async () => {
    await write();
    const later = new Date(START.getTime() + IDEMPOTENCY_HOURS * HOUR_MS + 1);
    expect((await write({ digest: "d2", now: later })).replayed).toBe(false);
    expect((await write({ digest: "d2", now: later })).replayed).toBe(true);
  });

  it("is not remembered if its effect failed", async () => {
    const failing = base.store.transaction((tx) =>
      once(tx, { caller: CALLER, repeat: { key: "k1", digest: "d1" } }, START, () =>
        Promise.reject(new Error("no room")),
      ),
    );
    await expect(failing).rejects.toThrow("no room");
    expect((await write()).replayed).toBe(false);
  });

  it("may come without a key, and then counts each time", async () => {
    await write({ key: null });
    await write({ key: null });
    expect(await events()).toBe(2);
  });

  it("is deleted some time after it is forgotten, a bounded number at a time", async () => {
    for (const key of ["k1", "k2", "k3"]) await write({ key });
    const later = new Date(START.getTime() + 1);
    expect(await base.store.transaction((tx) => tx.forgetExpired(later, later, 2))).toBe(2);
    expect(await base.store.transaction((tx) => tx.forgetExpired(later, later, 2))).toBe(1);
  });
});
