import { describe, expect, it } from "vitest";
import type { Cluster } from "../../service/domain/cluster.ts";
import type { Environment } from "../../service/domain/environment.ts";
import { Refused, Retryable } from "../../service/domain/errors.ts";
import { CREATE_LATE_MS, REFUSED_LOOK_MS } from "../../service/domain/limits.ts";
import { parameterTags } from "../../service/domain/parameter-name.ts";
import { PARAMETER_AUDIT_MS, wakeLeftParameters } from "../../service/handlers/parameter.ts";
import type { Parameters } from "../../service/handlers/ports.ts";
import { NOW, SEEN } from "../domain/builders.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { createScene, KEY, POLICY, PULL_ROW, type Scene } from "./scene.ts";

const NAME = "/offshoot/acme/shop/pull/1/shop";
const VERIFIED = { migrationGeneration: 1, migrationState: "applied", verifiedGeneration: 1 } as const;
const AVAILABLE: Partial<Cluster> = { status: "available", ...SEEN, ...VERIFIED, verifiedAt: NOW };
const READY: Partial<Environment> = { servingId: "cl_1", readyAt: NOW };

type Kept = { value: string; tags: Readonly<Record<string, string>> };

/** SSM as a test sets it up; `fail` is thrown once, `failAfter` once after the effect. */
function createFakeParameters() {
  const state = {
    kept: new Map<string, Kept>(),
    puts: 0,
    fail: null as Error | null,
    failAfter: null as Error | null,
  };
  const call = async <T>(work: () => T): Promise<T> => {
    const { fail, failAfter } = state;
    Object.assign(state, { fail: null, failAfter: null });
    if (fail) throw fail;
    const result = work();
    if (failAfter) throw failAfter;
    return result;
  };
  const isForeign = (name: string, tags: Kept["tags"]) => {
    const there = state.kept.get(name);
    return there !== undefined && JSON.stringify(there.tags) !== JSON.stringify(tags);
  };
  const port: Parameters = {
    put: ({ name, value, tags }) =>
      call(() => {
        if (isForeign(name, tags)) return "foreign";
        state.puts += 1;
        state.kept.set(name, { value, tags });
        return "put";
      }),
    remove: (name, tags) =>
      call(() => {
        if (isForeign(name, tags)) return "foreign";
        state.kept.delete(name);
        return "removed";
      }),
  };
  return { state, port };
}

let store: TestStore;
let scene: Scene;
let ssm: ReturnType<typeof createFakeParameters>["state"];
eachStore((empty) => {
  store = empty;
  scene = createScene(store);
  const fake = createFakeParameters();
  ssm = fake.state;
  Object.assign(scene.context, {
    parameters: fake.port,
    policy: { ...POLICY, parameterPrefix: "/offshoot" },
  });
});

const step = () => scene.run("parameter", "env_1");
const row = () => store.store.parameter("env_1");
const names = () => [...ssm.kept.keys()];
const events = async () => (await store.store.events("env_1")).map(({ kind, detail }) => `${kind} ${detail}`);
const due = () => scene.dueInMs("parameter", "env_1");

async function change(columns: Partial<Environment>): Promise<void> {
  const environment = await store.store.environment("env_1");
  if (!environment) throw new Error("There is no environment.");
  await store.store.transaction((tx) => tx.updateEnvironment(environment, columns as object));
}

async function rename(repositoryName: string): Promise<void> {
  await store.store.transaction((tx) => tx.putPull({ ...PULL_ROW, repositoryName }, "open", NOW));
}

describe("the parameter of an environment", () => {
  it("tells where its database is, once it is ready", async () => {
    await scene.given(READY, AVAILABLE);
    await step();
    const { value, tags } = ssm.kept.get(NAME)!;
    expect(JSON.parse(value)).toEqual({
      ...{ host: SEEN.endpoint, port: 5432, user: "admin", database: "postgres" },
      ...{ region: "us-east-1", environmentId: "env_1" },
    });
    expect(tags).toEqual(parameterTags({ id: "env_1", kind: "pull" }));
    expect(await row()).toMatchObject({ name: NAME, digest: expect.any(String), attemptedAt: NOW });
    expect(await events()).toEqual([`parameter_put ${NAME}`]);
  });

  it("is put once, and again a day later, in case that somebody changed it", async () => {
    await scene.given(READY, AVAILABLE);
    await step();
    await step();
    expect(ssm.puts).toBe(1);
    expect(await due()).toBe(PARAMETER_AUDIT_MS);
    ssm.kept.clear();
    scene.pass(PARAMETER_AUDIT_MS);
    await step();
    expect(names()).toEqual([NAME]);
    expect(await events()).toEqual([`parameter_put ${NAME}`]);
  });

  it("of a customer is found by its key", async () => {
    const tenant = { kind: "tenant", pullKey: null, repositoryId: null, number: null } as const;
    await scene.given({ ...READY, ...tenant, ownerKey: "tenant:acme", customerKey: "acme" }, AVAILABLE);
    await step();
    expect(names()).toEqual(["/offshoot/tenant/acme"]);
    expect(ssm.kept.get("/offshoot/tenant/acme")?.tags).toMatchObject({ "offshoot:kind": "tenant" });
  });

  it.each<[string, Partial<Environment>, Partial<Cluster>]>([
    ["no cluster serves it", { servingId: null }, AVAILABLE],
    ["its cluster is being created", {}, { ...AVAILABLE, status: "creating" }],
    ["its cluster is retired", {}, { ...AVAILABLE, use: "retired" }],
    ["its cluster lets nobody in", {}, { ...AVAILABLE, fencedAt: NOW }],
    ["its cluster is going", {}, { ...AVAILABLE, use: "remove" }],
    ["nobody wants it", { wanted: "absent" }, AVAILABLE],
    ["no query was ever answered", { readyAt: null }, { ...AVAILABLE, verifiedGeneration: 0 }],
  ])("is not there while %s", async (_when, environment, cluster) => {
    await scene.given({ ...READY, ...environment }, cluster);
    await step();
    expect(names()).toEqual([]);
    expect(await row()).toBeNull();
    expect(await due()).toBeNull();
  });

  it("stays when a later push fails, because the schema before it still serves", async () => {
    const failed = { migrationGeneration: 2, migrationState: "failed" } as const;
    await scene.given({ ...READY, generation: 2 }, { ...AVAILABLE, ...failed });
    await step();
    expect(names()).toEqual([NAME]);
  });

  it("follows to another cluster", async () => {
    await scene.given(READY, AVAILABLE, {
      ...AVAILABLE,
      id: "cl_2",
      endpoint: "other.dsql.us-east-1.on.aws",
    });
    await step();
    await change({ servingId: "cl_2" });
    await step();
    expect(JSON.parse(ssm.kept.get(NAME)!.value)).toMatchObject({ host: "other.dsql.us-east-1.on.aws" });
  });
});

describe("a parameter that is wanted no more", () => {
  it("is removed, and once more when no late put can arrive", async () => {
    await scene.given(READY, AVAILABLE);
    await step();
    await change({ wanted: "absent" });
    scene.pass(1_000);
    await step();
    expect(names()).toEqual([]);
    expect(await due()).toBe(CREATE_LATE_MS - 1_000);
    // Another worker was paused before its call and goes on now.
    ssm.kept.set(NAME, { value: "late", tags: parameterTags({ id: "env_1", kind: "pull" }) });
    scene.pass(CREATE_LATE_MS);
    await step();
    expect(names()).toEqual([]);
    expect(await row()).toBeNull();
    expect(await events()).toEqual([`parameter_put ${NAME}`, `parameter_removed ${NAME}`]);
    await step();
    expect(await due()).toBeNull();
  });

  it("that was wanted again meanwhile is put again", async () => {
    await scene.given(READY, AVAILABLE);
    await step();
    await change({ wanted: "absent" });
    await step();
    await change({ wanted: "present" });
    await step();
    expect(names()).toEqual([NAME]);
    expect(await row()).toMatchObject({ digest: expect.any(String) });
  });

  it("leaves its name before it takes the new one of a renamed repository", async () => {
    await scene.given(READY, AVAILABLE);
    await step();
    await rename("acme/store");
    scene.pass(CREATE_LATE_MS);
    await step();
    expect(names()).toEqual([]);
    expect(await due()).toBe(0);
    await step();
    expect(names()).toEqual(["/offshoot/acme/store/pull/1/shop"]);
  });
});

describe("somebody else's parameter of the same name", () => {
  const THEIRS = { value: "theirs", tags: {} };
  it("is never overwritten; the history says so once", async () => {
    ssm.kept.set(NAME, THEIRS);
    await scene.given(READY, AVAILABLE);
    await step();
    expect(await due()).toBe(REFUSED_LOOK_MS);
    scene.pass(REFUSED_LOOK_MS);
    await step();
    expect(ssm.kept.get(NAME)).toEqual(THEIRS);
    expect(await events()).toEqual([`parameter_foreign ${NAME}`]);
  });

  it("is never removed", async () => {
    ssm.kept.set(NAME, THEIRS);
    await scene.given(READY, AVAILABLE);
    await step();
    await change({ wanted: "absent" });
    scene.pass(CREATE_LATE_MS);
    await step();
    expect(ssm.kept.get(NAME)).toEqual(THEIRS);
    expect(await row()).toBeNull();
  });

  it("that has gone makes room for ours", async () => {
    ssm.kept.set(NAME, THEIRS);
    await scene.given(READY, AVAILABLE);
    await step();
    ssm.kept.delete(NAME);
    await step();
    expect(ssm.kept.get(NAME)?.tags).toEqual(parameterTags({ id: "env_1", kind: "pull" }));
    expect(await row()).toMatchObject({ foreignAt: null });
  });
});

describe("a worker that dies", () => {
  it.each(["fail", "failAfter"] as const)(
    "between the intent and the record (%s) leaves a name to be removed",
    async (when) => {
      await scene.given(READY, AVAILABLE);
      ssm[when] = new Error("SIGKILL");
      await step();
      expect(await row()).toMatchObject({ name: NAME, digest: null });
      await change({ wanted: "absent" });
      scene.pass(CREATE_LATE_MS);
      await step();
      expect(names()).toEqual([]);
      expect(await row()).toBeNull();
    },
  );

  it.each(["fail", "failAfter"] as const)("is followed by one that puts it (%s)", async (when) => {
    await scene.given(READY, AVAILABLE);
    ssm[when] = new Error("SIGKILL");
    await step();
    await step();
    expect(names()).toEqual([NAME]);
    expect(await row()).toMatchObject({ digest: expect.any(String) });
  });

  it.each(["fail", "failAfter"] as const)(
    "while it removes (%s) is followed by one that does",
    async (when) => {
      await scene.given(READY, AVAILABLE);
      await step();
      await change({ wanted: "absent" });
      scene.pass(CREATE_LATE_MS);
      ssm[when] = new Error("SIGKILL");
      await step();
      await step();
      expect(names()).toEqual([]);
      expect(await row()).toBeNull();
    },
  );
});

describe("SSM", () => {
  it("that does not answer is asked again, after as long as it says", async () => {
    await scene.given(READY, AVAILABLE);
    ssm.fail = new Retryable("parameter_unavailable", "throttled", { afterMs: 30_000 });
    await step();
    expect(await due()).toBe(30_000);
  });

  it("that refuses is asked again in an hour", async () => {
    await scene.given(READY, AVAILABLE);
    ssm.fail = new Refused("parameter_refused", "no permission");
    await step();
    expect(await due()).toBe(REFUSED_LOOK_MS);
  });
});

describe("a step of the environment", () => {
  it.each<[string, Partial<Environment>]>([
    ["that changes it", { ...READY, until: NOW }],
    ["that finds nothing to do", READY],
  ])("%s wakes its parameter", async (_what, environment) => {
    await scene.given(environment, AVAILABLE);
    await scene.run("environment", "env_1");
    expect(await due()).toBe(0);
  });

  it("wakes none if no prefix is set, and one that was due rests", async () => {
    Object.assign(scene.context, { parameters: null, policy: POLICY });
    await scene.given(READY, AVAILABLE);
    await scene.run("environment", "env_1");
    expect(await due()).toBeNull();
    await step();
    expect(await due()).toBeNull();
    expect(await store.store.pull(KEY)).not.toBeNull();
  });

  it("removes what it had put once no prefix is set any more", async () => {
    await scene.given(READY, AVAILABLE);
    await step();
    Object.assign(scene.context, { policy: POLICY });
    await store.pool.query("delete from wakeup");
    await wakeLeftParameters(scene.context);
    expect(await due()).toBe(0);
    scene.pass(1);
    await step();
    expect(names()).toEqual([]);
    scene.pass(CREATE_LATE_MS);
    await step();
    expect(await row()).toBeNull();
    expect(await events()).toEqual([`parameter_put ${NAME}`, `parameter_removed ${NAME}`]);
  });
});
