import { describe, expect, it } from "vitest";
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
  { max: 8 },
);

const GRACE_MS = 168 * HOUR_MS;
const put = (key: string, body: object = {}) => scene.api.putTenant(by(KEY), key, body, null);
const remove = (key: string) => scene.api.deleteTenant(by(KEY), key, null);
const restore = (key: string) => scene.api.restoreTenant(by(KEY), key);
const get = (key: string) => scene.api.getTenant(KEY, key);
const operation = (id: string | undefined) => scene.api.getOperation(KEY, id ?? "", null);
const clusters = () => [...scene.aws.clusters.values()].map(({ status, fenced }) => ({ status, fenced }));

describe("deleting a customer", () => {
  it("is refused while it is protected, whatever else is asked for", async () => {
    await scene.readyTenant("acme", {});
    expect(await reasonOf(remove("acme"))).toBe("protected");
    await scene.work();
    expect((await get("acme")).phase).toBe("ready");
  });

  it("closes it to everybody and keeps its data for the grace", async () => {
    await scene.readyTenant("acme");
    const { status, body } = await remove("acme");
    expect([status, body.operation?.kind, body.operation?.status]).toEqual([202, "delete", "running"]);
    await scene.work();
    expect(await operation(body.operation?.id)).toMatchObject({ status: "succeeded", phase: "retired" });
    expect(clusters()).toEqual([{ status: "usable", fenced: true }]);
    expect((await get("acme")).retiredUntil?.getTime()).toBeGreaterThan(scene.in(GRACE_MS - 1_000).getTime());
  });

  it("keeps it as long as its own limit says", async () => {
    await scene.readyTenant("acme", { protected: false, limits: { graceHours: 2 } });
    await remove("acme");
    await scene.work();
    scene.pass(2 * HOUR_MS - 60_000);
    await scene.work(0);
    expect((await get("acme")).phase).toBe("retired");
    scene.pass(60_000);
    await scene.work();
    expect((await get("acme")).phase).toBe("destroyed");
    expect(clusters()).toEqual([{ status: "gone", fenced: true }]);
  });

  it("keeps nothing with a grace of 0", async () => {
    await scene.readyTenant("acme", { protected: false, limits: { graceHours: 0 } });
    await remove("acme");
    await scene.work();
    expect(await get("acme")).toMatchObject({ phase: "destroyed", endpoint: null });
    expect(await reasonOf(restore("acme"))).toBe("not_restorable");
  });

  it.each([0, 1, 2, 3, 20])("keeps what was promised at its end (changed after %i steps)", async (steps) => {
    await scene.readyTenant("acme", { protected: false, limits: { graceHours: 5 } });
    await remove("acme");
    for (let at = 0; at < steps; at += 1) await scene.step();
    const patch = (limits: object) => scene.api.patchTenant(by(KEY), "acme", { limits }, null);
    for (const limits of [{ graceHours: 0 }, { graceHours: 6 }, {}]) {
      expect(await reasonOf(patch(limits))).toBe("deleted");
    }
    expect((await patch({ graceHours: 5, tokenSeconds: 60 })).status).toBe(200);
    await scene.work();
    scene.pass(5 * HOUR_MS - 120_000);
    await scene.work(0);
    expect((await get("acme")).phase).toBe("retired");
    expect((await restore("acme")).status).toBe(202);
    await scene.work();
    expect(clusters()).toEqual([{ status: "usable", fenced: false }]);
  });

  it("keeps what was promised at its end, whatever the operator says since", async () => {
    await scene.readyTenant("acme", { protected: false });
    await remove("acme");
    await scene.work();
    Object.assign(scene.context.policy.grace, { tenantMs: 0 });
    await scene.work();
    expect((await get("acme")).phase).toBe("retired");
  });

  it("is settled once nobody can connect any more", async () => {
    await scene.readyTenant("acme");
    const { body } = await remove("acme");
    const seen = [body.environment];
    while (!seen.at(-1)?.settled) {
      await scene.step();
      seen.push(await get("acme"));
    }
    expect(seen[0]).toMatchObject({ phase: "closed", settled: false });
    expect(seen.at(-1)).toMatchObject({ phase: "retired", settled: true });
    expect(clusters()).toEqual([{ status: "usable", fenced: true }]);
  });

  it("a second time begins nothing", async () => {
    await scene.readyTenant("acme");
    await remove("acme");
    const events = (await scene.events((await get("acme")).id)).length;
    expect(await remove("acme")).toMatchObject({ status: 202, body: { operation: null } });
    await scene.work();
    expect(await remove("acme")).toMatchObject({ status: 202, body: { operation: null } });
    expect(
      (await scene.events((await get("acme")).id)).filter(({ kind }) => kind === "deleted"),
    ).toHaveLength(1);
    expect(events).toBeGreaterThan(0);
  });

  it("ten times at once is one delete", async () => {
    const id = await scene.readyTenant("acme");
    const answers = await Promise.all(Array.from({ length: 10 }, () => remove("acme")));
    expect(answers.filter(({ body }) => body.operation !== null)).toHaveLength(1);
    expect((await scene.events(id)).filter(({ kind }) => kind === "deleted")).toHaveLength(1);
  });

  it.each([0, 1, 2, 3])("while it is made leaves nothing behind (after %i steps)", async (steps) => {
    await put("acme", { protected: true });
    for (let at = 0; at < steps; at += 1) await scene.step();
    await scene.api.patchTenant(by(KEY), "acme", { protected: false }, null);
    const { body } = await remove("acme");
    await scene.work();
    expect(await get("acme")).toMatchObject({ phase: "destroyed", endedAt: expect.any(Date) });
    expect(await operation(body.operation?.id)).toMatchObject({ status: "succeeded" });
    expect(clusters().filter(({ status }) => status !== "gone")).toEqual([]);
    expect(await reasonOf(restore("acme"))).toBe("not_restorable");
  });
});

describe("restoring a customer", () => {
  it("gives the same database back, open and ready", async () => {
    await scene.readyTenant("acme");
    const before = await get("acme");
    await remove("acme");
    await scene.work();
    const { status, body } = await restore("acme");
    expect([status, body.operation?.kind, body.operation?.status]).toEqual([202, "restore", "running"]);
    await scene.work();
    expect(await operation(body.operation?.id)).toMatchObject({ status: "succeeded", phase: "ready" });
    const after = await get("acme");
    expect([after.endpoint, after.readyAt, after.retiredUntil]).toEqual([
      before.endpoint,
      expect.any(Date),
      null,
    ]);
    expect(clusters()).toEqual([{ status: "usable", fenced: false }]);
  });

  it("works at once after the delete, before any step closed it", async () => {
    await scene.readyTenant("acme");
    const { endpoint } = await get("acme");
    await remove("acme");
    const { body } = await restore("acme");
    await scene.work();
    expect(await get("acme")).toMatchObject({ phase: "ready", endpoint });
    expect(await operation(body.operation?.id)).toMatchObject({ status: "succeeded" });
    expect(clusters()).toEqual([{ status: "usable", fenced: false }]);
  });

  it.each([1, 2, 3, 4])("works %i steps after the delete", async (steps) => {
    await scene.readyTenant("acme");
    await remove("acme");
    for (let at = 0; at < steps; at += 1) await scene.step();
    await restore("acme");
    await scene.work();
    expect((await get("acme")).phase).toBe("ready");
    expect(clusters()).toEqual([{ status: "usable", fenced: false }]);
  });

  it("and deleting again, and again, ends as the last request says", async () => {
    await scene.readyTenant("acme");
    for (let round = 0; round < 3; round += 1) {
      await remove("acme");
      if (round % 2 === 0) await scene.work();
      await restore("acme");
      if (round % 2 === 1) await scene.work();
    }
    const { body } = await remove("acme");
    await scene.work();
    expect(await get("acme")).toMatchObject({ phase: "retired", wanted: "absent" });
    expect(await operation(body.operation?.id)).toMatchObject({ status: "succeeded" });
    expect(clusters()).toEqual([{ status: "usable", fenced: true }]);
  });

  it("is refused after the grace, and for one that was never deleted", async () => {
    await scene.readyTenant("acme");
    expect(await reasonOf(restore("acme"))).toBe("not_restorable");
    await remove("acme");
    await scene.work();
    scene.pass(GRACE_MS);
    await scene.work();
    expect(await reasonOf(restore("acme"))).toBe("not_restorable");
  });

  it("does not move the time at which it was made", async () => {
    await scene.readyTenant("acme");
    const { createdAt } = await get("acme");
    scene.pass(HOUR_MS);
    await remove("acme");
    await scene.work();
    await restore("acme");
    await scene.work();
    expect((await get("acme")).createdAt).toEqual(createdAt);
  });

  it.each<[string, object, boolean]>([
    ["protects it again if it was made protected", {}, true],
    ["leaves it unprotected if it always was", { protected: false }, false],
  ])("%s", async (_what, put, isProtected) => {
    await scene.readyTenant("acme", put);
    await scene.api.patchTenant(by(KEY), "acme", { protected: false }, null);
    await remove("acme");
    await scene.work();
    const { body } = await restore("acme");
    expect(body.environment.protected).toBe(isProtected);
    await scene.work();
    expect([...scene.aws.clusters.values()].map(({ deletionProtected }) => deletionProtected)).toEqual([
      isProtected,
    ]);
    expect((await get("acme")).phase).toBe("ready");
  });

  it("protects it again if it was protected since", async () => {
    await scene.readyTenant("acme", { protected: false });
    for (const isProtected of [true, false]) {
      await scene.api.patchTenant(by(KEY), "acme", { protected: isProtected }, null);
    }
    await remove("acme");
    expect((await restore("acme")).body.environment.protected).toBe(true);
    expect(await reasonOf(remove("acme"))).toBe("protected");
  });

  it("takes away an end that has passed meanwhile", async () => {
    await scene.readyTenant("acme", { protected: false, until: scene.in(HOUR_MS) });
    scene.pass(HOUR_MS);
    await scene.work();
    expect(await get("acme")).toMatchObject({ phase: "retired", reason: "expired" });
    await restore("acme");
    await scene.work();
    expect(await get("acme")).toMatchObject({ phase: "ready", until: null });
  });

  it("of one that is there for nobody is not found", async () => {
    expect(await reasonOf(restore("nobody"))).toBe("not_found");
  });
});

describe("putting a customer that was deleted", () => {
  it("is refused while its data is kept or on its way out", async () => {
    await scene.readyTenant("acme");
    await remove("acme");
    expect(await reasonOf(put("acme"))).toBe("deleted");
    await scene.work();
    expect(await reasonOf(put("acme"))).toBe("deleted");
    expect(await reasonOf(scene.api.migrateTenant(by(KEY), "acme", { files: [] }))).toBe("deleted");
  });

  it("after the end makes a new database with nothing of the old one", async () => {
    await scene.readyTenant("acme", { protected: false, labels: { old: "1" }, limits: { graceHours: 0 } });
    await scene.api.migrateTenant(by(KEY), "acme", {
      files: [{ path: "1.sql", sql: "create table a (id int)" }],
    });
    await scene.work();
    const before = await get("acme");
    await remove("acme");
    await scene.work();
    scene.databases.ran.length = 0;
    const { status, body } = await put("acme", { labels: { new: "1" } });
    expect([status, body.operation?.kind]).toEqual([201, "create"]);
    expect(body.environment).toMatchObject({ endpoint: null, readyAt: null, endedAt: null, protected: true });
    await scene.work();
    const after = await get("acme");
    expect(after).toMatchObject({ phase: "ready", labels: { new: "1" }, limits: {} });
    expect(after.migrations).toEqual({ digest: "", statements: 0, applied: 0 });
    expect(after.endpoint?.identifier).not.toBe(before.endpoint?.identifier);
    expect(scene.databases.ran).toEqual([]);
    expect(clusters()).toEqual([
      { status: "gone", fenced: false },
      { status: "usable", fenced: false },
    ]);
  });

  it("by ten at once after the end makes one", async () => {
    await scene.readyTenant("acme", { protected: false, limits: { graceHours: 0 } });
    await remove("acme");
    await scene.work();
    const answers = await Promise.all(Array.from({ length: 10 }, () => put("acme")));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    await scene.work();
    expect(clusters().filter(({ status }) => status === "usable")).toHaveLength(1);
  });
});
