import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "../../service/domain/cluster.ts";
import type { Store, StoreTransaction } from "../../service/handlers/ports-store.ts";
import { ago, clusterOf, NOW } from "../domain/builders.ts";
import { startStore, type TestStore } from "../support/store.ts";

const [ACCOUNT, REGION] = ["111122223333", "us-east-1"];
const LATER = new Date(NOW.getTime() + 3_600_000);

let started: TestStore;
let store: Store;
beforeAll(async () => {
  started = await startStore({ max: 8 });
  store = started.store;
});
afterAll(() => started?.stop());
beforeEach(() => started.clear());

const write = <T>(work: (tx: StoreTransaction) => Promise<T>) => store.transaction(work);
const cluster = () => store.cluster("cl_1");
const given = (...clusters: readonly Partial<Cluster>[]) =>
  write(async (tx) => {
    for (const change of clusters) await tx.insertCluster(clusterOf({ status: "available", ...change }));
  });
const RETIRED = { use: "retired", retiredUntil: LATER, fencedAt: ago(1) } as const;

describe("retiring a cluster", () => {
  it("says until when, and that it must be fenced, whatever was known of its policy", async () => {
    await given({ fencedAt: ago(1) });
    expect(await write((tx) => tx.retireCluster("cl_1", LATER))).toBe(true);
    expect(await cluster()).toMatchObject({
      use: "retired",
      retiredUntil: LATER,
      fencedAt: null,
      version: 2,
    });
  });

  it.each([
    { use: "retired" },
    { use: "remove" },
    { use: "spare" },
    { status: "creating" },
    { status: "intended" },
  ] as const)("changes nothing of one that does not serve: %o", async (change) => {
    await given(change);
    expect(await write((tx) => tx.retireCluster("cl_1", LATER))).toBe(false);
    expect(await cluster()).toMatchObject({ ...change, version: 1, retiredUntil: null });
  });
});

describe("restoring a cluster", () => {
  it("lets it serve, and counts it as fenced until its policy was taken back", async () => {
    await given(RETIRED);
    expect(await write((tx) => tx.restoreCluster("cl_1", NOW))).toBe(true);
    expect(await cluster()).toMatchObject({ use: "serve", retiredUntil: null, fencedAt: ago(1), version: 2 });
  });

  it("counts it as fenced also if the fence was never confirmed: the call may have been made", async () => {
    await given({ ...RETIRED, fencedAt: null });
    await write((tx) => tx.restoreCluster("cl_1", NOW));
    expect(await cluster()).toMatchObject({ use: "serve", fencedAt: NOW });
  });

  it("changes nothing of one that serves, or that is on its way out", async () => {
    await given(
      { fencedAt: null },
      { id: "cl_2", use: "remove" },
      { ...RETIRED, id: "cl_3", status: "gone" },
    );
    for (const id of ["cl_1", "cl_2", "cl_3", "cl_4"]) {
      expect(await write((tx) => tx.restoreCluster(id, NOW))).toBe(false);
    }
    expect(await cluster()).toMatchObject({ version: 1, fencedAt: null });
  });

  it("and letting it go at the same moment: one of them wins, and what is let go of never serves", async () => {
    for (let round = 0; round < 10; round += 1) {
      await started.clear();
      await given(RETIRED);
      const [restored, removed] = await Promise.all([
        write((tx) => tx.restoreCluster("cl_1", NOW)),
        write((tx) => tx.setUse("cl_1", "remove")),
      ]);
      // A removal may come after a restore; never the other way round.
      expect(removed).toBe(true);
      expect(await cluster()).toMatchObject({ use: "remove", version: restored ? 3 : 2 });
    }
  });

  it("happens once, however many restore it at the same moment", async () => {
    await given(RETIRED);
    const restored = await Promise.all([1, 2, 3, 4].map(() => write((tx) => tx.restoreCluster("cl_1", NOW))));
    expect(restored.filter(Boolean)).toHaveLength(1);
    expect(await cluster()).toMatchObject({ use: "serve", version: 2 });
  });

  it("makes stale what its reconciler had decided before, such as that it is fenced now", async () => {
    await given({ ...RETIRED, fencedAt: null });
    const read = await cluster();
    if (!read) throw new Error("It is gone.");
    await write((tx) => tx.restoreCluster("cl_1", NOW));
    const late = write((tx) => tx.updateCluster(read, { fencedAt: NOW }));
    await expect(late).rejects.toMatchObject({ reason: "stale" });
  });
});

describe("letting a cluster go", () => {
  it("happens once, and not to one that is on its way out at AWS", async () => {
    await given({}, { id: "cl_2", status: "removing", use: "remove" }, { id: "cl_3", status: "gone" });
    expect(await write((tx) => tx.setUse("cl_1", "remove"))).toBe(true);
    for (const id of ["cl_1", "cl_2", "cl_3"]) {
      expect(await write((tx) => tx.setUse(id, "remove"))).toBe(false);
    }
  });
});

describe("the protection of a cluster", () => {
  it("is written for its reconciler to see, and only if it changes", async () => {
    await given({ kind: "tenant", protected: false });
    await write((tx) => tx.setProtected("cl_1", false));
    expect(await cluster()).toMatchObject({ version: 1 });
    await write((tx) => tx.setProtected("cl_1", true));
    expect(await cluster()).toMatchObject({ protected: true, version: 2 });
  });
});

describe("the cluster that yields", () => {
  const oldest = (before = NOW) => store.oldestRetired(ACCOUNT, REGION, before);
  const retired = (id: string, change: Partial<Cluster> = {}) => ({ ...RETIRED, id, ...change });

  it("is the preview of this Region that has been fenced for longest", async () => {
    await given(
      retired("cl_1", { fencedAt: ago(2) }),
      retired("cl_2", { fencedAt: ago(3) }),
      retired("cl_3", { fencedAt: ago(9), kind: "tenant" }),
      retired("cl_4", { fencedAt: ago(9), region: "eu-west-1" }),
      retired("cl_5", { fencedAt: null }),
      { id: "cl_6", use: "serve", fencedAt: ago(9) },
    );
    expect(await oldest()).toMatchObject({ id: "cl_2" });
  });

  it("has been fenced before the time that is asked for", async () => {
    await given(retired("cl_1", { fencedAt: ago(10) }));
    expect(await oldest(ago(10))).toBeNull();
    expect(await oldest(ago(9))).toMatchObject({ id: "cl_1" });
  });

  it.each([
    ["is to go", { use: "remove" }, null],
    ["is going", { use: "remove", status: "removing" }, null],
    ["is gone", { use: "remove", status: "gone" }, "cl_1"],
    ["cannot go because it is protected", { use: "remove", reason: "protected" }, "cl_1"],
    ["has been going for an hour", { use: "remove", status: "removing", reason: "remove_slow" }, "cl_1"],
    ["is going in another Region", { use: "remove", region: "eu-west-1" }, "cl_1"],
  ] as const)("while another one %s: %o gives %s", async (_name, change, expected) => {
    await given(retired("cl_1"), { id: "cl_2", ...change });
    expect((await oldest())?.id ?? null).toBe(expected);
  });
});

describe("the youngest cluster of an environment", () => {
  it("is one that is there, before those that are gone", async () => {
    await given(
      { id: "cl_1", status: "removing", use: "remove", createdAt: ago(3) },
      { id: "cl_2", status: "gone", use: "remove", createdAt: ago(1) },
    );
    expect(await store.lastCluster("env_1")).toMatchObject({ id: "cl_1" });
    expect(await store.lastCluster("env_2")).toBeNull();
    expect((await store.clusters(["cl_2", "cl_1", "cl_9"])).map(({ id }) => id)).toEqual(["cl_1", "cl_2"]);
    expect(await store.clusters([])).toEqual([]);
  });
});
