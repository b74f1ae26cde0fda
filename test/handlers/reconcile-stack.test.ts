import { describe, expect, it } from "vitest";
import { READER_ROLE } from "../../service/domain/access.ts";
import type { Cluster } from "../../service/domain/cluster.ts";
import {
  ABSENCE_CONFIRM_MS,
  READY_LOOK_MS,
  REMOVING_LOOK_MS,
  WAITING_LOOK_MS,
} from "../../service/domain/limits.ts";
import type { StackSeen } from "../../service/domain/stack.ts";
import { ago, SEEN } from "../domain/builders.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { createScene, KEY, type Scene } from "./scene.ts";

const NAME = "offshoot-cl-1";
const ROLES = { connect: "arn:aws:iam::111122223333:role/c", reader: "arn:aws:iam::111122223333:role/r" };
const AVAILABLE = { stack: NAME, ...SEEN, status: "available", statusSince: ago(3_600_000) } as const;

let store: TestStore;
let scene: Scene;
let calls: string[];
eachStore((empty) => {
  store = empty;
  scene = createScene(store);
  calls = [];
  for (const [port, names] of [
    [scene.context.stacks, ["update", "remove", "guard"]],
    [scene.context.control, ["create", "remove", "protect"]],
  ] as const) {
    const what = port === scene.context.stacks ? "stack" : "cluster";
    for (const name of names) record(port as never, name, what);
  }
});

type Anything = Record<string, (...given: unknown[]) => Promise<unknown>>;

function record(port: Anything, name: string, what: string): void {
  const call = port[name];
  port[name] = (...given) => {
    calls.push(`${what} ${name} ${given.filter((one) => typeof one !== "object").join(" ")}`.trim());
    return call?.(...given) ?? Promise.reject(new Error(name));
  };
}

const cluster = () => store.store.cluster("cl_1");
const step = () => scene.run("cluster", "cl_1");
const aws = (change: object) => Object.assign(scene.context.control, change);
const cloudFormation = (change: object) => Object.assign(scene.context.stacks, change);

/** The stack as AWS shows it from now on. */
function shows(status: string, change: Partial<Extract<StackSeen, { kind: "stack" }>> = {}): void {
  const plain = { kind: "stack", id: "arn:1", identifier: null, roles: null, outdated: false } as const;
  const seen = { ...plain, status, terminationProtected: false, failure: null, ...change };
  cloudFormation({ describe: async () => seen });
}
const failure = (cause: string, quota = false) => ({ cause, quota, tries: 1, at: scene.context.clock.now() });
const isGone = () => cloudFormation({ describe: async () => ({ kind: "absent" }) });

const given = (change: Partial<Cluster> = {}) =>
  scene.given({ servingId: "cl_1" }, { stack: NAME, ...change });

async function report(): Promise<string> {
  await scene.run("report", KEY);
  return scene.github.posted.at(-1)?.body ?? "";
}

describe("a cluster in a stack", () => {
  it("is asked for under its own name and the attempt's token, after both were written", async () => {
    await given();
    const asked: object[] = [];
    cloudFormation({
      async create(request: object) {
        asked.push({ ...request, written: (await cluster())?.attemptedAt });
        return { kind: "made" };
      },
    });
    await step();
    const now = scene.context.clock.now();
    const tags = expect.objectContaining({ "offshoot:cluster": "cl_1" });
    const token = `tok-1-${now.getTime()}`;
    expect(asked).toEqual([{ name: NAME, token, owner: { tags, deletionProtected: false }, written: now }]);
    expect(await cluster()).toMatchObject({ status: "creating", identifier: null });
    expect(calls).toEqual([]);
  });

  it("counts as a cluster of ours as soon as its stack shows an id, and is available with its roles", async () => {
    await given({ status: "creating" });
    aws({ observe: async () => ({ kind: "creating", ...SEEN }) });
    shows("CREATE_IN_PROGRESS", { identifier: SEEN.identifier });
    await step();
    expect(await cluster()).toMatchObject({ status: "creating", identifier: SEEN.identifier, roles: null });
    aws({ observe: async () => ({ kind: "usable", ...SEEN }) });
    shows("CREATE_COMPLETE", { identifier: SEEN.identifier, roles: ROLES });
    await step();
    expect(await cluster()).toMatchObject({ status: "available", endpoint: SEEN.endpoint, roles: ROLES });
  });

  it("whose create was answered by nobody is found under its name", async () => {
    await given({ attemptedAt: ago(1_000) });
    cloudFormation({ create: async () => ({ kind: "exists", cause: "AlreadyExists" }) });
    shows("CREATE_IN_PROGRESS");
    await step();
    expect(await cluster()).toMatchObject({ status: "creating" });
  });

  it("leaves another's stack of that name alone, and says what to do", async () => {
    await given();
    cloudFormation({ create: async () => ({ kind: "exists", cause: "AlreadyExists" }) });
    isGone();
    await step();
    expect(await cluster()).toMatchObject({ status: "intended", reason: "create_refused" });
    expect(await report()).toMatch(/not Offshoot's has the name offshoot-cl-1/);
    expect(calls).toEqual([]);
  });

  it("waits for a slot if its stack met the quota: the stack goes, and another try has another token", async () => {
    await given();
    await step();
    shows("ROLLBACK_COMPLETE", { failure: failure("Cluster: limit", true) });
    await step();
    expect(await cluster()).toMatchObject({ status: "creating", reason: "quota" });
    expect(await report()).toContain("Waiting for a slot");
    await step();
    expect(calls).toEqual(["stack remove arn:1"]);
    isGone();
    await step();
    expect(await cluster()).toMatchObject({ status: "intended", reason: "quota", attemptedAt: null });
    expect(await scene.dueInMs("cluster", "cl_1")).toBe(WAITING_LOOK_MS);

    scene.pass(WAITING_LOOK_MS);
    const tokens: string[] = [];
    cloudFormation({
      async create({ token }: { token: string }) {
        tokens.push(token);
        return { kind: "made" };
      },
    });
    await step();
    expect(tokens).toEqual([`tok-1-${scene.context.clock.now().getTime()}`]);
    expect(await cluster()).toMatchObject({ status: "creating", reason: null });
  });

  it("tells what AWS said of a stack that was rolled back, and forgets the cluster that was in it", async () => {
    await given({ ...SEEN, status: "creating", attemptedAt: ago(1_000) });
    shows("ROLLBACK_COMPLETE", {
      identifier: SEEN.identifier,
      failure: failure("ReaderRole: no permission"),
    });
    await step();
    expect(await report()).toMatch(/takes back what it had made[\s\S]*`ReaderRole: no permission`/);
    isGone();
    aws({ observe: async () => ({ kind: "absent" }) });
    await step();
    expect(await cluster()).toMatchObject({ status: "intended", identifier: null, endpoint: null });
  });
});

describe("a stack on its way out", () => {
  it("is removed by the id that was looked at, and its row ends when nothing is left", async () => {
    await given({ ...AVAILABLE, use: "remove" });
    aws({ observe: async () => ({ kind: "usable", ...SEEN }) });
    shows("CREATE_COMPLETE", { identifier: SEEN.identifier });
    await step();
    expect(calls).toEqual(["stack remove arn:1"]);
    expect(await cluster()).toMatchObject({ status: "removing" });
    isGone();
    aws({ observe: async () => ({ kind: "absent" }) });
    await step();
    expect(await cluster()).toMatchObject({ status: "gone" });
  });

  it("with a protected cluster is unprotected first, where that may be: no half of it goes before", async () => {
    await given({ ...AVAILABLE, use: "remove" });
    aws({ observe: async () => ({ kind: "usable", ...SEEN, deletionProtected: true }) });
    shows("CREATE_COMPLETE", { identifier: SEEN.identifier });
    await step();
    expect(calls).toEqual([`cluster protect ${SEEN.identifier} false`, "stack guard arn:1 false"]);
    expect(await cluster()).toMatchObject({ status: "available" });
  });

  it("of a customer stays while it is protected, and goes once the protection is lifted", async () => {
    const customer = {
      kind: "tenant",
      customerKey: "acme",
      pullKey: null,
      ownerKey: "tenant:acme",
      wanted: "absent",
    } as const;
    const kept = {
      ...AVAILABLE,
      kind: "tenant",
      use: "remove",
      protected: true,
      verifiedAt: ago(1),
    } as const;
    await scene.given({ ...customer, servingId: "cl_1" }, kept);
    aws({ observe: async () => ({ kind: "usable", ...SEEN, deletionProtected: true }) });
    shows("DELETE_FAILED", {
      identifier: SEEN.identifier,
      terminationProtected: true,
      failure: failure("protected"),
    });
    await step();
    expect(await cluster()).toMatchObject({ reason: "protected" });
    expect(calls).toEqual([]);
    await store.store.transaction((tx) => tx.setProtected("cl_1", false));
    await step();
    expect(calls).toEqual([`cluster protect ${SEEN.identifier} false`, "stack guard arn:1 false"]);
    aws({ observe: async () => ({ kind: "usable", ...SEEN }) });
    shows("DELETE_FAILED", { identifier: SEEN.identifier, failure: failure("protected") });
    await step();
    expect(calls.at(-1)).toBe("stack remove arn:1");
    expect(await cluster()).toMatchObject({ status: "removing" });
  });

  it("that was still being made is gone at once, also if the answer to its removal was lost", async () => {
    await given({ ...SEEN, stack: NAME, status: "creating", use: "remove", statusSince: ago(1_000) });
    isGone();
    aws({ remove: async () => ({ kind: "absent" }) });
    await step();
    expect(await cluster()).toMatchObject({ status: "gone" });
  });

  it("of a customer whose first removal met the protection goes within seconds, however long that took", async () => {
    const removed = { kind: "tenant", use: "remove", status: "removing", verifiedAt: ago(1) } as const;
    await given({ ...AVAILABLE, ...removed, protected: false, statusSince: ago(120_000) });
    let isOn = true;
    aws({
      observe: async () => ({ kind: "usable", ...SEEN, deletionProtected: isOn }),
      async protect() {
        isOn = false;
        return { kind: "done" };
      },
    });
    shows("DELETE_FAILED", { identifier: SEEN.identifier, failure: failure("Cluster: it is protected") });
    let waitedMs = 0;
    for (let looks = 0; looks < 4 && !calls.includes("stack remove arn:1"); looks += 1) {
      const waitMs = (await scene.dueInMs("cluster", "cl_1")) ?? 0;
      scene.pass(waitMs);
      waitedMs += waitMs;
      await step();
    }
    expect(calls.at(-1)).toBe("stack remove arn:1");
    expect(waitedMs).toBeLessThanOrEqual(REMOVING_LOOK_MS);
  });

  it("that is blocked says by what, and is tried again for ever, ever less often", async () => {
    await scene.given(
      { wanted: "absent", wantedReason: "pull_closed" },
      { ...AVAILABLE, use: "remove", status: "removing" },
    );
    aws({ observe: async () => ({ kind: "absent" }) });
    shows("DELETE_FAILED", { failure: failure("ReaderRole: must detach all policies first") });
    await step();
    expect(await cluster()).toMatchObject({ status: "removing", reason: "remove_blocked" });
    expect(await report()).toMatch(/could not remove it[\s\S]*`ReaderRole: must detach all policies first`/);
    expect(calls).toEqual([]);
    const waitMs = (await scene.dueInMs("cluster", "cl_1")) ?? 0;
    expect(waitMs).toBe(REMOVING_LOOK_MS);
    scene.pass(waitMs);
    await step();
    expect(calls).toEqual(["stack remove arn:1"]);
    expect(await cluster()).toMatchObject({ reason: "remove_blocked" });
  });
});

describe("what people do by hand", () => {
  it("who delete the cluster in a stack leave the stack, which goes after two looks", async () => {
    await given(AVAILABLE);
    aws({ observe: async () => ({ kind: "absent" }) });
    shows("CREATE_COMPLETE", { identifier: SEEN.identifier });
    await step();
    expect(await cluster()).toMatchObject({ status: "available" });
    scene.pass(ABSENCE_CONFIRM_MS);
    await step();
    expect(await cluster()).toMatchObject({ status: "removing", use: "remove" });
    await step();
    expect(calls).toEqual(["stack remove arn:1"]);
  });

  it("who delete the stack and keep the cluster leave a cluster like any other", async () => {
    await given(AVAILABLE);
    aws({ observe: async () => ({ kind: "usable", ...SEEN }) });
    isGone();
    await step();
    expect(await cluster()).toMatchObject({ status: "available" });
    await store.store.transaction((tx) => tx.setUse("cl_1", "remove"));
    await step();
    expect(calls).toEqual([`cluster remove ${SEEN.identifier}`]);
  });

  it("who delete the stack take the cluster with it, and its environment hears of it", async () => {
    await given(AVAILABLE);
    shows("DELETE_IN_PROGRESS");
    await step();
    expect(await cluster()).toMatchObject({ status: "removing", reason: "removed_outside" });
    expect(await scene.dueInMs("environment", "env_1")).toBe(0);
  });
});

describe("a stack that holds another cluster, because somebody changed it", () => {
  const other = "z".repeat(26);
  const observed: string[] = [];
  const both = (own: "usable" | "absent") => {
    observed.length = 0;
    shows("UPDATE_COMPLETE", { identifier: other, outdated: true });
    aws({
      async observe(identifier: string) {
        observed.push(identifier);
        if (identifier === other) return { kind: "usable", ...SEEN, identifier };
        return own === "absent" ? { kind: own } : { kind: own, ...SEEN };
      },
    });
  };

  it("is left to a person, and the database goes on with its own", async () => {
    await given(AVAILABLE);
    both("usable");
    await step();
    const trouble = `The stack's cluster is ${other}, not this one.`;
    expect(await cluster()).toMatchObject({ reason: "stack_stuck", trouble, identifier: SEEN.identifier });
    expect(observed).toEqual([SEEN.identifier]);
    expect(calls).toEqual([]);
  });

  it("never passes the other one off as its own, which is gone", async () => {
    await given(AVAILABLE);
    both("absent");
    await step();
    scene.pass(ABSENCE_CONFIRM_MS);
    await step();
    expect(await cluster()).toMatchObject({ status: "removing", reason: "removed_outside" });
  });
});

describe("a call that comes late, from a worker that stood still", () => {
  it.each([
    ["protection", {}, "guard"],
    ["update", { outdated: true, roles: ROLES }, "update"],
  ] as const)("of %s is looked at again by whoever has the cluster now", async (_what, seen, call) => {
    await given({ ...AVAILABLE, roles: ROLES, ...(call === "guard" ? { use: "remove" } : {}) });
    aws({ observe: async () => ({ kind: "usable", ...SEEN, deletionProtected: call === "guard" }) });
    shows("CREATE_COMPLETE", { identifier: SEEN.identifier, ...seen });
    cloudFormation({
      async [call]() {
        // Its lease runs out, and another worker's look ends meanwhile.
        const later = new Date(scene.context.clock.now().getTime() + READY_LOOK_MS);
        await store.pool.query("update wakeup set lease = null, lease_until = null, due_at = $1", [later]);
        return { kind: "done" };
      },
    });
    await step();
    expect(await scene.dueInMs("cluster", "cl_1")).toBe(0);
  });

  it("of protection is not made for a row that changed meanwhile", async () => {
    await given({ ...AVAILABLE, use: "remove" });
    shows("CREATE_COMPLETE", { identifier: SEEN.identifier });
    aws({
      async observe() {
        await store.store.transaction((tx) => tx.setProtected("cl_1", true));
        return { kind: "usable", ...SEEN, deletionProtected: true };
      },
    });
    await step();
    expect(calls).toEqual([]);
  });
});

describe("a stack of an older template", () => {
  it("is updated once while its database serves", async () => {
    await given({ ...AVAILABLE, roles: ROLES });
    aws({ observe: async () => ({ kind: "usable", ...SEEN }) });
    shows("CREATE_COMPLETE", { identifier: SEEN.identifier, roles: ROLES, outdated: true });
    await step();
    expect(calls).toEqual(["stack update arn:1"]);
    shows("UPDATE_IN_PROGRESS", { identifier: SEEN.identifier, roles: ROLES });
    await step();
    expect(calls).toHaveLength(1);
    expect(await cluster()).toMatchObject({ status: "available", reason: null });
  });

  it("in which CloudFormation sees nothing to change is asked for no second time", async () => {
    await given({ ...AVAILABLE, roles: ROLES });
    aws({ observe: async () => ({ kind: "usable", ...SEEN }) });
    shows("CREATE_COMPLETE", { identifier: SEEN.identifier, roles: ROLES, outdated: true });
    cloudFormation({ update: async () => ({ kind: "unchanged" }) });
    await step();
    expect(await scene.dueInMs("cluster", "cl_1")).toBe(READY_LOOK_MS);
    expect(await store.store.events("env_1")).toEqual([]);
  });

  it("that cannot be updated says why, and serves on", async () => {
    await given({ ...AVAILABLE, roles: ROLES });
    aws({ observe: async () => ({ kind: "usable", ...SEEN }) });
    const why = failure("ConnectRole: no permission");
    shows("UPDATE_ROLLBACK_COMPLETE", {
      identifier: SEEN.identifier,
      roles: ROLES,
      outdated: true,
      failure: why,
    });
    await step();
    expect(await cluster()).toMatchObject({ reason: "update_failed", trouble: "ConnectRole: no permission" });
    expect(calls).toEqual([]);
  });
});

it("pauses its Region if CloudFormation asks to wait", async () => {
  await given({ status: "creating" });
  cloudFormation({ describe: async () => ({ kind: "unknown", cause: "Throttling", retryAfterMs: 20_000 }) });
  await step();
  expect(await scene.dueInMs("cluster", "cl_1")).toBe(20_000);
  expect(await cluster()).toMatchObject({ status: "creating" });
});

it("maps the stack's reader role and asks for it before the database is ready", async () => {
  await given({ ...AVAILABLE, roles: ROLES });
  for (let n = 0; n < 4; n += 1) await scene.run("environment", "env_1");
  const grant = { databaseRole: READER_ROLE, iamRole: ROLES.reader };
  expect(scene.databases.mapped).toEqual([{ grants: [grant], formerRoles: [] }]);
  expect(scene.databases.verified).toEqual([[grant]]);
});

it.each([
  ["none", "pull", false],
  ["previews", "pull", true],
  ["previews", "tenant", false],
  ["all", "tenant", true],
] as const)("is wanted for %s: the cluster of a %s has a stack: %s", async (wanted, kind, isStacked) => {
  const tenant = {
    kind,
    customerKey: "acme",
    pullKey: null,
    ownerKey: "tenant:acme",
    repositoryId: null,
  } as const;
  await scene.given(kind === "tenant" ? tenant : {});
  const policy = { ...scene.context.policy, stacks: { for: wanted, prefix: "db-" } };
  Object.assign(scene.context, { policy });
  await scene.run("environment", "env_1");
  const { servingId } = (await store.store.environment("env_1")) ?? {};
  const made = await store.store.cluster(servingId ?? "");
  expect(made?.stack).toBe(isStacked ? `db-${servingId?.replace("_", "-")}` : null);
});
