import { describe, expect, it } from "vitest";
import type { Caller } from "../../service/domain/caller.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import {
  type ApiScene,
  branchPlace,
  by,
  createApiScene,
  HOUR_MS,
  jobCaller,
  KEY,
  page,
  personCaller,
  pullPlace,
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

const WANT = { repository: SHOP.repositoryName, gitBranch: "main" };
const ANN = personCaller("ann");
const OWNER = { role: "owner", seconds: null } as const;
const READER = { role: "reader", seconds: null } as const;

const create = (want: object = {}, write = by(KEY)) =>
  scene.api.createEnvironment(write, { ...WANT, ...want }, null);
const get = (id: string, caller: Caller = KEY) => scene.api.getEnvironment(caller, id, null);

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

const verbs: readonly [string, (write: ReturnType<typeof by>, id: string) => Promise<unknown>][] = [
  ["keep", (write, id) => scene.api.keepEnvironment(write, id, scene.in(HOUR_MS))],
  ["reset", (write, id) => scene.api.resetEnvironment(write, id)],
  ["destroy", (write, id) => scene.api.destroyEnvironment(write, id)],
  ["restore", (write, id) => scene.api.restoreEnvironment(write, id)],
];
const reads: readonly [string, (caller: Caller, id: string) => Promise<unknown>][] = [
  ["get", (caller, id) => get(id, caller)],
  ["events", (caller, id) => scene.api.environmentEvents(caller, id, page())],
  ["owner's token", (caller, id) => scene.api.environmentToken(caller, id, OWNER)],
  ["reader's token", (caller, id) => scene.api.environmentToken(caller, id, READER)],
];

describe("a customer's database among the environments", () => {
  it.each(verbs)("is not changed there: %s", async (_verb, ask) => {
    const id = await scene.readyTenant("acme");
    expect(await reasonOf(ask(by(KEY), id))).toBe("use_tenants");
  });

  it.each([...reads])("is there for no person and no job: %s", async (_what, ask) => {
    const id = await scene.readyTenant("acme");
    scene.github.permissions.set("ann", "admin");
    expect(await reasonOf(ask(ANN, id))).toBe("not_found");
    expect(await reasonOf(ask(jobCaller(pullPlace(1)), id))).toBe("not_found");
  });
});

describe("a person", () => {
  it.each(verbs)("needs write permission, as it is at that moment: %s", async (_verb, ask) => {
    const id = await readyPull();
    expect(await reasonOf(ask(by(ANN), id))).toBe("not_found");
    scene.github.permissions.set("ann", "read");
    expect(await reasonOf(ask(by(ANN), id))).toBe("permission");
    for (const permission of ["write", "admin"] as const) {
      scene.github.permissions.set("ann", permission);
      const reason = await ask(by(ANN), id).then(
        () => "done",
        (error: { reason: string }) => error.reason,
      );
      expect(["done", "not_restorable", "deleted"]).toContain(reason);
    }
    scene.github.permissions.set("ann", "none");
    expect(await reasonOf(ask(by(ANN), id))).toBe("not_found");
  });

  it.each(verbs.slice(0, 3))(
    "that lost its permission is not even answered again: %s",
    async (_verb, ask) => {
      const id = await readyPull();
      scene.github.permissions.set("ann", "write");
      await ask(by(ANN, "k"), id);
      scene.github.permissions.set("ann", "none");
      expect(await reasonOf(ask(by(ANN, "k"), id))).toBe("not_found");
    },
  );

  it.each(reads)("reads with read permission, and as a reader only: %s", async (what, ask) => {
    const id = await readyPull();
    expect(await reasonOf(ask(ANN, id))).toBe("not_found");
    scene.github.permissions.set("ann", "read");
    if (what === "owner's token") expect(await reasonOf(ask(ANN, id))).toBe("permission");
    else await ask(ANN, id);
    scene.github.permissions.set("ann", "write");
    await ask(ANN, id);
    expect(await reasonOf(ask(personCaller("ann", "ghe.test"), id))).toBe("not_found");
  });
});

describe("a job", () => {
  it.each(reads)("reaches its own place: %s", async (_what, ask) => {
    const pull = await readyPull();
    const branch = await readyBranch();
    await ask(jobCaller(pullPlace(4)), pull);
    await ask(jobCaller(branchPlace("main")), branch);
  });

  it.each(reads)("reaches no other place: %s", async (_what, ask) => {
    const pull = await readyPull();
    const branch = await readyBranch();
    const others = [pullPlace(5), pullPlace(4, 8), pullPlace(4, 7, "ghe.test"), branchPlace("main")];
    for (const place of others) expect(await reasonOf(ask(jobCaller(place), pull))).toBe("not_found");
    const more = [
      branchPlace("other"),
      branchPlace("main", 8),
      branchPlace("main", 7, "ghe.test"),
      pullPlace(4),
    ];
    for (const place of more) expect(await reasonOf(ask(jobCaller(place), branch))).toBe("not_found");
  });

  it.each(verbs)("changes nothing: %s", async (_verb, ask) => {
    expect(await reasonOf(ask(by(jobCaller(pullPlace(4))), await readyPull()))).toBe("not_found");
  });
});
