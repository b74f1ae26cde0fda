import { describe, expect, it } from "vitest";
import type { Caller } from "../../service/domain/caller.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import {
  type ApiScene,
  by,
  createApiScene,
  HOUR_MS,
  KEY,
  personCaller,
  reasonOf,
  SHOP,
} from "./api-scene.ts";

let base: TestStore;
let scene: ApiScene;
eachStore(
  (empty) => {
    base = empty;
    scene = createApiScene(base);
  },
  { max: 12 },
);

const DAY_MS = 24 * HOUR_MS;
const WANT = { repository: SHOP.repositoryName, gitBranch: "main" };
const ANN = personCaller("ann");

const create = (want: object = {}, write = by(KEY)) =>
  scene.api.createEnvironment(write, { ...WANT, ...want }, null);
const get = (id: string, caller: Caller = KEY) => scene.api.getEnvironment(caller, id, null);
const kindsOf = async (id: string) => (await scene.events(id)).map(({ kind }) => kind);

async function readyBranch(want: object = {}): Promise<string> {
  const { body } = await create(want);
  await scene.work();
  return body.environment.id;
}

async function readyPull(): Promise<string> {
  const { id } = await scene.given({ number: 4 });
  await scene.work();
  return id;
}

describe("keeping one", () => {
  const keep = (id: string, ms: number) => scene.api.keepEnvironment(by(KEY), id, scene.in(ms));

  it("moves its end, and never to an earlier one", async () => {
    const id = await readyBranch({ until: scene.in(HOUR_MS) });
    const kept = await keep(id, DAY_MS);
    expect(kept.body).toMatchObject({ until: scene.in(DAY_MS), revision: 2 });
    expect((await keep(id, HOUR_MS)).body).toMatchObject({ until: scene.in(DAY_MS), revision: 2 });
    expect((await kindsOf(id)).filter((kind) => kind === "kept")).toHaveLength(1);
  });

  it.each([-1, 0, 14 * DAY_MS + 1])("until %i ms from now is refused", async (ms) => {
    const id = await readyBranch();
    expect(await reasonOf(keep(id, ms))).toBe("invalid_request");
  });

  it("of one without an end changes nothing, and of one that has ended is refused", async () => {
    const id = await readyBranch();
    expect((await keep(id, HOUR_MS)).body).toMatchObject({ until: null, revision: 1 });
    await scene.api.destroyEnvironment(by(KEY), id);
    expect(await reasonOf(keep(id, HOUR_MS))).toBe("deleted");
  });
});

describe("resetting one", () => {
  it("makes a new database, and the old one goes", async () => {
    const id = await readyPull();
    const before = (await get(id)).endpoint?.identifier;
    const { status, body } = await scene.api.resetEnvironment(by(KEY), id);
    expect([status, body.operation?.kind, body.operation?.status]).toEqual([202, "reset", "running"]);
    await scene.work();
    const after = await get(id);
    expect([after.phase, after.endpoint?.identifier === before]).toEqual(["ready", false]);
    expect([...scene.aws.clusters.values()].map((one) => one.status)).toEqual(["gone", "usable"]);
    expect(await scene.api.getOperation(KEY, body.operation?.id ?? "", null)).toMatchObject({
      status: "succeeded",
    });
  });

  it("twice ends in one database more", async () => {
    const id = await readyPull();
    const first = await scene.api.resetEnvironment(by(KEY), id);
    const second = await scene.api.resetEnvironment(by(KEY), id);
    await scene.work();
    const statuses = [first, second].map(({ body }) =>
      scene.api.getOperation(KEY, body.operation?.id ?? "", null),
    );
    expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual(["superseded", "succeeded"]);
    expect([...scene.aws.clusters.values()].filter(({ status }) => status === "usable")).toHaveLength(1);
  });

  it("under one Idempotency-Key is one reset", async () => {
    const id = await readyPull();
    const write = by(KEY, "once");
    const [one, two] = await Promise.all([0, 1].map(() => scene.api.resetEnvironment(write, id)));
    expect(one?.body.operation?.id).toBe(two?.body.operation?.id);
    expect((await kindsOf(id)).filter((kind) => kind === "reset")).toHaveLength(1);
  });

  it("of one that has ended is refused", async () => {
    const id = await readyPull();
    await scene.api.destroyEnvironment(by(KEY), id);
    expect(await reasonOf(scene.api.resetEnvironment(by(KEY), id))).toBe("deleted");
  });
});

describe("destroying one", () => {
  it("leaves nothing, and cannot be taken back", async () => {
    const id = await readyPull();
    const { status, body } = await scene.api.destroyEnvironment(by(KEY), id);
    expect([status, body.operation?.kind]).toEqual([202, "delete"]);
    expect(await reasonOf(scene.api.restoreEnvironment(by(KEY), id))).toBe("not_restorable");
    await scene.work();
    expect(await get(id)).toMatchObject({ phase: "destroyed", endpoint: null, endedAt: expect.any(Date) });
    expect(await scene.api.getOperation(KEY, body.operation?.id ?? "", null)).toMatchObject({
      status: "succeeded",
    });
    expect(await scene.api.destroyEnvironment(by(KEY), id)).toMatchObject({
      status: 202,
      body: { operation: null },
    });
  });

  it("of a closed one ends its grace at once", async () => {
    const id = await closed();
    await scene.api.destroyEnvironment(by(KEY), id);
    await scene.work();
    expect((await get(id)).phase).toBe("destroyed");
  });
});

/** A pull request's database whose pull request was closed, as its intake writes it. */
async function closed(until: Date | null = null): Promise<string> {
  const { id } = await scene.given({ number: 4, until });
  await scene.work();
  await base.store.transaction(async (tx) => {
    const found = await tx.environment(id);
    if (!found) throw new Error("It is gone.");
    const absent = { wanted: "absent", wantedReason: "pull_closed" } as const;
    await tx.updateEnvironment(found, { ...absent, generation: found.generation + 1, wantedAt: scene.now() });
    await tx.wake([{ topic: "environment", key: id, dueAt: scene.now() }], scene.now());
  });
  await scene.work();
  expect((await get(id)).phase).toBe("retired");
  return id;
}

describe("restoring one", () => {
  it("of a closed pull request gives its database back", async () => {
    const id = await closed();
    const { endpoint } = await get(id);
    const { status, body } = await scene.api.restoreEnvironment(by(KEY), id);
    expect([status, body.operation?.kind]).toEqual([202, "restore"]);
    await scene.work();
    expect(await get(id)).toMatchObject({ phase: "ready", endpoint });
    expect(await scene.api.getOperation(KEY, body.operation?.id ?? "", null)).toMatchObject({
      status: "succeeded",
    });
  });

  it("after an end that has passed lasts as long as an idle one does", async () => {
    const id = await closed(scene.in(HOUR_MS));
    scene.pass(2 * HOUR_MS);
    await scene.api.restoreEnvironment(by(KEY), id);
    await scene.work();
    expect((await get(id)).phase).toBe("ready");
  });

  it("after its grace, or when it is there, is refused", async () => {
    expect(await reasonOf(scene.api.restoreEnvironment(by(KEY), await readyBranch()))).toBe("not_restorable");
    const id = await closed();
    scene.pass(DAY_MS);
    await scene.work();
    expect(await reasonOf(scene.api.restoreEnvironment(by(KEY), id))).toBe("not_restorable");
  });
});

it("every write over a preview leaves an event with its actor", async () => {
  scene.github.permissions.set("ann", "write");
  const { body } = await create({ until: scene.in(HOUR_MS) }, by(ANN));
  const { id } = body.environment;
  await scene.work();
  await scene.api.keepEnvironment(by(ANN), id, scene.in(DAY_MS));
  scene.pass(1);
  await scene.api.resetEnvironment(by(KEY), id);
  await scene.work();
  await scene.api.destroyEnvironment(by(ANN), id);
  const told = (await scene.events(id)).filter(({ actor }) => actor !== null);
  expect(told.map(({ kind, actor }) => `${kind} ${actor}`)).toEqual([
    "created @ann",
    "kept @ann",
    `reset key ${"id" in KEY ? KEY.id : ""} (test)`,
    "deleted @ann",
  ]);
});
