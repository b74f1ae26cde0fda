import { describe, expect, it } from "vitest";
import { Refused, Retryable } from "../../service/domain/errors.ts";
import {
  COMMENT_AUDIT_MS,
  PROGRESS_EDIT_MS,
  REFUSED_LOOK_MS,
  REPORT_REFUSALS_MAX,
} from "../../service/domain/limits.ts";
import { NOW } from "../domain/builders.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { createScene, KEY, type Scene } from "./scene.ts";

let store: TestStore;
let scene: Scene;
eachStore(async (empty) => {
  store = empty;
  scene = createScene(store);
  await scene.given({});
});

const report = (attempts?: number) => scene.run("report", KEY, attempts);
const row = () => store.store.report(KEY);
const writes = () => scene.github.calls.filter((call) => /^(create|edit|delete)/.test(call));

/** A push, which puts another commit into the text. */
async function push(sha: string) {
  const [environment] = await store.store.environmentsOfPull(KEY);
  if (!environment) throw new Error("There is no environment.");
  await store.store.transaction((tx) => tx.updateEnvironment(environment, { headSha: sha.repeat(40) }));
}

describe("the report of a pull request", () => {
  it("is one comment, edited in place only if it would read differently", async () => {
    await report();
    await report();
    expect(writes()).toEqual(["createComment"]);
    await push("2");
    scene.pass(PROGRESS_EDIT_MS);
    await report();
    expect(writes()).toEqual(["createComment", "editComment"]);
    expect(scene.github.posted).toHaveLength(1);
    expect(scene.github.posted[0]?.body).toContain("2222222");
  });

  it("waits a little with the next text of a state that passes by itself", async () => {
    await report();
    await push("2");
    scene.pass(1_000);
    await report();
    expect(writes()).toEqual(["createComment"]);
    expect(await scene.dueInMs("report", KEY)).toBe(PROGRESS_EDIT_MS - 1_000);
  });

  it("says nothing where there is nothing to speak of", async () => {
    await store.clear();
    await report();
    expect(scene.github.calls).toEqual([]);
    expect(await scene.dueInMs("report", KEY)).toBeNull();
  });

  it("finds the comment whose creation was not answered, instead of writing a second one", async () => {
    const create = scene.context.github.createComment;
    const lose = async (...request: Parameters<typeof create>) => {
      await create(...request);
      throw new Retryable("github_unavailable", "the answer was lost");
    };
    Object.assign(scene.context.github, { createComment: lose });
    await report();
    expect(await row()).toMatchObject({ commentId: null, attemptedAt: NOW });
    await report(2);
    await report();
    expect(await row()).toMatchObject({ commentId: 900, attemptedAt: null });
    expect(scene.github.posted).toHaveLength(1);
  });

  it("is created again after a creation that made nothing", async () => {
    scene.github.fail.set("createComment", new Retryable("github_unavailable", "502"));
    await report();
    scene.github.fail.clear();
    await report(2);
    await report();
    expect(scene.github.posted).toHaveLength(1);
  });

  it("is created again if somebody deleted the comment", async () => {
    await report();
    scene.github.posted = [];
    await push("2");
    scene.pass(PROGRESS_EDIT_MS);
    await report();
    expect(await row()).toMatchObject({ commentId: null, attemptedAt: null });
    await report();
    expect(scene.github.posted).toHaveLength(1);
  });

  it("removes a second comment that a paused worker left, and mends an older text in its own", async () => {
    await report();
    const [first] = scene.github.posted;
    const text = first?.body ?? "";
    scene.github.posted.push({ id: 950, body: text });
    if (first) first.body = text.replace(/d=[0-9a-f]+/, "d=0000000000000000");
    scene.pass(COMMENT_AUDIT_MS);
    await report();
    await report();
    expect(scene.github.posted).toEqual([{ id: 900, body: text }]);
    expect(await row()).toMatchObject({ auditAt: null });
  });

  it("is audited after a step that had to be repeated", async () => {
    await report();
    scene.pass(COMMENT_AUDIT_MS);
    await report();
    expect(await row()).toMatchObject({ auditAt: null });
    await report(2);
    expect(await scene.dueInMs("report", KEY)).toBe(COMMENT_AUDIT_MS);
  });

  it("is tried again while GitHub refuses it, given up after days, and told with the next event", async () => {
    scene.github.fail.set("createComment", new Refused("conversation_locked", "locked"));
    await report();
    expect(await scene.dueInMs("report", KEY)).toBe(REFUSED_LOOK_MS);
    scene.github.fail.set("findComments", new Refused("conversation_locked", "locked"));
    await report(REPORT_REFUSALS_MAX);
    expect(await scene.dueInMs("report", KEY)).toBeNull();
    scene.github.fail.clear();
    await report();
    await report();
    expect(scene.github.posted).toHaveLength(1);
  });

  it("reacts to each command once, and is written even if a reaction is refused", async () => {
    const command = { verb: "help", author: "wendy", commentedAt: NOW, outcome: "answered" } as const;
    await store.store.transaction(async (tx) => {
      await tx.addCommand(KEY, { ...command, commentId: 31, reaction: "eyes" });
    });
    scene.github.fail.set("react", new Refused("forbidden", "no"));
    await report();
    expect(scene.github.posted[0]?.body).toContain("| `/db destroy` |");
    scene.github.fail.clear();
    await report();
    expect(scene.github.calls.filter((call) => call === "react")).toHaveLength(1);
  });
});

describe("what the report says of an end", () => {
  const ended = { wanted: "absent", wantedReason: "pull_closed", endedAt: NOW } as const;
  const old = { id: "cl_old", status: "removing", use: "remove" } as const;

  it("is not that AWS confirmed it while a cluster of earlier is still there", async () => {
    await store.clear();
    await scene.given(ended, old, { id: "cl_young", status: "gone", createdAt: new Date(NOW.getTime() + 1) });
    await report();
    expect(scene.github.posted[0]?.body).toContain("is being removed");
  });

  it("is that AWS confirmed it when none is left", async () => {
    await store.clear();
    await scene.given(ended, { ...old, status: "gone" });
    await report();
    expect(scene.github.posted[0]?.body).toContain("AWS confirmed that the cluster is gone");
  });
});
