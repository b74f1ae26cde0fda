import { describe, expect, it } from "vitest";
import type { Cluster } from "../../service/domain/cluster.ts";
import type { Environment } from "../../service/domain/environment.ts";
import { createApiHandlers } from "../../service/handlers/api.ts";
import type { StartedView, Wait } from "../../service/handlers/api-types.ts";
import { viewOperation } from "../../service/handlers/operations.ts";
import type { OperationRow, StoreReads } from "../../service/handlers/ports-store.ts";
import { clusterOf, environmentOf, NOW } from "../domain/builders.ts";
import { keyCaller } from "../support/api.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import {
  type ApiScene,
  branchPlace,
  by,
  createApiScene,
  jobCaller,
  KEY,
  personCaller,
  pullPlace,
  reasonOf,
  SHOP,
} from "./api-scene.ts";

let base: TestStore;
let scene: ApiScene;
eachStore(
  (empty) => {
    base = empty;
    scene = createApiScene(base);
  },
  { max: 8 },
);

const KINDS = ["create", "restore", "migrate", "reset", "delete"] as const;
const GENERATION = 3;
const served = { id: "cl_1", status: "available", migrationGeneration: GENERATION } as const;
const ready = { ...served, migrationState: "applied", verifiedGeneration: GENERATION } as const;
const present = { generation: GENERATION, planGeneration: GENERATION, servingId: "cl_1" } as const;
const absent = { ...present, wanted: "absent", wantedReason: "api_destroy" } as const;

/** Every phase, as rows: an environment with its cluster, and what an operation of its generation is then. */
const PHASES: readonly [string, Partial<Environment>, Partial<Cluster> | null, string, string][] = [
  ["queued", { ...present, servingId: null }, null, "running", "running"],
  ["waiting", { ...present, servingId: null, queuedAt: NOW }, null, "running", "running"],
  ["creating", present, { id: "cl_1", status: "creating" }, "running", "running"],
  ["creating", present, { ...ready, fencedAt: NOW }, "running", "running"],
  ["creating", present, { ...ready, use: "retired" }, "running", "running"],
  ["migrating", present, { ...served, migrationGeneration: 2 }, "running", "running"],
  ["verifying", present, { ...served, migrationState: "applied", migrationSince: NOW }, "running", "running"],
  [
    "unverified",
    present,
    { ...served, migrationState: "applied", migrationSince: new Date(0) },
    "failed",
    "-",
  ],
  ["ready", present, ready, "succeeded", "-"],
  ["failed", present, { ...served, migrationState: "failed" }, "failed", "-"],
  ["closed", absent, ready, "running", "running"],
  ["closed", absent, { ...ready, use: "remove", status: "removing" }, "running", "running"],
  ["retired", absent, { ...ready, use: "retired" }, "running", "running"],
  ["retired", absent, { ...ready, use: "retired", fencedAt: NOW }, "failed", "succeeded"],
  ["destroyed", absent, { ...ready, use: "remove", status: "gone" }, "failed", "succeeded"],
  ["destroyed", { ...absent, servingId: null }, null, "failed", "succeeded"],
];

function view(kind: OperationRow["kind"], generation: number, row: (typeof PHASES)[number]) {
  const environment = environmentOf({ ...row[1] });
  const clusters = row[2] ? [clusterOf(row[2])] : [];
  const store = {
    clusters: async () => clusters,
    lastCluster: async () => clusters[0] ?? null,
    ledger: async () => [],
  };
  const operation = { id: "op_1", environmentId: "env_1", kind, generation, actor: "a", createdAt: NOW };
  return viewOperation(store as unknown as StoreReads, operation, environment, NOW);
}

describe.each(PHASES)("an operation while its environment is %s", (...row) => {
  const [phase, , , others, deletes] = row;
  it.each(KINDS)("of kind %s", async (kind) => {
    const seen = await view(kind, GENERATION, row);
    const status = kind === "delete" && deletes !== "-" ? deletes : others;
    if (kind === "delete" && deletes === "-") expect(seen.phase).toBe(phase);
    else expect([seen.phase, seen.status]).toEqual([phase, status]);
  });

  it("of a generation before is superseded", async () => {
    const statuses = await Promise.all(KINDS.map((kind) => view(kind, GENERATION - 1, row)));
    expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set(["superseded"]));
  });
});

/** A clock that runs, because waiting looks at it. */
function running() {
  const started = performance.now();
  const from = scene.now().getTime();
  const clock = { now: () => new Date(from + performance.now() - started) };
  return createApiHandlers({ ...scene.context, clock });
}

const FILE = { path: "1.sql", sql: "create table a (id int)" };

function wait(ms: number): Wait & { readonly controller: AbortController } {
  const controller = new AbortController();
  return { ms, signal: controller.signal, controller };
}

async function timed<T>(promise: Promise<T>): Promise<[T, number]> {
  const started = performance.now();
  return [await promise, performance.now() - started];
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("waiting", () => {
  it("answers as soon as the operation has ended, and not before", async () => {
    const { body } = await scene.api.putTenant(by(KEY), "acme", {}, null);
    const waiting = running().getOperation(KEY, body.operation?.id ?? "", wait(20_000));
    let answered = false;
    void waiting.then(() => {
      answered = true;
    });
    await sleep(500);
    expect(answered).toBe(false);
    await scene.work();
    const [operation, ms] = await timed(waiting);
    expect(operation).toMatchObject({ status: "succeeded", phase: "ready" });
    expect(ms).toBeLessThan(2_000);
  });

  it("of what has ended already takes no time", async () => {
    const { body } = await scene.api.putTenant(by(KEY), "acme", {}, null);
    await scene.work();
    const [operation, ms] = await timed(running().getOperation(KEY, body.operation?.id ?? "", wait(20_000)));
    expect([operation.status, ms < 1_000]).toEqual(["succeeded", true]);
  });

  it("ends with its time, and tells how it stands", async () => {
    const { body } = await scene.api.putTenant(by(KEY), "acme", {}, null);
    const [operation, ms] = await timed(running().getOperation(KEY, body.operation?.id ?? "", wait(300)));
    expect(operation.status).toBe("running");
    expect(ms).toBeGreaterThanOrEqual(290);
    expect(ms).toBeLessThan(2_000);
  });

  it("ends when the client hangs up", async () => {
    const { body } = await scene.api.putTenant(by(KEY), "acme", {}, null);
    const asked = wait(20_000);
    const waiting = timed(running().getOperation(KEY, body.operation?.id ?? "", asked));
    await sleep(100);
    asked.controller.abort();
    expect((await waiting)[1]).toBeLessThan(2_000);
  });

  it("with the put answers with the database that is ready", async () => {
    const asked = running().putTenant(by(KEY), "acme", {}, wait(20_000));
    await sleep(100);
    await scene.work();
    expect(await asked).toMatchObject({
      status: 201,
      body: { environment: { phase: "ready" }, operation: { kind: "create", status: "succeeded" } },
    });
  });

  it.each<[string, (api: ReturnType<typeof running>, id: string) => Promise<{ body: StartedView }>, object]>([
    [
      "migrations",
      (api) => api.migrateTenant(by(KEY), "acme", { files: [FILE] }, wait(20_000)),
      { kind: "migrate", phase: "ready" },
    ],
    [
      "a delete",
      (api) => api.deleteTenant(by(KEY), "acme", null, wait(20_000)),
      { kind: "delete", phase: "retired" },
    ],
    [
      "a restore",
      async (api) => {
        await scene.api.deleteTenant(by(KEY), "acme", null);
        await scene.work();
        return api.restoreTenant(by(KEY), "acme", wait(20_000));
      },
      { kind: "restore", phase: "ready" },
    ],
    [
      "a reset",
      (api, id) => api.resetEnvironment(by(KEY), id, wait(20_000)),
      { kind: "reset", phase: "ready" },
    ],
    [
      "a preview's end",
      (api, id) => api.destroyEnvironment(by(KEY), id, wait(20_000)),
      { kind: "delete", phase: "destroyed" },
    ],
  ])("with %s answers once it has ended", async (_what, ask, operation) => {
    await scene.readyTenant("acme");
    const create = { repository: SHOP.repositoryName, gitBranch: "main" };
    const { body } = await scene.api.createEnvironment(by(KEY), create, null);
    await scene.work();
    let isAnswered = false;
    const waiting = ask(running(), body.environment.id).finally(() => {
      isAnswered = true;
    });
    while (!isAnswered) {
      await sleep(20);
      await scene.work();
    }
    expect((await waiting).body.operation).toMatchObject({ ...operation, status: "succeeded" });
  });

  it("with a put that begins nothing takes no time", async () => {
    await scene.api.putTenant(by(KEY), "acme", {}, null);
    const [answer, ms] = await timed(running().putTenant(by(KEY), "acme", {}, wait(20_000)));
    expect([answer.status, ms < 1_000]).toEqual([200, true]);
  });

  it("for an environment answers once its phase is settled", async () => {
    const id = await scene.readyTenant("acme");
    await scene.api.deleteTenant(by(KEY), "acme", null);
    const waiting = running().getEnvironment(KEY, id, wait(20_000));
    await sleep(100);
    await scene.work();
    expect((await waiting).phase).toBe("retired");
    expect([...scene.aws.clusters.values()].map(({ fenced }) => fenced)).toEqual([true]);
  });
});

describe("an operation", () => {
  it("is seen by those who see its environment, and by nobody else", async () => {
    const { id } = await scene.given({ number: 4, labels: { team: "blue" } });
    const { body } = await scene.api.resetEnvironment(by(KEY), id);
    const see = (caller: typeof KEY) => scene.api.getOperation(caller, body.operation?.id ?? "", null);
    await see(KEY);
    await see(keyCaller({ scopes: ["read"] }));
    await see(jobCaller(pullPlace(4)));
    expect(await reasonOf(see(jobCaller(pullPlace(5))))).toBe("not_found");
    expect(await reasonOf(see(jobCaller(branchPlace("main"))))).toBe("not_found");
    expect(await reasonOf(see(keyCaller({ selector: { team: "red" } })))).toBe("not_found");
    expect(await reasonOf(see(keyCaller({ scopes: ["tenants:write"] })))).toBe("not_found");
    expect(await reasonOf(see(personCaller("ann")))).toBe("not_found");
    scene.github.permissions.set("ann", "read");
    await see(personCaller("ann"));
  });

  it("that does not exist is not found", async () => {
    for (const caller of [KEY, personCaller("ann"), jobCaller(pullPlace(4))]) {
      expect(await reasonOf(scene.api.getOperation(caller, `op_${"0".repeat(22)}`, null))).toBe("not_found");
    }
  });

  it("that began and was overtaken is superseded", async () => {
    const { body } = await scene.api.putTenant(by(KEY), "acme", { protected: false }, null);
    await scene.api.deleteTenant(by(KEY), "acme", null);
    expect(await scene.api.getOperation(KEY, body.operation?.id ?? "", null)).toMatchObject({
      status: "superseded",
    });
  });

  it("is not overtaken by a change of labels", async () => {
    const { body } = await scene.api.putTenant(by(KEY), "acme", {}, null);
    await scene.api.patchTenant(by(KEY), "acme", { labels: { a: "1" } }, null);
    await scene.work();
    expect(await scene.api.getOperation(KEY, body.operation?.id ?? "", null)).toMatchObject({
      status: "succeeded",
    });
  });
});

describe("slots and Regions", () => {
  it("are told to keys only", async () => {
    await scene.readyTenant("acme");
    expect(await scene.api.getSlots(keyCaller({ scopes: ["read"], selector: { a: "b" } }))).toMatchObject({
      ...{
        region: "us-east-1",
        quota: 20,
        reserve: 2,
        maxClusters: 10,
        used: 1,
        others: 0,
        free: 9,
        waiting: 0,
      },
    });
    expect((await scene.api.listRegions(KEY)).items).toEqual([{ name: "us-east-1", isDefault: true }]);
    for (const caller of [personCaller("ann"), jobCaller(pullPlace(4))]) {
      expect(await reasonOf(scene.api.getSlots(caller))).toBe("forbidden");
      expect(await reasonOf(scene.api.listRegions(caller))).toBe("forbidden");
    }
    expect(await reasonOf(scene.api.getSlots(keyCaller({ scopes: ["tenants:write"] })))).toBe("scope");
  });
});

it("every write over a customer leaves an event with its actor", async () => {
  const { body } = await scene.api.putTenant(by(KEY), "acme", {}, null);
  const { id } = body.environment;
  await scene.work();
  const files = [{ path: "1.sql", sql: "create table a (id int)" }];
  const writes = [
    () => scene.api.putTenant(by(KEY), "acme", { labels: { repository: SHOP.repositoryName } }, null),
    () => scene.api.patchTenant(by(KEY), "acme", { protected: false }, null),
    () => scene.api.migrateTenant(by(KEY), "acme", { files }),
    () => scene.api.deleteTenant(by(KEY), "acme", null),
    () => scene.api.restoreTenant(by(KEY), "acme"),
  ];
  for (const write of writes) {
    await write();
    await scene.work();
  }
  const told = (await scene.events(id)).filter(({ actor }) => actor !== null);
  expect(told.map(({ kind }) => kind)).toEqual([
    ...["tenant_created", "changed", "changed", "migrations_put", "deleted", "restore_asked"],
  ]);
  expect(new Set(told.map(({ actor }) => actor))).toEqual(new Set([`key key_${"0".repeat(22)} (test)`]));
});
