import { beforeEach, describe, expect, it } from "vitest";
import { Retryable } from "../../service/domain/errors.ts";
import { STATEMENT_LOSSES_MAX, STATEMENT_RETRIES } from "../../service/domain/limits.ts";
import type { StatementOutcome } from "../../service/handlers/ports.ts";
import { NOW, SEEN } from "../domain/builders.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { createScene, LEASE_MS, type Scene } from "./scene.ts";

const LOST = { kind: "lost", cause: "Query read timeout" } as const;
const CONFLICT = { kind: "conflict" } as const;
const APPLIED = { kind: "applied" } as const;
const BUILDING = { kind: "building", jobId: "job_1" } as const;
const FAILED = { kind: "failed", code: "42P07", message: 'relation "b" already exists' } as const;
const A = "create table a (id int)";
const B = "create table b (id int)";

let store: TestStore;
let scene: Scene;
eachStore(async (empty) => {
  store = empty;
  scene = createScene(store);
  await scene.given({ servingId: "cl_1" }, { id: "cl_1", status: "available", ...SEEN });
});

const cluster = () => store.store.cluster("cl_1");
const states = async () => (await store.store.ledger("cl_1")).map((row) => row.state);

async function migrate(...outcomes: readonly StatementOutcome[]) {
  scene.databases.outcomes = [...outcomes];
  await scene.run("environment", "env_1");
}

async function push(migrations: string) {
  scene.github.migrations = migrations;
  const environment = await store.store.environment("env_1");
  if (!environment) throw new Error("There is no environment.");
  const generation = environment.generation + 1;
  await store.store.transaction((tx) =>
    tx.updateEnvironment(environment, { generation, planGeneration: generation, wantedAt: NOW }),
  );
}

describe("a migration", () => {
  it("runs each statement once, in order, and is applied", async () => {
    await migrate();
    expect(scene.databases.ran).toEqual([A, B]);
    expect(await states()).toEqual(["applied", "applied"]);
    expect(await cluster()).toMatchObject({ migrationState: "applied", migrationGeneration: 1 });
    expect(scene.databases.closed).toBe(1);
  });

  it("of nothing is applied without a connection", async () => {
    scene.github.migrations = "";
    scene.databases.openError = new Retryable("connect_failed", "away");
    await migrate();
    expect(await cluster()).toMatchObject({ migrationState: "applied" });
  });

  it("goes on where the last push ended", async () => {
    await migrate();
    await push(`${A}\n${B}\ncreate table c (id int)\n`);
    await migrate();
    expect(scene.databases.ran).toEqual([A, B, "create table c (id int)"]);
  });

  it("waits for a cluster that does not answer", async () => {
    scene.databases.openError = new Retryable("connect_failed", "away");
    await migrate();
    expect(await cluster()).toMatchObject({ migrationGeneration: 0 });
    expect(await scene.dueInMs("environment", "env_1")).toBeGreaterThan(0);
  });

  it("that a statement ends has failed, with what the server said; the next push repairs it", async () => {
    await migrate(APPLIED, FAILED);
    expect(await cluster()).toMatchObject({ migrationState: "failed" });
    expect((await store.store.ledger("cl_1"))[1]).toMatchObject({ code: "42P07", message: FAILED.message });
    await push(`${A}\ncreate table c (id int)\n`);
    await migrate();
    expect(scene.databases.ran).toEqual([A, B, "create table c (id int)"]);
    expect(await cluster()).toMatchObject({ migrationState: "applied", migrationGeneration: 2 });
  });

  it("needs a fresh cluster if an applied statement was changed", async () => {
    await migrate();
    await push("create table a (id bigint)\n");
    await migrate();
    expect(scene.databases.ran).toEqual([A, B]);
    expect(await cluster()).toMatchObject({ migrationState: "diverged", migrationGeneration: 2 });
  });

  it("repeats a statement that met a conflict, and fails if it meets nothing else", async () => {
    await migrate(CONFLICT, CONFLICT);
    expect(scene.databases.ran).toEqual([A, A, A, B]);
    await push(`${A}\n${B}\ncreate table c (id int)\n`);
    await migrate(...Array.from({ length: STATEMENT_RETRIES }, () => CONFLICT));
    expect((await store.store.ledger("cl_1"))[2]).toMatchObject({ state: "failed", code: "40001" });
  });
});

describe("a statement whose outcome nobody knows", () => {
  it("is not repeated: its cluster is let go of", async () => {
    await migrate(LOST);
    expect(await states()).toEqual(["started"]);
    await migrate();
    expect(scene.databases.ran).toEqual([A]);
    expect(await cluster()).toMatchObject({ migrationState: "diverged" });
    await migrate();
    expect(await cluster()).toMatchObject({ use: "remove" });
    expect(await store.store.environment("env_1")).toMatchObject({ servingId: null });
  });

  it("fails the migration when it was lost again and again, and a push gets a fresh cluster", async () => {
    await store.store.transaction(async (tx) => {
      for (let i = 1; i < STATEMENT_LOSSES_MAX; i += 1) {
        const event = { environmentId: "env_1", id: `evt_${i}`, at: NOW, actor: null, detail: null };
        await tx.addEvent({ ...event, kind: "statement_lost" });
      }
    });
    await migrate(LOST);
    expect(await cluster()).toMatchObject({ migrationState: "failed" });
    expect((await store.store.ledger("cl_1"))[0]).toMatchObject({ state: "failed", code: "statement_lost" });
    await push(`${A}\n`);
    await migrate();
    expect(scene.databases.ran).toEqual([A]);
    expect(await cluster()).toMatchObject({ migrationState: "diverged" });
  });
});

describe("an index", () => {
  beforeEach(() => {
    scene.github.migrations = "create index on a (id)\n";
  });

  it("is waited for in a step of its own", async () => {
    scene.databases.jobs = [{ kind: "building" }];
    await migrate(BUILDING);
    expect(await states()).toEqual(["building"]);
    await migrate();
    expect(await states()).toEqual(["applied"]);
    expect(scene.databases.ran).toHaveLength(1);
  });

  it("that cannot be built fails the migration, and the next push gets a fresh cluster", async () => {
    scene.databases.jobs = [{ kind: "failed", message: "duplicate key" }];
    await migrate(BUILDING);
    expect((await store.store.ledger("cl_1"))[0]).toMatchObject({ code: "index_build_failed" });
    await push("create index on a (name)\n");
    await migrate();
    expect(await cluster()).toMatchObject({ migrationState: "diverged" });
  });

  it("that DSQL does not list is waited for, but not for ever", async () => {
    const unknown = { kind: "unknown", cause: "not listed" } as const;
    scene.databases.jobs = [unknown, unknown];
    await migrate(BUILDING);
    expect(await states()).toEqual(["building"]);
    scene.pass(3_600_000);
    await migrate();
    expect(await cluster()).toMatchObject({ migrationState: "diverged" });
  });
});

describe("a migration that runs while", () => {
  it("a push comes begins no further statement", async () => {
    scene.databases.before = async (sql) => {
      if (sql === A) await push(`${A}\n${B}\n`);
    };
    await migrate();
    expect(scene.databases.ran).toEqual([A]);
    expect(await states()).toEqual(["applied"]);
    await migrate();
    expect(scene.databases.ran).toEqual([A, B]);
    expect(await cluster()).toMatchObject({ migrationState: "applied", migrationGeneration: 2 });
  });

  it("another worker takes the key writes nothing more", async () => {
    scene.databases.before = async () => {
      scene.pass(LEASE_MS + 1);
      const due = await store.store.due(scene.context.clock.now(), 64);
      const mine = due.filter((one) => one.topic === "environment");
      const until = new Date(NOW.getTime() + 10 * LEASE_MS);
      await store.store.claim(mine, "lease_other", scene.context.clock.now(), until);
    };
    await migrate();
    expect(scene.databases.ran).toEqual([A]);
    expect(await states()).toEqual(["started"]);
    expect(await cluster()).toMatchObject({ migrationGeneration: 0 });
  });
});
