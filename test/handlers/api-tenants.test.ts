import { beforeEach, describe, expect, it } from "vitest";
import { LABELS_MAX } from "../../service/domain/limits.ts";
import { keyCaller } from "../support/api.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { type ApiScene, by, createApiScene, HOUR_MS, KEY, reasonOf } from "./api-scene.ts";

let base: TestStore;
let scene: ApiScene;
eachStore(
  (empty) => {
    base = empty;
    scene = createApiScene(base);
  },
  { max: 12 },
);

const put = (key: string, body: object = {}, write = by(KEY)) => scene.api.putTenant(write, key, body, null);
const patch = (key: string, body: object, ifMatch: number | null = null, write = by(KEY)) =>
  scene.api.patchTenant(write, key, body, ifMatch);
const RED = keyCaller({ id: "key_red", name: "red", selector: { team: "red" } });

describe("putting a customer", () => {
  it("makes it with 201, and says 200 with nothing begun when it is there as it was asked for", async () => {
    const made = await put("acme", { labels: { plan: "pro" } });
    expect(made).toMatchObject({ status: 201, body: { operation: { kind: "create", status: "running" } } });
    const again = await put("acme", { labels: { plan: "pro" } });
    expect(again).toMatchObject({ status: 200, body: { operation: null, environment: { revision: 1 } } });
    expect(await scene.events(made.body.environment.id)).toHaveLength(1);
  });

  it("protects it unless that is asked otherwise, and AWS holds the protection", async () => {
    expect((await put("acme")).body.environment.protected).toBe(true);
    await scene.work();
    expect([...scene.aws.clusters.values()].map((one) => one.deletionProtected)).toEqual([true]);
  });

  it("with other labels sets them, and leaves what is left out", async () => {
    await put("acme", { labels: { a: "1" }, limits: { tokenSeconds: 60 } });
    const { status, body } = await put("acme", { labels: { b: "2" } });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      operation: null,
      environment: { revision: 2, limits: { tokenSeconds: 60 } },
    });
    expect(body.environment.labels).toEqual({ b: "2" });
  });

  it("takes labels in another order for the same", async () => {
    await put("acme", { labels: { a: "1", b: "2" } });
    expect((await put("acme", { labels: { b: "2", a: "1" } })).body.environment.revision).toBe(1);
  });

  it.each([null, "one-key"])("ten times at once makes one (Idempotency-Key %s)", async (key) => {
    const body = { labels: { plan: "pro" } };
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => put("acme", body, by(KEY, key, body))),
    );
    const ids = new Set(answers.map((answer) => answer.body.environment.id));
    expect(ids.size).toBe(1);
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(key === null ? 1 : 10);
    if (key !== null) expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    await scene.work();
    expect([await scene.count("environment"), await scene.count("cluster")]).toEqual([1, 1]);
    expect([await scene.count("operation"), scene.aws.clusters.size]).toEqual([1, 1]);
  });

  it("under an Idempotency-Key that came with another request does nothing", async () => {
    await put("acme", {}, by(KEY, "k", "one"));
    expect(await reasonOf(put("other", {}, by(KEY, "k", "two")))).toBe("idempotency_key_reused");
    expect(await scene.count("environment")).toBe(1);
  });

  it("is not taken back by an older request that arrives again", async () => {
    await put("acme", { labels: { v: "1" } }, by(KEY, "first", 1));
    await put("acme", { labels: { v: "2" } }, by(KEY, "second", 2));
    const late = await put("acme", { labels: { v: "1" } }, by(KEY, "first", 1));
    expect(late).toMatchObject({ status: 201, replayed: true });
    expect((await scene.api.getTenant(KEY, "acme")).labels).toEqual({ v: "2" });
  });

  it("counts an Idempotency-Key per caller", async () => {
    await put("acme", {}, by(KEY, "k", 1));
    const other = await put("acme", {}, by(keyCaller({ id: "key_other" }), "k", 1));
    expect(other).toMatchObject({ status: 200, replayed: false });
  });

  it.each([-1, 0])("refuses an end that is %i ms from now", async (ms) => {
    expect(await reasonOf(put("acme", { until: scene.in(ms) }))).toBe("invalid_request");
    await put("acme");
    expect(await reasonOf(put("acme", { until: scene.in(ms) }))).toBe("invalid_request");
  });
});

describe("patching a customer", () => {
  it("merges labels, and a null takes one away", async () => {
    await put("acme", { labels: { a: "1", b: "2" } });
    const { body } = await patch("acme", { labels: { a: null, c: "3" } });
    expect(body.labels).toEqual({ b: "2", c: "3" });
    expect(body.revision).toBe(2);
  });

  it("removes a label that is not there without a change", async () => {
    await put("acme", { labels: { a: "1" } });
    expect((await patch("acme", { labels: { z: null } })).body.revision).toBe(1);
  });

  it("keeps labels under names that objects have anyway", async () => {
    await put("acme", { labels: { constructor: "x", toString: "y" } });
    await patch("acme", { labels: { constructor: null } });
    const shown = await scene.api.listTenants(KEY, { labels: { toString: "y" }, limit: 5, cursor: null });
    expect(shown.items.map(({ labels }) => labels)).toEqual([{ toString: "y" }]);
    const hidden = await scene.api.listTenants(KEY, { labels: { constructor: "x" }, limit: 5, cursor: null });
    expect(hidden.items).toEqual([]);
  });

  it("never makes more labels than there may be", async () => {
    const many = (from: number) =>
      Object.fromEntries(Array.from({ length: LABELS_MAX }, (_, at) => [`l${from + at}`, "x"]));
    await put("acme", { labels: many(0) });
    expect(await reasonOf(patch("acme", { labels: { more: "x" } }))).toBe("invalid_request");
    expect((await patch("acme", { labels: { l0: null, more: "x" } })).status).toBe(200);
  });

  it("sets limits as a whole and the end, or takes the end away", async () => {
    await put("acme", { limits: { tokenSeconds: 60 } });
    const until = scene.in(HOUR_MS);
    const changed = await patch("acme", { limits: { graceHours: 1 }, until });
    expect(changed.body).toMatchObject({ limits: { graceHours: 1 }, until });
    expect((await patch("acme", { until: null })).body.until).toBeNull();
    expect(await reasonOf(patch("acme", { until: scene.in(-1) }))).toBe("invalid_request");
  });

  it("of protection reaches AWS", async () => {
    await scene.readyTenant("acme", {});
    await patch("acme", { protected: false });
    await scene.work();
    expect([...scene.aws.clusters.values()].map((one) => one.deletionProtected)).toEqual([false]);
  });

  it("that changes nothing leaves no trace", async () => {
    const { body } = await put("acme", { labels: { a: "1" } });
    await patch("acme", { labels: { a: "1" }, protected: true, until: null });
    expect(await scene.events(body.environment.id)).toHaveLength(1);
  });

  it("with the revision that was seen is done, with another is not", async () => {
    await put("acme");
    expect((await patch("acme", { labels: { a: "1" } }, 1)).body.revision).toBe(2);
    expect(await reasonOf(patch("acme", { labels: { a: "2" } }, 1))).toBe("precondition_failed");
    expect(await reasonOf(scene.api.deleteTenant(by(KEY), "acme", 1))).toBe("precondition_failed");
  });

  it("by ten at once with the same revision is done by one", async () => {
    await put("acme");
    const tries = Array.from({ length: 10 }, (_, at) => patch("acme", { labels: { by: `n${at}` } }, 1));
    const outcomes = await Promise.allSettled(tries);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("by ten at once without a revision loses none", async () => {
    await put("acme");
    await Promise.all(Array.from({ length: 10 }, (_, at) => patch("acme", { labels: { [`n${at}`]: "x" } })));
    expect(await scene.api.getTenant(KEY, "acme")).toMatchObject({ revision: 11 });
    expect(Object.keys((await scene.api.getTenant(KEY, "acme")).labels)).toHaveLength(10);
  });

  it("of one that was deleted does not protect what is on its way out", async () => {
    await scene.readyTenant("acme");
    await scene.api.deleteTenant(by(KEY), "acme", null);
    await scene.work();
    expect(await reasonOf(patch("acme", { protected: true }))).toBe("deleted");
    expect((await patch("acme", { labels: { note: "leaving" } })).status).toBe(200);
  });
});

describe("a key that is bound to labels", () => {
  beforeEach(async () => {
    await put("ours", { labels: { team: "red" }, protected: false });
    await put("theirs", { labels: { team: "blue" }, protected: false });
    await put("nobodys", { protected: false });
  });

  it("makes none without its labels", async () => {
    expect(await reasonOf(put("new", {}, by(RED)))).toBe("selector");
    expect(await reasonOf(put("new", { labels: { team: "blue" } }, by(RED)))).toBe("selector");
    expect((await put("new", { labels: { team: "red", a: "1" } }, by(RED))).status).toBe(201);
  });

  it.each<[string, object]>([
    ["takes its label away", { team: null }],
    ["changes its label", { team: "blue" }],
  ])("cannot leave its labels by a patch that %s", async (_what, labels) => {
    expect(await reasonOf(patch("ours", { labels }, null, by(RED)))).toBe("selector");
  });

  it("cannot leave its labels by a put", async () => {
    expect(await reasonOf(put("ours", { labels: {} }, by(RED)))).toBe("selector");
    expect((await put("ours", { limits: { graceHours: 1 } }, by(RED))).status).toBe(200);
  });

  const foreign: readonly [string, (key: string) => Promise<unknown>][] = [
    ["get", (key) => scene.api.getTenant(RED, key)],
    ["patch", (key) => patch(key, { labels: { team: "red" } }, null, by(RED))],
    ["patch with a wrong revision", (key) => patch(key, {}, 99, by(RED))],
    ["delete", (key) => scene.api.deleteTenant(by(RED), key, null)],
    ["restore", (key) => scene.api.restoreTenant(by(RED), key)],
    ["migrate", (key) => scene.api.migrateTenant(by(RED), key, { files: [] })],
    ["token", (key) => scene.api.tenantToken(RED, key, { role: "owner", seconds: null })],
    ["reader's token", (key) => scene.api.tenantToken(RED, key, { role: "reader", seconds: null })],
    ["events", (key) => scene.api.tenantEvents(RED, key, { limit: 5, cursor: null })],
  ];
  it.each(foreign)("finds nothing of others: %s", async (_what, ask) => {
    for (const key of ["theirs", "nobodys", "none-at-all"])
      expect(await reasonOf(ask(key))).toBe("not_found");
  });

  it("cannot take over the key of another's customer, live or ended", async () => {
    const mine = { labels: { team: "red" } };
    expect(await reasonOf(put("theirs", mine, by(RED)))).toBe("not_found");
    await scene.api.deleteTenant(by(KEY), "theirs", null);
    await scene.work();
    expect((await scene.api.getTenant(KEY, "theirs")).endedAt).not.toBeNull();
    expect(await reasonOf(put("theirs", mine, by(RED)))).toBe("not_found");
  });

  it("finds nothing by the id either", async () => {
    const { id } = await scene.api.getTenant(KEY, "theirs");
    expect(await reasonOf(scene.api.getEnvironment(RED, id, null))).toBe("not_found");
    expect(await reasonOf(scene.api.destroyEnvironment(by(RED), id))).toBe("not_found");
    expect(await reasonOf(scene.api.environmentToken(RED, id, { role: "owner", seconds: null }))).toBe(
      "not_found",
    );
  });

  it("lists its own only, in full pages with cursors that lead to the end", async () => {
    for (let at = 0; at < 6; at += 1) {
      scene.pass(1);
      await put(`more-${at}`, { labels: { team: at % 2 ? "red" : "blue" } });
    }
    const filter = { labels: {}, limit: 2, cursor: null };
    const first = await scene.api.listTenants(RED, filter);
    const second = await scene.api.listTenants(RED, { ...filter, cursor: first.nextCursor });
    const keys = [first, second].map(({ items }) => items.map(({ owner }) => owner.key));
    expect(keys).toEqual([
      ["ours", "more-1"],
      ["more-3", "more-5"],
    ]);
    expect([first.nextCursor === null, second.nextCursor]).toEqual([false, null]);
    const others = await scene.api.listTenants(RED, { ...filter, labels: { team: "blue" } });
    expect(others).toEqual({ items: [], nextCursor: null });
  });
});
