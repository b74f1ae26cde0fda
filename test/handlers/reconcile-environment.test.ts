import { describe, expect, it } from "vitest";
import { Refused } from "../../service/domain/errors.ts";
import { REFUSED_STEP_LOOK_MS } from "../../service/domain/limits.ts";
import { NOW, SEEN } from "../domain/builders.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { createScene, KEY, type Scene } from "./scene.ts";

let store: TestStore;
let scene: Scene;
eachStore((empty) => {
  store = empty;
  scene = createScene(store);
});

const environment = () => store.store.environment("env_1");
const step = () => scene.run("environment", "env_1");

describe("an environment", () => {
  it("writes one intent, with its token, before AWS hears of it", async () => {
    await scene.given({});
    await step();
    const { servingId } = (await environment()) ?? {};
    expect(await store.store.cluster(servingId ?? "")).toMatchObject({
      status: "intended",
      attemptedAt: null,
      clientToken: expect.stringMatching(/^tok_/),
    });
    expect(await scene.dueInMs("cluster", servingId ?? "")).toBe(0);
  });

  it("that GitHub refuses keeps no place in the queue from others, and says so in its history", async () => {
    await scene.given({ queuedAt: NOW, generation: 2 });
    scene.github.fail.set("readMigrations", new Refused("forbidden", "no access to contents"));
    await step();
    expect(await environment()).toMatchObject({ queuedAt: null });
    expect(await store.store.waiting()).toEqual([]);
    expect((await store.store.events("env_1")).at(-1)).toMatchObject({ kind: "refused" });
    expect(await scene.dueInMs("environment", "env_1")).toBe(REFUSED_STEP_LOOK_MS);
  });

  it("that lost its cluster during a rebuild goes on with the rebuilt one, and is ready with it", async () => {
    const rebuilt = { migrationGeneration: 1, migrationState: "applied", verifiedGeneration: 1 } as const;
    await scene.given(
      { servingId: "cl_1", nextId: "cl_2", readyAt: NOW },
      { id: "cl_1", status: "gone" },
      { id: "cl_2", status: "available", ...SEEN, ...rebuilt, verifiedAt: NOW },
    );
    await step();
    await step();
    expect(await environment()).toMatchObject({ servingId: "cl_2", nextId: null, readyAt: NOW });
    expect(await store.store.cluster("cl_2")).toMatchObject({ use: "serve" });
  });

  it("that nobody wants ends only when the cluster that it let go of is gone", async () => {
    await scene.given({ wanted: "absent" }, { id: "cl_1", status: "removing", use: "remove" });
    await step();
    expect(await environment()).toMatchObject({ endedAt: null });
    expect(await scene.dueInMs("environment", "env_1")).toBeNull();
    const leaving = await store.store.cluster("cl_1");
    if (!leaving) throw new Error("There is no cluster.");
    await store.store.transaction((tx) => tx.updateCluster(leaving, { identifier: "a".repeat(26) }));
    Object.assign(scene.context.control, { observe: async () => ({ kind: "absent" }) });
    await scene.run("cluster", "cl_1");
    expect(await scene.dueInMs("environment", "env_1")).toBe(0);
    await step();
    expect(await environment()).toMatchObject({ endedAt: NOW });
    expect(await scene.dueInMs("report", KEY)).toBe(0);
  });

  it("whose time is up is wanted no more", async () => {
    await scene.given({ until: NOW });
    await step();
    expect(await environment()).toMatchObject({ wanted: "absent", wantedReason: "expired", generation: 2 });
  });
});
