import { describe, expect, it } from "vitest";
import type { Caller } from "../../service/domain/caller.ts";
import { keyCaller } from "../support/api.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import {
  type ApiScene,
  branchPlace,
  by,
  createApiScene,
  jobCaller,
  KEY,
  personCaller,
  reasonOf,
  SHA,
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
const RED = keyCaller({ id: "key_red", selector: { team: "red" } });

const create = (want: object = {}, write = by(KEY)) =>
  scene.api.createEnvironment(write, { ...WANT, ...want }, null);
const get = (id: string, caller: Caller = KEY) => scene.api.getEnvironment(caller, id, null);

async function readyBranch(want: object = {}): Promise<string> {
  const { body } = await create(want);
  await scene.work();
  return body.environment.id;
}

describe("creating one for a git branch", () => {
  it("is 201 and of the commit of now, and 200 when it is there", async () => {
    const made = await create();
    expect(made).toMatchObject({ status: 201, body: { operation: { kind: "create", status: "running" } } });
    const { owner, migrations } = made.body.environment;
    expect(owner).toMatchObject({
      kind: "branch",
      repository: "acme/shop",
      gitBranch: "main",
      database: "shop",
    });
    expect(migrations.digest).toBe(SHA);
    expect(await create()).toMatchObject({ status: 200, body: { operation: null } });
    await scene.work();
    expect((await get(made.body.environment.id)).phase).toBe("ready");
  });

  it("ten times at once makes one", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => create()));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    await scene.work();
    expect([await scene.count("environment"), scene.aws.clusters.size]).toEqual([1, 1]);
  });

  it("of a branch that GitHub does not have is refused", async () => {
    expect(await reasonOf(create({ gitBranch: "nothing" }))).toBe("git_branch_not_found");
    expect(await scene.count("environment")).toBe(0);
  });

  it.each([
    "a:b",
    "a..b",
    "a b",
    "-a",
    "a.lock",
    "a/",
    "/a",
    "a//b",
    "@",
    "a@{b",
    "a\\b",
    "a\u0000b",
    "a~1",
    ".a",
  ])("of a branch that git cannot have is refused: %j", async (gitBranch) => {
    scene.github.branches.set(gitBranch, SHA);
    expect(await reasonOf(create({ gitBranch }))).toBe("invalid_request");
  });

  it("of a repository that is hidden is answered like one that is not there", async () => {
    const write = by(ANN);
    const [hidden, missing] = await Promise.allSettled([
      create({}, write),
      create({ repository: "a/b" }, write),
    ]);
    const told = (outcome: PromiseSettledResult<unknown>) =>
      outcome.status === "rejected" ? String(outcome.reason).replace(/acme\/shop|a\/b/, "") : "made";
    expect(told(hidden)).toBe(told(missing));
    expect(told(hidden)).toContain("GitHub shows no repository");
  });

  it("needs write permission of a person, as it is now", async () => {
    scene.github.permissions.set("ann", "read");
    expect(await reasonOf(create({}, by(ANN)))).toBe("permission");
    scene.github.permissions.set("ann", "write");
    expect((await create({}, by(ANN))).status).toBe(201);
    scene.github.permissions.set("ann", "none");
    expect(await reasonOf(create({}, by(ANN)))).toBe("repository_not_found");
  });

  it("is for no job", async () => {
    expect(await reasonOf(create({}, by(jobCaller(branchPlace("main")))))).toBe("not_found");
  });

  it("with an end that has passed is refused", async () => {
    expect(await reasonOf(create({ until: scene.now() }))).toBe("invalid_request");
    expect(await scene.count("environment")).toBe(0);
  });

  it("keeps a key to its labels, and another's git branch from it, live or ended", async () => {
    expect(await reasonOf(create({}, by(RED)))).toBe("selector");
    const { body } = await create({ labels: { team: "blue" } });
    const mine = { labels: { team: "red" } };
    expect(await reasonOf(create(mine, by(RED)))).toBe("not_found");
    await scene.work();
    await scene.api.destroyEnvironment(by(KEY), body.environment.id);
    await scene.work();
    expect((await get(body.environment.id)).endedAt).not.toBeNull();
    expect(await reasonOf(create(mine, by(RED)))).toBe("not_found");
  });

  it("again after its end makes a new database", async () => {
    const id = await readyBranch({ labels: { old: "1" } });
    await scene.api.destroyEnvironment(by(KEY), id);
    expect(await reasonOf(create())).toBe("deleted");
    await scene.work();
    expect(await create()).toMatchObject({
      status: 201,
      body: { environment: { id, labels: {}, readyAt: null } },
    });
    await scene.work();
    expect([...scene.aws.clusters.values()].map(({ status }) => status)).toEqual(["gone", "usable"]);
  });
});
