import { describe, expect, it } from "vitest";
import { TENANT_MIGRATIONS_BYTES } from "../../service/domain/limits.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { type ApiScene, by, createApiScene, KEY, reasonOf } from "./api-scene.ts";

let base: TestStore;
let scene: ApiScene;
eachStore(
  async (empty) => {
    base = empty;
    scene = createApiScene(base);
    await scene.readyTenant("acme");
  },
  { max: 12 },
);

const file = (path: string, sql: string) => ({ path, sql });
const A = file("1.sql", "create table a (id int)");
const B = file("2.sql", "create table b (id int)");
const put = (...files: readonly { path: string; sql: string }[]) =>
  scene.api.migrateTenant(by(KEY), "acme", { files });
const get = () => scene.api.getTenant(KEY, "acme");
const operation = (id: string | undefined) => scene.api.getOperation(KEY, id ?? "", null);
const identifiers = () => [...scene.aws.clusters.keys()];

describe("a customer's migrations", () => {
  it("are applied, one after the other, to the database that is there", async () => {
    const { status, body } = await put(A, B);
    expect([status, body.operation?.kind, body.operation?.status]).toEqual([202, "migrate", "running"]);
    await scene.work();
    expect(await operation(body.operation?.id)).toMatchObject({ status: "succeeded", failure: null });
    expect(scene.databases.ran).toEqual([A.sql, B.sql]);
    expect((await get()).migrations).toMatchObject({ statements: 2, applied: 2 });
  });

  it("that it has already begin nothing", async () => {
    await put(A);
    expect(await put(A)).toMatchObject({ status: 200, body: { operation: null } });
    await scene.work();
    expect(await put(A)).toMatchObject({ status: 200, body: { operation: null } });
    expect(scene.databases.ran).toEqual([A.sql]);
  });

  it("with one more run that one only", async () => {
    await put(A);
    await scene.work();
    await put(A, B);
    await scene.work();
    expect(scene.databases.ran).toEqual([A.sql, B.sql]);
    expect(identifiers()).toHaveLength(1);
  });

  it("that change an applied statement fail as diverged, and nothing is rebuilt", async () => {
    await put(A);
    await scene.work();
    const { body } = await put(file("1.sql", "create table other (id int)"));
    await scene.work();
    expect(await operation(body.operation?.id)).toMatchObject({
      status: "failed",
      failure: { reason: "migration_diverged" },
    });
    expect(await get()).toMatchObject({ phase: "failed", failure: { reason: "migration_diverged" } });
    expect([identifiers().length, scene.databases.ran]).toEqual([1, [A.sql]]);
  });

  it("that diverged work again once the applied statement is back", async () => {
    await put(A);
    await scene.work();
    await put(file("1.sql", "create table other (id int)"));
    await scene.work();
    const { body } = await put(A, B);
    await scene.work();
    expect(await operation(body.operation?.id)).toMatchObject({ status: "succeeded" });
    expect([identifiers().length, scene.databases.ran]).toEqual([1, [A.sql, B.sql]]);
  });

  it("that change an applied statement after another one failed are said to have diverged", async () => {
    await put(A);
    await scene.work();
    scene.databases.outcomes.push({ kind: "failed", code: "42P07", message: "it exists" });
    await put(A, B);
    await scene.work();
    await put(file("1.sql", "create table other (id int)"), B);
    await scene.work();
    expect((await get()).failure).toMatchObject({ reason: "migration_diverged", file: null });
  });

  it("of which one fails tell which, and are tried again when they come again", async () => {
    scene.databases.outcomes.push(
      { kind: "applied" },
      { kind: "failed", code: "42P07", message: "it exists" },
    );
    const { body } = await put(A, B);
    await scene.work();
    expect(await operation(body.operation?.id)).toMatchObject({
      status: "failed",
      failure: { reason: "migration_failed", message: "42P07: it exists", file: "2.sql", line: 1 },
    });
    const again = await put(A, B);
    expect(again.status).toBe(202);
    await scene.work();
    expect(await operation(again.body.operation?.id)).toMatchObject({ status: "succeeded" });
    expect(await operation(body.operation?.id)).toMatchObject({ status: "superseded" });
    expect(scene.databases.ran).toEqual([A.sql, B.sql, B.sql]);
  });

  it("of which one was lost say so, and are sent once more when they come again", async () => {
    scene.databases.outcomes.push({ kind: "applied" }, { kind: "lost", cause: "ECONNRESET" });
    const { body } = await put(A, B);
    await scene.work();
    expect(await operation(body.operation?.id)).toMatchObject({
      status: "failed",
      failure: { reason: "outcome_unknown", file: "2.sql", line: 1 },
    });
    const again = await put(A, B);
    await scene.work();
    expect(await operation(again.body.operation?.id)).toMatchObject({ status: "succeeded" });
    expect([identifiers().length, scene.databases.ran]).toEqual([1, [A.sql, B.sql, B.sql]]);
  });

  it("may be put before the database is there", async () => {
    await scene.api.putTenant(by(KEY), "new", { protected: false }, null);
    const { body } = await scene.api.migrateTenant(by(KEY), "new", { files: [A] });
    await scene.work();
    expect(await operation(body.operation?.id)).toMatchObject({ status: "succeeded" });
    expect((await scene.api.getTenant(KEY, "new")).migrations).toMatchObject({ applied: 1 });
  });

  it("by ten at once begin one operation", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => put(A)));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    await scene.work();
    expect(scene.databases.ran).toEqual([A.sql]);
  });

  it.each<[string, readonly { path: string; sql: string }[]]>([
    ["together too large", [file("1.sql", "x".repeat(TENANT_MIGRATIONS_BYTES)), file("2.sql", "x")]],
    ["with a NUL", [file("1.sql", "select '\u0000'")]],
    ["two under one path", [A, { ...B, path: A.path }]],
  ])("%s are refused and change nothing", async (_what, files) => {
    expect(await reasonOf(put(...files))).toBe("invalid_request");
    expect(await get()).toMatchObject({ phase: "ready", revision: 1 });
    expect(await scene.count("migration_set")).toBe(0);
  });

  it("as large as may be are stored and read back", async () => {
    const line = "create table a (id int)\n";
    const sql = line.repeat(100);
    const stored = JSON.stringify([{ path: "1.sql", text: sql }]).length;
    const spaces = " ".repeat(TENANT_MIGRATIONS_BYTES - stored);
    expect(await reasonOf(put(file("1.sql", `${sql}${spaces} `)))).toBe("invalid_request");
    expect((await put(file("1.sql", `${sql}${spaces}`))).status).toBe(202);
    await scene.work();
    expect(scene.databases.ran.length).toBeGreaterThan(0);
  });

  it("of two customers with the same files share them", async () => {
    await scene.readyTenant("other");
    await put(A);
    await scene.api.migrateTenant(by(KEY), "other", { files: [A] });
    await scene.work();
    expect(await scene.count("migration_set")).toBe(1);
    expect(scene.databases.ran).toEqual([A.sql, A.sql]);
  });
});
