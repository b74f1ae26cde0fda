import { describe, expect, it } from "vitest";
import { checkExternalId } from "../../service/domain/check.ts";
import type { Environment } from "../../service/domain/environment.ts";
import { Refused, Retryable } from "../../service/domain/errors.ts";
import {
  CHECK_WAIT_MS,
  COMMENT_AUDIT_MS,
  PROGRESS_EDIT_MS,
  REFUSED_LOOK_MS,
  REPORT_REFUSALS_MAX,
} from "../../service/domain/limits.ts";
import { clusterOf, NOW } from "../domain/builders.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { createScene, GRANTS, KEY, type Scene } from "./scene.ts";

let store: TestStore;
let scene: Scene;
eachStore((empty) => {
  store = empty;
  scene = createScene(store);
});

const SHA = "1".repeat(40);
const NEXT_SHA = "2".repeat(40);
const PROBLEM = {
  ...{ file: "migrations/0007_orders.sql", line: 14, index: 2, count: 3, sql: "alter", code: "0A000" },
  message: "not supported",
};

const check = (attempts?: number) => scene.run("check", KEY, attempts);
const rows = () => store.store.checkRuns(KEY);
const writes = () => scene.github.calls.filter((call) => /^(create|update)Check/.test(call));
const shown = () => scene.github.checks.map((one) => `${one.conclusion ?? one.status}: ${one.title}`);

async function change(to: Partial<Environment>) {
  const [environment] = await store.store.environmentsOfPull(KEY);
  if (!environment) throw new Error("There is no environment.");
  await store.store.transaction((tx) => tx.updateEnvironment(environment, to));
}

/** GitHub does what it is asked for, and nobody hears of it. Out: how this ends. */
function loseAnswers(name: "createCheck" | "updateCheck") {
  const call = scene.context.github[name] as (...request: unknown[]) => Promise<unknown>;
  const lose = async (...request: unknown[]) => {
    await call(...request);
    throw new Retryable("github_unavailable", "the answer was lost");
  };
  Object.assign(scene.context.github, { [name]: lose });
  return () => Object.assign(scene.context.github, { [name]: call });
}

const queued = () => scene.given({ headSha: SHA });
const failed = { planGeneration: 1, generation: 1, planProblem: PROBLEM } as const;
const ended = { wanted: "absent", wantedReason: "pull_closed", endedAt: NOW } as const;

describe("the check run of a head", () => {
  it("is created once, says where the comment is, and is edited only if it would read differently", async () => {
    await queued();
    await scene.run("report", KEY);
    await check();
    await check();
    expect(writes()).toEqual(["createCheck"]);
    await change(failed);
    await check();
    expect(writes()).toEqual(["createCheck", "updateCheck"]);
    expect(shown()).toEqual(["failure: 0007_orders.sql:14 not supported"]);
    expect(scene.github.checks[0]).toMatchObject({
      sha: SHA,
      externalId: checkExternalId(KEY, SHA),
      detailsUrl: "https://github.test/acme/shop/pull/1#issuecomment-900",
    });
  });

  it("waits a little with the next text of a state that passes by itself", async () => {
    await queued();
    await check();
    scene.pass(1_000);
    await store.store.transaction((tx) => tx.insertCluster(clusterOf({ status: "creating" })));
    await change({ nextId: "cl_1" });
    await check();
    expect(shown()).toEqual(["queued: Queued"]);
    expect(await scene.dueInMs("check", KEY)).toBe(PROGRESS_EDIT_MS - 1_000);
    scene.pass(PROGRESS_EDIT_MS);
    await check();
    expect(shown()).toEqual(["in_progress: Creating"]);
  });

  it("has the annotation of a failure once, also over several states and a lost answer", async () => {
    const failAgain = async () => {
      await change(ended);
      await check();
      await change({ ...failed, wanted: "present" });
      await check();
      expect(shown()).toEqual(["failure: 0007_orders.sql:14 not supported"]);
      expect(scene.github.checks[0]?.annotations).toEqual(["migrations/0007_orders.sql:14"]);
    };
    await queued();
    await check();
    await change(failed);
    const hear = loseAnswers("updateCheck");
    await check();
    hear();
    await check();
    await failAgain();
    await store.clear();
    scene.github.checks.length = 0;
    await scene.given({ headSha: SHA, ...failed });
    await check();
    await failAgain();
  });

  it("ends after a day of waiting for a slot", async () => {
    await scene.given({ headSha: SHA, queuedAt: NOW });
    await check();
    expect(shown()).toEqual(["in_progress: Waiting for a slot, 1st"]);
    scene.pass(CHECK_WAIT_MS + 1);
    await check();
    expect(shown()).toEqual(["timed_out: No slot within 1 d"]);
  });
});

describe("a new push", () => {
  it("gets a check run of its own, and the former one is closed if it was open", async () => {
    await queued();
    await check();
    await change({ headSha: NEXT_SHA });
    for (let step = 0; step < 3; step += 1) await check();
    expect(shown()).toEqual(["neutral: Superseded", "queued: Queued"]);
    expect((await rows()).map(({ sha }) => sha)).toEqual([NEXT_SHA]);
    await change({ ...failed, headSha: NEXT_SHA });
    await check();
    await change({ headSha: SHA, planGeneration: 0 });
    for (let step = 0; step < 3; step += 1) await check();
    expect(shown()).toEqual([
      "neutral: Superseded",
      "failure: 0007_orders.sql:14 not supported",
      "queued: Queued",
    ]);
  });
});

describe("the end of a pull request", () => {
  it("completes its check run, once, whatever becomes of the data", async () => {
    await queued();
    await check();
    await change(ended);
    await check();
    await change({ endedAt: new Date(NOW.getTime() + 1) });
    await check();
    expect(shown()).toEqual(["neutral: Closed"]);
    expect(writes()).toEqual(["createCheck", "updateCheck"]);
  });

  it("is no reason to make one", async () => {
    await scene.given({ headSha: SHA, ...ended });
    await check();
    expect(writes()).toEqual([]);
  });
});

describe("what GitHub did not answer", () => {
  it("is found by its external id, instead of a second one", async () => {
    await queued();
    loseAnswers("createCheck");
    await check();
    expect(await rows()).toMatchObject([{ checkId: null, attemptedAt: NOW }]);
    await check(2);
    await check();
    expect(await rows()).toMatchObject([{ checkId: 500, attemptedAt: null }]);
    expect(shown()).toEqual(["queued: Queued"]);
  });

  it("and made nothing is created again, and looked at once more for a worker that was only paused", async () => {
    await queued();
    scene.github.fail.set("createCheck", new Retryable("github_unavailable", "502"));
    await check();
    scene.github.fail.clear();
    await check(2);
    await check();
    const [ours] = scene.github.checks;
    if (!ours) throw new Error("There is no check run.");
    // What the paused worker had on its way.
    scene.github.checks.push({ ...ours, id: 950, title: "Late" });
    scene.pass(COMMENT_AUDIT_MS);
    for (let step = 0; step < 3; step += 1) await check();
    expect(shown()).toEqual(["neutral: Superseded", "queued: Queued"]);
    expect(await rows()).toMatchObject([{ checkId: 950, auditAt: null }]);
  });

  it("is mended after a step that had to be repeated", async () => {
    await queued();
    await check();
    await check(2);
    Object.assign(scene.github.checks[0] ?? {}, { title: "An older text" });
    scene.pass(COMMENT_AUDIT_MS);
    for (let step = 0; step < 3; step += 1) await check();
    expect(shown()).toEqual(["queued: Queued"]);
    expect(await rows()).toMatchObject([{ auditAt: null }]);
  });

  it("because the check run is gone makes a new one", async () => {
    await queued();
    await check();
    scene.github.checks.length = 0;
    await change(failed);
    await check();
    await check();
    expect(shown()).toEqual(["failure: 0007_orders.sql:14 not supported"]);
  });
});

describe("permissions", () => {
  it("without checks: write nothing is written", async () => {
    await queued();
    scene.github.grants = { ...GRANTS, permissions: { ...GRANTS.permissions, checks: "read" } };
    await check();
    expect(writes()).toEqual([]);
    expect(await scene.dueInMs("check", KEY)).toBeNull();
    scene.github.grants = null;
    await check();
    expect(writes()).toEqual([]);
  });

  it("that lack anything else are named in one line of the summary", async () => {
    await queued();
    const { permissions } = GRANTS;
    scene.github.grants = {
      ...GRANTS,
      permissions: { ...permissions, contents: undefined },
      events: ["push"],
    };
    await check();
    const [line] = scene.github.checks[0]?.summary.split("\n") ?? [];
    expect(line).toBe(
      "**The GitHub App lacks contents: read, event issue_comment, event pull_request**, and some things do not work without: an owner [accepts it here](https://github.test/acme/installations/1).",
    );
  });

  it("that GitHub refuses hold nothing back: the comment is written, and the check run tried again for days", async () => {
    await queued();
    scene.github.fail.set("createCheck", new Refused("forbidden", "no"));
    await check();
    expect(await scene.dueInMs("check", KEY)).toBe(REFUSED_LOOK_MS);
    await scene.run("report", KEY);
    expect(scene.github.posted).toHaveLength(1);
    scene.github.fail.set("findChecks", new Refused("forbidden", "no"));
    await check(REPORT_REFUSALS_MAX);
    expect(await scene.dueInMs("check", KEY)).toBeNull();
  });
});
