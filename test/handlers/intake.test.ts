import { describe, expect, it } from "vitest";
import { Refused, Retryable } from "../../service/domain/errors.ts";
import {
  CONTRADICTED_LOOK_MS,
  INTAKE_DELIVERIES,
  INTAKE_REFUSALS_MAX,
  PULL_TRIES_MAX,
  REFUSED_LOOK_MS,
} from "../../service/domain/limits.ts";
import { NOW } from "../domain/builders.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { createScene, KEY, PULL, type Scene } from "./scene.ts";

let store: TestStore;
let scene: Scene;
eachStore((empty) => {
  store = empty;
  scene = createScene(store);
});

const environment = async () => (await store.store.environmentsOfPull(KEY))[0] ?? null;
const GONE = new Refused("installation_gone", "suspended");

describe("deliveries", () => {
  it("are one wish, however many there are", async () => {
    for (const action of ["opened", "synchronize", "synchronize"]) await scene.deliver({ action });
    await scene.run("intake", KEY);
    expect(await environment()).toMatchObject({ wanted: "present", generation: 1, headSha: PULL.headSha });
    expect(await scene.outcomes()).toEqual(["applied", "applied", "applied"]);
  });

  it("are applied in parts if there are many", async () => {
    for (let i = 0; i <= INTAKE_DELIVERIES; i += 1) await scene.deliver();
    await scene.run("intake", KEY);
    expect(await scene.dueInMs("intake", KEY)).toBe(0);
    await scene.run("intake", KEY);
    expect(await scene.outcomes()).not.toContain(null);
    expect(await scene.dueInMs("intake", KEY)).toBeNull();
  });

  it("wait while GitHub does not answer", async () => {
    await scene.deliver();
    scene.github.fail.set("readPull", new Retryable("github_unavailable", "502"));
    await scene.run("intake", KEY);
    expect(await scene.outcomes()).toEqual([null]);
    expect(await scene.dueInMs("intake", KEY)).toBeGreaterThan(0);
  });

  it("pause their installation if GitHub limits it", async () => {
    await scene.deliver();
    const limited = new Retryable("github_rate_limit", "", { afterMs: 60_000, pauses: "installation" });
    scene.github.fail.set("readPull", limited);
    await scene.run("intake", KEY);
    scene.github.fail.clear();
    await scene.run("intake", KEY);
    expect(scene.github.calls).toEqual(["readPull"]);
    expect(await scene.dueInMs("intake", KEY)).toBe(60_000);
  });

  it("are not lost while GitHub refuses us: a close is applied when it lets us in again", async () => {
    await scene.deliver();
    await scene.run("intake", KEY);
    await scene.deliver({ action: "closed" });
    scene.github.fail.set("readPull", GONE);
    await scene.run("intake", KEY);
    expect(await scene.dueInMs("intake", KEY)).toBe(REFUSED_LOOK_MS);
    scene.github.fail.clear();
    scene.github.pull = { ...PULL, state: "closed", closedAt: NOW };
    await scene.run("intake", KEY, 2);
    expect(await environment()).toMatchObject({ wanted: "absent", wantedReason: "pull_closed" });
  });

  it("are given up with the reason when GitHub has refused us for days", async () => {
    await scene.deliver();
    scene.github.fail.set("readPull", GONE);
    await scene.run("intake", KEY, INTAKE_REFUSALS_MAX);
    expect(await scene.outcomes()).toEqual(["installation_gone"]);
    expect(await scene.dueInMs("intake", KEY)).toBeNull();
  });

  it("are tried for a while if the pull request is not shown yet", async () => {
    await scene.deliver();
    scene.github.pull = null;
    await scene.run("intake", KEY);
    expect(await scene.outcomes()).toEqual([null]);
    await scene.run("intake", KEY, PULL_TRIES_MAX);
    expect(await scene.outcomes()).toEqual(["pull_not_found"]);
  });

  it("cannot hide the pull request behind a wrong name or installation", async () => {
    await scene.deliver();
    await scene.run("intake", KEY);
    scene.github.pull = { ...PULL, state: "closed", closedAt: NOW };
    await scene.deliver({ action: "closed" });
    await scene.deliver({ action: "edited", repositoryName: "mallory/shop", installationId: 666 });
    await scene.run("intake", KEY);
    expect(await environment()).toMatchObject({ wanted: "absent" });
    expect(await store.store.pull(KEY)).toMatchObject({ repositoryName: "acme/shop", installationId: 5001 });
  });

  it("are asked about once more if GitHub's answer does not know of them yet", async () => {
    await scene.deliver();
    await scene.run("intake", KEY);
    await scene.deliver({ action: "closed" });
    await scene.run("intake", KEY);
    expect(await scene.dueInMs("intake", KEY)).toBe(CONTRADICTED_LOOK_MS);
    scene.pass(CONTRADICTED_LOOK_MS);
    scene.github.pull = { ...PULL, state: "closed", closedAt: NOW };
    await scene.run("intake", KEY);
    expect(await environment()).toMatchObject({ wanted: "absent" });
    expect(await scene.dueInMs("intake", KEY)).toBeNull();
  });

  it("of a closed pull request that had no database write no environment", async () => {
    await scene.deliver({ action: "closed" });
    scene.github.pull = { ...PULL, state: "closed", closedAt: NOW };
    await scene.run("intake", KEY);
    expect(await environment()).toBeNull();
    expect(await scene.outcomes()).toEqual(["applied"]);
  });
});

describe("a command", () => {
  function hint(id: number, body: string, seconds: number) {
    const common = { id, author: "wendy", authorIsBot: false, edited: false, number: 1 };
    const createdAt = new Date(NOW.getTime() + 1_000 * seconds);
    scene.github.comments.set(id, { ...common, body, createdAt });
  }

  async function comment(id: number, body: string, seconds = 0) {
    hint(id, body, seconds);
    await scene.deliver({ event: "issue_comment", action: "created", commentId: id });
    await scene.run("intake", KEY);
  }

  it("that is newer decides, whatever order the deliveries came in", async () => {
    await scene.deliver();
    await scene.run("intake", KEY);
    await comment(32, "/db create");
    await comment(31, "/db destroy");
    expect(await environment()).toMatchObject({ wanted: "present", wantedReason: "command_create" });
  });

  it("to create what is there is a new try, also for a cluster that AWS refused", async () => {
    await scene.given({ servingId: "cl_1" }, { id: "cl_1", status: "intended", reason: "create_refused" });
    await comment(31, "/db create");
    expect(await environment()).toMatchObject({ generation: 2 });
    expect(await scene.dueInMs("cluster", "cl_1")).toBe(0);
  });

  it("to destroy is obeyed even if a create comes right after it: the old data is not handed out again", async () => {
    await scene.given({ servingId: "cl_1" }, { id: "cl_1", status: "available" });
    hint(31, "/db destroy", 1);
    hint(32, "/db create", 2);
    for (const commentId of [31, 32]) await scene.deliver({ event: "issue_comment", commentId });
    await scene.run("intake", KEY);
    expect(await environment()).toMatchObject({ wanted: "present", generation: 2 });
    expect(await store.store.cluster("cl_1")).toMatchObject({ use: "remove" });
  });

  it("to destroy that comes late, after a newer create, takes nothing away", async () => {
    await scene.given({ servingId: "cl_1" }, { id: "cl_1", status: "available" });
    await comment(32, "/db create", 2);
    await comment(31, "/db destroy", 1);
    expect(await store.store.cluster("cl_1")).toMatchObject({ use: "serve" });
  });

  it("is obeyed once, however often it is delivered", async () => {
    await comment(31, "/db create");
    const before = await environment();
    await comment(31, "/db create");
    expect(await environment()).toMatchObject({ generation: before?.generation, version: before?.version });
  });

  it("that GitHub refuses to show does not keep a close from being applied", async () => {
    await scene.deliver();
    await scene.run("intake", KEY);
    scene.github.pull = { ...PULL, state: "closed", closedAt: NOW };
    scene.github.fail.set("readComment", new Refused("forbidden", "no"));
    await comment(31, "/db status");
    expect(await environment()).toMatchObject({ wanted: "absent" });
  });
});
