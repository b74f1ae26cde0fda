import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CommandRow, LedgerRow, Store, StoreTransaction } from "../../service/handlers/ports-store.ts";
import { ago, clusterOf, environmentOf, NOW } from "../domain/builders.ts";
import { startStore, type TestStore } from "../support/store.ts";

const PULL_KEY = "pull:github.com:7:1";
const [ACCOUNT, REGION] = ["111122223333", "us-east-1"];
const EPOCH = new Date(0);

let started: TestStore;
let store: Store;
beforeAll(async () => {
  started = await startStore();
  store = started.store;
});
afterAll(() => started?.stop());
beforeEach(() => started.clear());

const write = <T>(work: (tx: StoreTransaction) => Promise<T>) => store.transaction(work);

describe("an environment", () => {
  it("is read as it was written", async () => {
    const problem = { file: "a.sql", line: 3, index: 1, count: 2, sql: "x", code: "42601", message: "no" };
    const environment = environmentOf({ queuedAt: NOW, servingId: "cl_1", planProblem: problem });
    await write((tx) => tx.insertEnvironment(environment));
    expect(await store.environment("env_1")).toEqual(environment);
    expect(await store.environmentsOfPull(PULL_KEY)).toEqual([environment]);
    expect(await store.findEnvironments(environment.ownerKey)).toEqual([environment]);
  });

  it("changes only what is named, and its version", async () => {
    const environment = environmentOf();
    await write((tx) => tx.insertEnvironment(environment));
    await write((tx) => tx.updateEnvironment(environment, { generation: 2, readyAt: NOW }));
    const changed = { ...environment, generation: 2, readyAt: NOW, version: 2 };
    expect(await store.environment("env_1")).toEqual(changed);
  });

  it("refuses a change that was decided on an older version", async () => {
    const environment = environmentOf();
    await write((tx) => tx.insertEnvironment(environment));
    await write((tx) => tx.updateEnvironment(environment, { generation: 2 }));
    const stale = write((tx) => tx.updateEnvironment(environment, { generation: 3 }));
    await expect(stale).rejects.toMatchObject({ reason: "stale" });
  });

  it("exists once per owner", async () => {
    await write((tx) => tx.insertEnvironment(environmentOf()));
    await expect(write((tx) => tx.insertEnvironment(environmentOf({ id: "env_2" })))).rejects.toThrow();
  });
});

describe("a cluster", () => {
  it("is read as it was written", async () => {
    const cluster = clusterOf({ attemptedAt: NOW, reason: "quota", retiredUntil: NOW });
    await write((tx) => tx.insertCluster(cluster));
    expect(await store.cluster("cl_1")).toEqual(cluster);
  });

  it.each(["removing", "gone"] as const)("never serves again once it is %s", async (status) => {
    await write((tx) => tx.insertCluster(clusterOf({ status, use: "remove" })));
    expect(await write((tx) => tx.restoreCluster("cl_1", NOW))).toBe(false);
    expect(await write((tx) => tx.retireCluster("cl_1", NOW))).toBe(false);
    expect(await store.cluster("cl_1")).toMatchObject({ use: "remove", version: 1 });
  });

  it("is let go under the feet of its reconciler, which then decides again", async () => {
    const cluster = clusterOf({ status: "creating" });
    await write((tx) => tx.insertCluster(cluster));
    expect(await write((tx) => tx.setUse("cl_1", "remove"))).toBe(true);
    const stale = write((tx) => tx.updateCluster(cluster, { status: "available" }));
    await expect(stale).rejects.toMatchObject({ reason: "stale" });
  });

  it("takes progress of its migration without a new version", async () => {
    await write((tx) => tx.insertCluster(clusterOf()));
    await write((tx) => tx.updateMigration("cl_1", { migrationState: "applied", migrationGeneration: 4 }));
    const expected = { migrationState: "applied", migrationGeneration: 4, verifiedGeneration: 0, version: 1 };
    expect(await store.cluster("cl_1")).toMatchObject(expected);
  });
});

describe("deliveries", () => {
  const deliver = (guid: string, receivedAt: Date) =>
    started.pool.query(
      `insert into delivery (guid, app_id, pull_key, event, action, installation_id, repository_id, repository_name,
         number, sender, received_at) values ($1, 4, $2, 'pull_request', 'opened', 5, 7, 'shop/app', 1, 'ann', $3)`,
      [guid, PULL_KEY, receivedAt],
    );

  it("are handled only if they were read", async () => {
    await deliver("b", ago(2));
    await deliver("a", ago(1));
    const read = await store.pendingDeliveries(PULL_KEY, 10);
    expect(read.map((one) => one.guid)).toEqual(["b", "a"]);
    await deliver("c", NOW);
    await write((tx) => tx.handleDeliveries(read, "applied", NOW));
    expect((await store.pendingDeliveries(PULL_KEY, 10)).map((one) => one.guid)).toEqual(["c"]);
  });
});

describe("commands", () => {
  const command = (commentId: number, change: Partial<CommandRow> = {}): CommandRow => ({
    commentId,
    verb: "create",
    author: "ann",
    commentedAt: NOW,
    outcome: "accepted",
    reaction: "+1",
    ...change,
  });
  const add = (row: CommandRow) => write((tx) => tx.addCommand(PULL_KEY, row));

  it("are kept once per comment", async () => {
    await add(command(11));
    await add(command(11, { outcome: "needs_write" }));
    expect(await store.latestCommand(PULL_KEY)).toEqual(command(11));
    expect(await store.knownComments(PULL_KEY, [10, 11, 12])).toEqual([11]);
  });

  it("decide by the newest comment, whatever order they came in", async () => {
    await add(command(12, { verb: "destroy" }));
    await add(command(11));
    await add(command(13, { verb: "status", outcome: "answered" }));
    await add(command(14, { outcome: "needs_write" }));
    expect(await store.newestCommand(PULL_KEY)).toMatchObject({ verb: "destroy" });
    expect(await store.latestCommand(PULL_KEY)).toMatchObject({ commentId: 14 });
  });

  it("wait for their reaction until it is made", async () => {
    await add(command(11));
    await add(command(12, { reaction: null }));
    expect((await store.commandsToReact(PULL_KEY)).map((row) => row.commentId)).toEqual([11]);
    await write((tx) => tx.markReacted(PULL_KEY, 11, NOW));
    expect(await store.commandsToReact(PULL_KEY)).toEqual([]);
  });
});

describe("slots", () => {
  it("are taken by one of two who counted at the same time", async () => {
    const { regionVersion } = await store.slotRows(ACCOUNT, REGION, []);
    await write((tx) => tx.takeSlot(ACCOUNT, REGION, regionVersion));
    const second = write((tx) => tx.takeSlot(ACCOUNT, REGION, regionVersion));
    await expect(second).rejects.toMatchObject({ reason: "stale" });
    expect(await store.slotRows(ACCOUNT, REGION, [])).toMatchObject({ regionVersion: regionVersion + 1 });
  });

  it("count every cluster that is not gone", async () => {
    await write((tx) => tx.insertCluster(clusterOf({ id: "cl_1", status: "removing", identifier: "a" })));
    await write((tx) => tx.insertCluster(clusterOf({ id: "cl_2" })));
    await write((tx) => tx.insertCluster(clusterOf({ id: "cl_3", status: "gone", identifier: "c" })));
    expect(await store.slotRows(ACCOUNT, REGION, [])).toMatchObject({ ours: 2, oursWithId: 1 });
  });

  it("of others are those whose identifier no row of ours has, or ever had", async () => {
    await write((tx) => tx.insertCluster(clusterOf({ id: "cl_1", status: "available", identifier: "a" })));
    await write((tx) => tx.insertCluster(clusterOf({ id: "cl_3", status: "gone", identifier: "c" })));
    expect(await store.slotRows(ACCOUNT, REGION, ["a", "b", "c", "d"])).toMatchObject({ foreign: 2 });
    expect([...(await store.knownIdentifiers(["a", "b", "c"]))]).toEqual(["a", "c"]);
  });

  it("are waited for in the order of asking", async () => {
    for (const [id, queuedAt] of [
      ["b", ago(1)],
      ["a", ago(1)],
      ["c", ago(2)],
      ["d", null],
    ] as const) {
      await write((tx) => tx.insertEnvironment(environmentOf({ id, ownerKey: id, queuedAt })));
    }
    expect((await store.waiting()).map((row) => row.environmentId)).toEqual(["c", "a", "b"]);
  });

  it("are held by author and repository while they are wanted", async () => {
    const held = { servingId: "cl_1" };
    await write((tx) => tx.insertEnvironment(environmentOf({ ...held, id: "a", ownerKey: "a" })));
    await write((tx) =>
      tx.insertEnvironment(environmentOf({ ...held, id: "b", ownerKey: "b", repositoryId: 8 })),
    );
    await write((tx) => tx.insertEnvironment(environmentOf({ id: "c", ownerKey: "c" })));
    const { byAuthor, byRepository } = await store.holdings();
    expect([...byAuthor]).toEqual([["ann", 2]]);
    expect([...byRepository]).toEqual([
      [7, 1],
      [8, 1],
    ]);
    expect(await store.holders()).toHaveLength(2);
  });
});

describe("a pause", () => {
  it("is never shortened", async () => {
    expect(await store.regionPause(ACCOUNT, REGION)).toEqual(EPOCH);
    for (const until of [ago(1), NOW, ago(2)]) {
      await write((tx) => tx.pauseRegion(ACCOUNT, REGION, until));
      await write((tx) => tx.pauseInstallation("github.com", 5, until));
    }
    expect(await store.regionPause(ACCOUNT, REGION)).toEqual(NOW);
    expect(await store.installationPause("github.com", 5)).toEqual(NOW);
  });
});

describe("records", () => {
  const ledgerRow: LedgerRow = {
    ordinal: 0,
    file: "migrations/1.sql",
    index: 1,
    line: 1,
    checksum: "c",
    state: "started",
    jobId: null,
    startedAt: NOW,
    finishedAt: null,
    code: null,
    message: null,
  };

  it("keep one row per statement of a cluster", async () => {
    const applied: LedgerRow = { ...ledgerRow, state: "applied", finishedAt: NOW };
    await write((tx) => tx.putStatement("cl_1", { ...ledgerRow, ordinal: 1 }));
    await write((tx) => tx.putStatement("cl_1", ledgerRow));
    await write((tx) => tx.putStatement("cl_1", applied));
    expect(await store.ledger("cl_1")).toEqual([applied, { ...ledgerRow, ordinal: 1 }]);
  });

  it("refuse a report that was decided on an older one", async () => {
    const report = {
      pullKey: PULL_KEY,
      commentId: null,
      digest: null,
      attemptedAt: NOW,
      auditAt: null,
      editedAt: null,
      version: 0,
    };
    await write((tx) => tx.putReport(report));
    await write((tx) => tx.putReport({ ...report, commentId: 11, version: 1 }));
    expect(await store.report(PULL_KEY)).toEqual({ ...report, commentId: 11, version: 2 });
    const stale = write((tx) => tx.putReport({ ...report, version: 1 }));
    await expect(stale).rejects.toMatchObject({ reason: "stale" });
  });
});
