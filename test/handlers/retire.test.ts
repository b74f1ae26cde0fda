import { describe, expect, it } from "vitest";
import { FENCE_POLICY } from "../../service/domain/fence.ts";
import { READY_LOOK_MS } from "../../service/domain/limits.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { ASKED, createRetireScene, HOUR_MS, type RetireScene, setPolicy } from "./retire-scene.ts";

let store: TestStore;
let scene: RetireScene;
eachStore((empty) => {
  store = empty;
  scene = createRetireScene(store);
});

/** A pull request whose database is ready; out: the identifier of its cluster. */
async function ready(): Promise<string> {
  await scene.deliver();
  await scene.rest();
  expect(await scene.phase()).toBe("ready");
  return (await scene.cluster())?.identifier ?? "";
}

describe("a closed pull request", () => {
  it("keeps its data for the grace, and nobody can connect to it", async () => {
    const identifier = await ready();
    await scene.close();
    await scene.rest();
    expect(await scene.phase()).toBe("retired");
    expect(await scene.cluster()).toMatchObject({ use: "retired", fencedAt: expect.any(Date) });
    expect(scene.made.get(identifier)).toMatchObject({ fenced: true });
    const until = (await scene.cluster())?.retiredUntil?.getTime() ?? 0;
    expect(until - (await scene.environment()).wantedAt.getTime()).toBe(24 * HOUR_MS);
  });

  it("loses its data when the grace is over", async () => {
    await ready();
    await scene.close();
    await scene.rest();
    scene.pass(24 * HOUR_MS - 60_000);
    await scene.rest();
    expect(scene.identifiers()).toHaveLength(1);
    scene.pass(60_000);
    await scene.rest();
    expect(scene.identifiers()).toEqual([]);
    expect(await scene.phase()).toBe("destroyed");
  });

  it("keeps nothing that never became ready", async () => {
    await scene.deliver();
    await scene.steps(5);
    await scene.close();
    await scene.intake();
    expect(await scene.phase()).not.toBe("ready");
    await scene.rest();
    expect(scene.identifiers()).toEqual([]);
    expect(await scene.phase()).toBe("destroyed");
  });

  it("keeps nothing after /db destroy, even while it is retired", async () => {
    await ready();
    await scene.close();
    await scene.rest();
    await scene.comment(31, "/db destroy");
    await scene.rest();
    expect(scene.identifiers()).toEqual([]);
  });

  it("has its database destroyed by the API at once, although it was retired", async () => {
    await ready();
    await scene.close();
    await scene.rest();
    await scene.api.destroyEnvironment(ASKED, (await scene.environment()).id);
    await scene.rest();
    expect(scene.identifiers()).toEqual([]);
  });
});

describe("a pull request that is reopened within the grace", () => {
  it("is ready with the same cluster, which lets people in again", async () => {
    const identifier = await ready();
    await scene.close();
    await scene.rest();
    scene.pass(23 * HOUR_MS);
    await scene.reopen();
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
    expect(scene.identifiers()).toEqual([identifier]);
    expect(scene.made.get(identifier)).toMatchObject({ fenced: false });
    expect(await scene.cluster()).toMatchObject({ use: "serve", fencedAt: null, retiredUntil: null });
  });

  it("is not called ready while AWS refuses to let people in", async () => {
    await ready();
    await scene.close();
    await scene.rest();
    const unanswered = { kind: "unknown", cause: "no answer" } as const;
    Object.assign(scene.context.control, { putPolicy: async () => unanswered });
    await scene.reopen();
    await scene.steps(20);
    expect(await scene.phase()).toBe("creating");
  });

  it("has a new database if /db destroy was accepted in between", async () => {
    const identifier = await ready();
    await scene.close();
    await scene.rest();
    await scene.comment(31, "/db destroy");
    await scene.reopen();
    await scene.comment(32, "/db create");
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
    expect(scene.identifiers()).not.toContain(identifier);
  });

  it("has a new database if the API had destroyed the old one, and somebody asks for one", async () => {
    const identifier = await ready();
    await scene.api.destroyEnvironment(ASKED, (await scene.environment()).id);
    await scene.comment(31, "/db create");
    await scene.intake();
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
    expect(scene.identifiers()).not.toContain(identifier);
  });
});

describe("a close, a reopening and a close within seconds", () => {
  const counts = [0, 1, 2, 3, 5, 8, 200];
  const cases = counts.flatMap((first) => counts.map((second) => [first, second] as const));

  it.each(cases)("keep the data, with %i and %i steps in between", async (first, second) => {
    const identifier = await ready();
    await scene.close();
    await scene.intake();
    await scene.steps(first);
    await scene.reopen();
    await scene.intake();
    await scene.steps(second);
    await scene.close();
    await scene.intake();
    await scene.rest();
    expect(await scene.phase()).toBe("retired");
    expect(scene.identifiers()).toEqual([identifier]);
    expect(scene.made.get(identifier)).toMatchObject({ fenced: true });
  });

  it("end fenced if the last close came while AWS was letting people in", async () => {
    const identifier = await ready();
    await scene.close();
    await scene.rest();
    scene.hooks.afterFence = async (on) => {
      scene.hooks.afterFence = async () => {};
      if (on) return;
      await scene.close();
      await scene.intake();
      await scene.run("environment", (await scene.environment()).id);
    };
    await scene.reopen();
    await scene.rest();
    expect(await scene.phase()).toBe("retired");
    expect(scene.made.get(identifier)).toMatchObject({ fenced: true });
  });

  it("end open if the reopening came while AWS was shutting people out", async () => {
    const identifier = await ready();
    scene.hooks.afterFence = async (on) => {
      scene.hooks.afterFence = async () => {};
      if (!on) return;
      await scene.reopen();
      await scene.intake();
      await scene.run("environment", (await scene.environment()).id);
    };
    await scene.close();
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
    expect(scene.made.get(identifier)).toMatchObject({ fenced: false });
  });

  it("end open if the answer to the last fence was lost and the row never heard of it", async () => {
    const identifier = await ready();
    const { putPolicy } = scene.context.control;
    Object.assign(scene.context.control, {
      async putPolicy(...change: Parameters<typeof putPolicy>) {
        await putPolicy(...change);
        Object.assign(scene.context.control, { putPolicy });
        return { kind: "unknown", cause: "the answer was lost" };
      },
    });
    await scene.close();
    await scene.steps(3);
    await scene.reopen();
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
    expect(scene.made.get(identifier)).toMatchObject({ fenced: false });
  });
});

describe("what the API destroyed", () => {
  it("stays away whatever GitHub delivers, until somebody writes /db create", async () => {
    await ready();
    await scene.api.destroyEnvironment(ASKED, (await scene.environment()).id);
    await scene.rest();
    await scene.deliver({ action: "synchronize" });
    await scene.close();
    await scene.reopen();
    await scene.rest();
    expect(await scene.phase()).toBe("destroyed");
    expect(scene.identifiers()).toEqual([]);
    await scene.comment(31, "/db create");
    await scene.rest();
    expect(await scene.phase()).toBe("ready");
  });
});

describe("an operator's own policy", () => {
  const OWN = JSON.stringify({
    Statement: [{ Sid: "Own", Effect: "Deny", Principal: "*", Action: "dsql:DbConnect" }],
  });
  const OTHER = JSON.stringify({
    Statement: [{ Sid: "Other", Effect: "Deny", Principal: "*", Action: "dsql:*" }],
  });
  const made = (identifier: string) => {
    const one = scene.made.get(identifier);
    if (!one) throw new Error(`AWS has no ${identifier}.`);
    return one;
  };
  const closed = async (policy: string | null) => {
    const identifier = await ready();
    setPolicy(made(identifier), policy);
    await scene.close();
    await scene.rest();
    expect(made(identifier)).toMatchObject({ fenced: true });
    return identifier;
  };
  const reopened = async (identifier: string) => {
    await scene.reopen();
    await scene.rest();
    expect(await scene.cluster()).toMatchObject({ use: "serve", fencedAt: null, formerPolicy: null });
    return made(identifier).policy;
  };

  it("comes back when the cluster is restored; where there was none, none is left", async () => {
    const identifier = await closed(OWN);
    expect(await scene.cluster()).toMatchObject({ use: "retired", formerPolicy: OWN });
    expect(await reopened(identifier)).toBe(OWN);
  });

  it("is none where there was none", async () => {
    expect(await reopened(await closed(null))).toBeNull();
  });

  it("that was written beside the fence, or in its place, is the one that counts", async () => {
    const identifier = await closed(OWN);
    const both = JSON.parse(made(identifier).policy ?? "");
    both.Statement.push(...JSON.parse(OTHER).Statement);
    setPolicy(made(identifier), JSON.stringify(both));
    expect(JSON.parse((await reopened(identifier)) ?? "").Statement).toEqual(JSON.parse(OTHER).Statement);
  });

  it("that comes between the look and the fence is not lost", async () => {
    const identifier = await ready();
    setPolicy(made(identifier), OWN);
    scene.hooks.beforeFence = async () => {
      scene.hooks.beforeFence = async () => {};
      setPolicy(made(identifier), OTHER);
    };
    await scene.close();
    await scene.rest();
    expect(made(identifier)).toMatchObject({ fenced: true });
    expect(await reopened(identifier)).toBe(OTHER);
  });

  it("that replaces the fence of a retired cluster is fenced again at the next look, and kept", async () => {
    const identifier = await closed(null);
    const { fencedAt } = (await scene.cluster()) ?? {};
    setPolicy(made(identifier), OTHER);
    scene.pass(READY_LOOK_MS);
    await scene.rest();
    expect(made(identifier)).toMatchObject({ fenced: true });
    expect(await scene.cluster()).toMatchObject({ formerPolicy: OTHER, fencedAt });
  });
});

describe("a fence that comes late, from a process that stood still,", () => {
  it("is taken away again at the next look of whoever has the cluster", async () => {
    const identifier = await ready();
    const one = scene.made.get(identifier);
    if (!one) throw new Error("AWS has no such cluster.");
    setPolicy(one, FENCE_POLICY);
    scene.pass(READY_LOOK_MS);
    await scene.rest();
    expect(one).toMatchObject({ fenced: false, policy: null });
    expect(await scene.phase()).toBe("ready");
  });
});
