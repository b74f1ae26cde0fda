import { describe, expect, it } from "vitest";
import { REFUSED_LOOK_MS } from "../../service/domain/limits.ts";
import { ago, SEEN } from "../domain/builders.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { createScene, KEY, type Scene } from "./scene.ts";

let store: TestStore;
let scene: Scene;
eachStore((empty) => {
  store = empty;
  scene = createScene(store);
});

const HOUR_AGO = { statusSince: ago(3_600_000), absentSince: ago(3_600_000) };
const cluster = () => store.store.cluster("cl_1");
const step = () => scene.run("cluster", "cl_1");
const answer = (change: object) => Object.assign(scene.context.control, change);

describe("a cluster", () => {
  it("is asked for by the token and under the tag of its intent, which was written first", async () => {
    await scene.given({ servingId: "cl_1" }, {});
    const asked: object[] = [];
    answer({
      async create(request: object) {
        asked.push({ ...request, written: (await cluster())?.attemptedAt });
        return { kind: "creating", ...SEEN };
      },
    });
    await step();
    const tags = expect.objectContaining({ "offshoot:cluster": "cl_1" });
    expect(asked).toEqual([
      { clientToken: "tok_1", tags, deletionProtected: false, written: scene.context.clock.now() },
    ]);
    expect(await cluster()).toMatchObject({ status: "creating", identifier: SEEN.identifier });
  });

  it("of another Region is left alone, since a 404 here says nothing about it there", async () => {
    await scene.given(
      { servingId: "cl_1" },
      { ...SEEN, ...HOUR_AGO, status: "available", region: "eu-west-1" },
    );
    answer({ observe: async () => ({ kind: "absent" }) });
    await step();
    expect(await cluster()).toMatchObject({ status: "available" });
    expect(await scene.dueInMs("cluster", "cl_1")).toBe(REFUSED_LOOK_MS);
  });

  it("that is not there any more is gone, and its environment and report hear of it", async () => {
    await scene.given({ servingId: "cl_1" }, { ...SEEN, ...HOUR_AGO, status: "available" });
    answer({ observe: async () => ({ kind: "absent" }) });
    await step();
    expect(await cluster()).toMatchObject({ status: "gone" });
    expect(await scene.dueInMs("environment", "env_1")).toBe(0);
    expect(await scene.dueInMs("report", KEY)).toBe(0);
  });

  it("pauses its Region if AWS asks to wait, also for the others", async () => {
    await scene.given({ servingId: "cl_1" }, { ...SEEN, status: "creating" });
    answer({ observe: async () => ({ kind: "unknown", cause: "throttled", retryAfterMs: 20_000 }) });
    await step();
    expect(await scene.dueInMs("cluster", "cl_1")).toBe(20_000);
    answer({ observe: async () => ({ kind: "usable", ...SEEN }) });
    scene.pass(5_000);
    await step();
    expect(await cluster()).toMatchObject({ status: "creating" });
    expect(await scene.dueInMs("cluster", "cl_1")).toBe(15_000);
  });

  it("whose protection somebody switched on is unprotected, and removed a moment later", async () => {
    await scene.given({}, { ...SEEN, status: "available", use: "remove" });
    answer({ remove: async () => ({ kind: "protected" }) });
    await step();
    expect(await scene.dueInMs("cluster", "cl_1")).toBeGreaterThan(0);
    answer({ remove: async () => ({ kind: "removing" }) });
    await step();
    expect(await cluster()).toMatchObject({ status: "removing" });
  });
});
