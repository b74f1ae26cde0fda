import { describe, expect, it } from "vitest";
import { FOREIGN_TRUST_MS } from "../../service/domain/limits.ts";
import { readCensus } from "../../service/handlers/slots.ts";
import { clusterOf, SEEN } from "../domain/builders.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { createScene, type Scene } from "./scene.ts";

let store: TestStore;
let scene: Scene;
let listed: readonly string[] | null;
let lists: number;
eachStore((empty) => {
  store = empty;
  scene = createScene(store);
  listed = [];
  lists = 0;
  Object.assign(scene.context.control, {
    async identifiers() {
      lists += 1;
      return listed;
    },
  });
});

const census = async () => (await readCensus(scene.context)).census;
const insert = (id: string, identifier: string | null) =>
  store.store.transaction((tx) =>
    tx.insertCluster(clusterOf({ ...SEEN, id, identifier, status: identifier ? "available" : "intended" })),
  );

describe("the clusters of others", () => {
  it("are those that no row of ours has: one of ours that AWS does not list hides none of them", async () => {
    await insert("cl_1", "a");
    await insert("cl_2", "b");
    listed = ["a", "store"];
    expect(await census()).toMatchObject({ ours: 2, foreign: 1 });
  });

  it("hold one of ours only until its create is written down", async () => {
    await insert("cl_1", null);
    listed = ["a"];
    expect(await census()).toMatchObject({ ours: 1, foreign: 1 });
    const row = await store.store.cluster("cl_1");
    await store.store.transaction((tx) => tx.updateCluster(row!, { identifier: "a", status: "creating" }));
    expect(await census()).toMatchObject({ ours: 1, foreign: 0 });
    expect(lists).toBe(1);
  });

  it("are listed once for all steps of a moment, and again after it", async () => {
    await Promise.all([census(), census(), census()]);
    expect(lists).toBe(1);
    listed = ["store"];
    scene.pass(FOREIGN_TRUST_MS);
    expect(await census()).toMatchObject({ foreign: 1 });
    expect(lists).toBe(2);
  });

  it("that cannot be listed are not counted as none, and the next step asks again", async () => {
    listed = null;
    await expect(census()).rejects.toMatchObject({ reason: "aws_unavailable" });
    listed = ["store"];
    expect(await census()).toMatchObject({ foreign: 1 });
  });
});
