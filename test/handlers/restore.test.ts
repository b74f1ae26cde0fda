import { describe, expect, it } from "vitest";
import { GRACE_WAITED_MS } from "../../service/domain/limits.ts";
import { NOW } from "../domain/builders.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { ASKED, BRANCH, BRANCH_KEY, createRetireScene, HOUR_MS, type RetireScene } from "./retire-scene.ts";
import { POLICY } from "./scene.ts";

let store: TestStore;
let scene: RetireScene;
eachStore((empty) => {
  store = empty;
  scene = createRetireScene(store);
});

const KEY = "acme";

/** A customer whose database is ready; out: the identifier of its cluster. */
async function readyTenant(isProtected = false): Promise<string> {
  await scene.api.putTenant(ASKED, KEY, { protected: isProtected }, null);
  await scene.rest();
  expect(await scene.phase()).toBe("ready");
  return (await scene.cluster())?.identifier ?? "";
}

describe("a customer that was deleted", () => {
  it("keeps its data for a week, closed to everybody, and is gone after it", async () => {
    const identifier = await readyTenant();
    await scene.api.deleteTenant(ASKED, KEY, null);
    await scene.rest();
    expect(await scene.phase()).toBe("retired");
    expect(scene.made.get(identifier)).toMatchObject({ fenced: true });
    scene.pass(168 * HOUR_MS - 60_000);
    await scene.rest();
    expect(scene.identifiers()).toEqual([identifier]);
    scene.pass(60_000);
    await scene.rest();
    expect(scene.identifiers()).toEqual([]);
    expect(await scene.phase()).toBe("destroyed");
  });

  it("keeps its data for as long as its own limit says", async () => {
    await readyTenant();
    await scene.api.patchTenant(ASKED, KEY, { limits: { graceHours: 1 } }, null);
    await scene.api.deleteTenant(ASKED, KEY, null);
    await scene.rest();
    scene.pass(HOUR_MS);
    await scene.rest();
    expect(scene.identifiers()).toEqual([]);
  });

  it("is ready again with the same cluster when it is restored", async () => {
    const identifier = await readyTenant();
    await scene.api.deleteTenant(ASKED, KEY, null);
    await scene.rest();
    scene.pass(100 * HOUR_MS);
    const { body } = await scene.api.restoreTenant(ASKED, KEY);
    expect(body.operation).toMatchObject({ kind: "restore", status: "running" });
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
    expect(scene.identifiers()).toEqual([identifier]);
    expect(scene.made.get(identifier)).toMatchObject({ fenced: false });
  });

  it("can be restored at once, before the service has done anything about the delete", async () => {
    const identifier = await readyTenant();
    await scene.api.deleteTenant(ASKED, KEY, null);
    await scene.api.restoreTenant(ASKED, KEY);
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
    expect(scene.identifiers()).toEqual([identifier]);
  });

  it("cannot be restored when its data is gone, but put anew, with an empty database", async () => {
    const identifier = await readyTenant();
    await scene.api.deleteTenant(ASKED, KEY, null);
    await scene.rest();
    scene.pass(168 * HOUR_MS);
    await scene.rest();
    await expect(scene.api.restoreTenant(ASKED, KEY)).rejects.toMatchObject({ reason: "not_restorable" });
    expect(await scene.api.putTenant(ASKED, KEY, {}, null)).toMatchObject({ status: 201 });
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
    expect(scene.identifiers()).not.toContain(identifier);
  });

  it("is removed although somebody switched its protection on at AWS: ours was lifted", async () => {
    const identifier = await readyTenant();
    await scene.api.deleteTenant(ASKED, KEY, null);
    await scene.rest();
    Object.assign(scene.made.get(identifier) ?? {}, { protected: true });
    scene.pass(168 * HOUR_MS);
    await scene.rest();
    expect(scene.identifiers()).toEqual([]);
  });
});

describe("a customer's protection", () => {
  it("is on at AWS from the first call, and refuses a delete", async () => {
    const identifier = await readyTenant(true);
    expect(scene.made.get(identifier)).toMatchObject({ protected: true });
    await expect(scene.api.deleteTenant(ASKED, KEY, null)).rejects.toMatchObject({ reason: "protected" });
  });

  it("outlives the end of its time, which waits until it is lifted", async () => {
    await readyTenant(true);
    const until = new Date(NOW.getTime() + 2 * HOUR_MS);
    await scene.api.patchTenant(ASKED, KEY, { until }, null);
    scene.pass(3 * HOUR_MS);
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
    await scene.api.patchTenant(ASKED, KEY, { protected: false }, null);
    await scene.rest();
    expect(await scene.phase()).toBe("retired");
  });

  it("goes to AWS within a step when it is lifted, and when it is put again after a restore", async () => {
    const identifier = await readyTenant(true);
    await scene.api.patchTenant(ASKED, KEY, { protected: false }, null);
    await scene.rest();
    expect(scene.made.get(identifier)).toMatchObject({ protected: false });
    await scene.api.deleteTenant(ASKED, KEY, null);
    await scene.rest();
    await scene.api.restoreTenant(ASKED, KEY);
    await scene.api.patchTenant(ASKED, KEY, { protected: true }, null);
    await scene.rest();
    expect(scene.made.get(identifier)).toMatchObject({ protected: true, fenced: false });
  });
});

describe("a customer's cluster that is gone at AWS", () => {
  it("is never replaced by an empty one: it is failed, and says so", async () => {
    const identifier = await readyTenant();
    scene.made.delete(identifier);
    for (let looks = 0; looks < 3; looks += 1) {
      scene.pass(HOUR_MS);
      await scene.rest();
    }
    expect(await scene.phase()).toBe("failed");
    expect(scene.identifiers()).toEqual([]);
    const view = await scene.api.getTenant(ASKED.caller, KEY);
    expect(view.failure).toMatchObject({ reason: "cluster_lost" });
  });
});

describe("a retired database, when somebody waits for its slot", () => {
  /** One slot in all, and an environment of each kind that holds it until it is closed. */
  function oneSlot(): void {
    Object.assign(scene.context, { policy: { ...scene.context.policy, maxClusters: 1 } });
  }
  /** A customer that waits. */
  async function waiting(): Promise<void> {
    await scene.api.putTenant(ASKED, "other", {}, null);
    await scene.rest();
  }
  const phaseOf = async (key: string) => (await scene.api.getTenant(ASKED.caller, key)).phase;
  /** Whoever waits looks every half minute. */
  async function wait(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 60_000) {
      scene.pass(60_000);
      await scene.rest();
    }
  }

  it("goes after an hour, and not before", async () => {
    oneSlot();
    await scene.deliver();
    await scene.rest();
    await scene.close();
    await scene.rest();
    const [identifier] = scene.identifiers();
    await waiting();
    await wait(GRACE_WAITED_MS - 120_000);
    expect(scene.identifiers()).toEqual([identifier]);
    expect(await phaseOf("other")).toBe("waiting");
    await wait(240_000);
    expect(scene.identifiers()).not.toContain(identifier);
    expect(await phaseOf("other")).toBe("ready");
  });

  it("stays if it is a customer's, however long somebody waits", async () => {
    oneSlot();
    const identifier = await readyTenant();
    await scene.api.deleteTenant(ASKED, KEY, null);
    await scene.rest();
    await waiting();
    await wait(3 * HOUR_MS);
    expect(scene.identifiers()).toEqual([identifier]);
    expect(await phaseOf("other")).toBe("waiting");
    expect(await phaseOf(KEY)).toBe("retired");
  });
});

describe("a retired database that could yield", () => {
  /** Two closed previews on two slots; out: their clusters. */
  async function twoRetired(): Promise<readonly string[]> {
    Object.assign(scene.context, { policy: { ...scene.context.policy, maxClusters: 2 } });
    const ids: string[] = [];
    for (const gitBranch of ["one", "two"]) {
      await scene.api.createEnvironment(ASKED, { repository: "acme/shop", gitBranch }, null);
      await scene.rest();
    }
    const { items } = await scene.api.listEnvironments(ASKED.caller, {
      ...{ owner: "branch", id: null, repository: null, number: null, gitBranch: null },
      ...{ labels: {}, limit: 10, cursor: null },
    });
    for (const { id } of items) {
      const environment = await scene.context.store.environment(id);
      if (!environment) throw new Error("It is gone.");
      ids.push(environment.servingId ?? "");
      await scene.context.store.transaction(async (tx) => {
        const now = scene.context.clock.now();
        await tx.updateEnvironment(environment, { wanted: "absent", wantedReason: "expired", wantedAt: now });
        await tx.wake([{ topic: "environment", key: id, dueAt: now }], now);
      });
    }
    await scene.rest();
    return ids;
  }

  it("is asked for one at a time: a second one stays while the first is on its way out", async () => {
    const ids = await twoRetired();
    scene.pass(2 * HOUR_MS);
    const { remove } = scene.context.control;
    Object.assign(scene.context.control, { remove: async () => ({ kind: "busy" }) });
    await scene.api.putTenant(ASKED, "other", {}, null);
    for (let looks = 0; looks < 5; looks += 1) {
      await scene.steps(50);
      scene.pass(31_000);
    }
    const uses = [];
    for (const id of ids) uses.push((await scene.context.store.cluster(id))?.use);
    // Which of two that were closed at the same moment goes first does not matter.
    expect(uses.sort()).toEqual(["remove", "retired"]);
    Object.assign(scene.context.control, { remove });
    await scene.rest();
    expect((await scene.api.getTenant(ASKED.caller, "other")).phase).toBe("ready");
    expect(scene.identifiers()).toHaveLength(2);
  });
});

describe("a git branch", () => {
  async function readyBranch(): Promise<string> {
    const { gitBranch } = BRANCH;
    await scene.api.createEnvironment(ASKED, { repository: "acme/shop", gitBranch }, null);
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
    return (await scene.cluster())?.identifier ?? "";
  }

  it("has its database migrated to every push", async () => {
    const identifier = await readyBranch();
    scene.github.migrations += "create table c (id int)\n";
    await scene.push("2".repeat(40));
    await scene.rest();
    expect(await scene.environment()).toMatchObject({ headSha: "2".repeat(40), generation: 2 });
    expect(await scene.phase()).toBe("ready");
    expect(scene.databases.ran).toHaveLength(3);
    expect(scene.identifiers()).toEqual([identifier]);
  });

  it("that is deleted keeps its data, and has it back with a new push within the grace", async () => {
    const identifier = await readyBranch();
    await scene.push(null);
    await scene.rest();
    expect(await scene.phase()).toBe("retired");
    expect(scene.made.get(identifier)).toMatchObject({ fenced: true });
    await scene.push("2".repeat(40));
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
    expect(scene.identifiers()).toEqual([identifier]);
    expect(scene.made.get(identifier)).toMatchObject({ fenced: false });
  });

  it("that is pushed again after its end has passed has time to be used", async () => {
    const { gitBranch } = BRANCH;
    const until = new Date(scene.context.clock.now().getTime() + HOUR_MS);
    await scene.api.createEnvironment(ASKED, { repository: "acme/shop", gitBranch, until }, null);
    await scene.rest();
    await scene.push(null);
    await scene.rest();
    scene.pass(2 * HOUR_MS);
    await scene.push("2".repeat(40));
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
    const now = scene.context.clock.now().getTime();
    const leftMs = ((await scene.environment()).until?.getTime() ?? 0) - now;
    expect(leftMs).toBeGreaterThan(POLICY.idleMs - HOUR_MS);
    expect(leftMs).toBeLessThanOrEqual(POLICY.idleMs);
  });

  it("that is deleted and pushed before the service has done anything keeps its data too", async () => {
    const identifier = await readyBranch();
    for (const sha of [null, "2".repeat(40), null]) {
      await scene.push(sha);
      await scene.run("intake", BRANCH_KEY);
    }
    await scene.rest();
    expect(await scene.phase()).toBe("retired");
    expect(scene.identifiers()).toEqual([identifier]);
  });

  it("whose grace is over stays without a database whatever is pushed", async () => {
    await readyBranch();
    await scene.push(null);
    await scene.rest();
    scene.pass(24 * HOUR_MS);
    await scene.rest();
    await scene.push("2".repeat(40));
    await scene.rest();
    expect(scene.identifiers()).toEqual([]);
    expect(await scene.phase()).toBe("destroyed");
  });

  it("that nobody asked a database for costs no call to GitHub", async () => {
    await scene.push("2".repeat(40));
    await scene.run("intake", BRANCH_KEY);
    expect(await scene.outcomes()).toEqual(["no_environment"]);
  });
});

describe("writes that are repeated", () => {
  it("delete once, and restore once", async () => {
    await readyTenant();
    const deletion = scene.repeated();
    const deleted = await scene.api.deleteTenant(deletion, KEY, null);
    const again = await scene.api.deleteTenant(deletion, KEY, null);
    expect(again).toMatchObject({ status: 202, replayed: true });
    expect(again.body.operation?.id).toBe(deleted.body.operation?.id);
    await scene.rest();
    scene.pass(1_000);
    const restoration = scene.repeated();
    await scene.api.restoreTenant(restoration, KEY);
    // The delete comes once more, late: it has its old answer, and no effect.
    await scene.api.deleteTenant(deletion, KEY, null);
    await scene.api.restoreTenant(restoration, KEY);
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
    const events = await scene.context.store.events((await scene.environment()).id);
    const kinds = events.map(({ kind }) => kind).filter((kind) => /^(deleted|restore_asked)$/.test(kind));
    expect(kinds).toEqual(["deleted", "restore_asked"]);
  });

  it("at once, of one new customer, make one", async () => {
    const asked = scene.repeated();
    const answers = await Promise.all([1, 2, 3, 4].map(() => scene.api.putTenant(asked, KEY, {}, null)));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    const plain = await Promise.all([1, 2, 3].map(() => scene.api.putTenant(ASKED, "b", {}, null)));
    expect(plain.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    await scene.rest();
    expect(scene.identifiers()).toHaveLength(2);
  });
});

describe("grace", () => {
  it("of 0 keeps nothing", async () => {
    const grace = { previewMs: 0, tenantMs: 0 };
    Object.assign(scene.context, { policy: { ...POLICY, grace } });
    await scene.deliver();
    await scene.rest();
    await scene.close();
    await scene.rest();
    expect(scene.identifiers()).toEqual([]);
    expect(await scene.phase()).toBe("destroyed");
  });
});
