import { describe, expect, it } from "vitest";
import { newEnvironment } from "../../service/domain/environment.ts";
import { branchOwnerKey, tenantOwnerKey } from "../../service/domain/owner.ts";
import type { EnvironmentView, PageOf } from "../../service/handlers/api-types.ts";
import { newId } from "../../service/handlers/context.ts";
import { keyCaller } from "../support/api.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import {
  type ApiScene,
  branchPlace,
  by,
  createApiScene,
  everything,
  HOST,
  jobCaller,
  KEY,
  page,
  personCaller,
  pullPlace,
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
  { max: 8 },
);

async function tenant(key: string, labels = {}): Promise<string> {
  scene.pass(1);
  const id = newId(scene.context, "env");
  const owner = { kind: "tenant", ownerKey: tenantOwnerKey(key), customerKey: key, database: key } as const;
  const wanted = {
    author: "",
    wanted: "present",
    wantedReason: "api_create",
    headSha: "",
    until: null,
  } as const;
  await base.store.transaction((tx) =>
    tx.insertEnvironment(newEnvironment({ id, ...owner, ...wanted, labels }, scene.now())),
  );
  return id;
}

function branch(gitBranch: string, labels = {}, repositoryId = SHOP.repositoryId) {
  scene.pass(1);
  const ownerKey = branchOwnerKey({ host: HOST, repositoryId, gitBranch }, "shop");
  const nobody = { pullKey: null, number: null, author: "", wantedReason: "api_create" } as const;
  return scene.given({ kind: "branch", ...nobody, ownerKey, gitBranch, labels, repositoryId, headSha: SHA });
}

const ids = ({ items }: PageOf<EnvironmentView>) => items.map(({ id }) => id);

describe("a walk by cursors", () => {
  it("over 250 environments meets each exactly once, while others are made", async () => {
    const made: string[] = [];
    for (let at = 0; at < 250; at += 1) made.push(await tenant(`t${at}`));
    const seen: string[] = [];
    let cursor: string | null = null;
    let pages = 0;
    do {
      const shown: PageOf<EnvironmentView> = await scene.api.listTenants(KEY, {
        labels: {},
        ...page(33, cursor),
      });
      seen.push(...ids(shown));
      if (shown.nextCursor !== null) expect(shown.items).toHaveLength(33);
      cursor = shown.nextCursor;
      pages += 1;
      if (pages < 4) made.push(await tenant(`late${pages}`));
    } while (cursor !== null && pages < 50);
    expect(seen).toEqual(made);
  });

  it("over several kinds keeps one order", async () => {
    const made: string[] = [];
    for (let at = 1; at <= 9; at += 1) {
      if (at % 2) made.push((await branch(`b${at}`)).id);
      else {
        scene.pass(1);
        made.push((await scene.given({ number: at })).id);
      }
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    const write = keyCaller({ scopes: ["environments:write"] });
    do {
      const shown: PageOf<EnvironmentView> = await scene.api.listEnvironments(
        write,
        everything(page(2, cursor)),
      );
      seen.push(...ids(shown));
      cursor = shown.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(made);
  });

  it.each(["x", "env_1", "evt_0123456789abcdefghjkmn", "env_0123456789abcdefghjkm", "0", "-"])(
    "that begins with %s is refused",
    async (cursor) => {
      expect(await reasonOf(scene.api.listTenants(KEY, { labels: {}, ...page(5, cursor) }))).toBe(
        "cursor_invalid",
      );
    },
  );

  it("over events meets each exactly once, in the order in which they happened", async () => {
    const id = await scene.readyTenant("acme", {});
    for (let at = 0; at < 7; at += 1) {
      scene.pass(1);
      await scene.api.patchTenant(by(KEY), "acme", { labels: { at: `${at}` } }, null);
    }
    const kinds: string[] = [];
    let cursor: string | null = null;
    do {
      const shown = await scene.api.tenantEvents(KEY, "acme", page(3, cursor));
      kinds.push(...shown.items.map(({ kind }) => kind));
      cursor = shown.nextCursor;
    } while (cursor !== null);
    expect(kinds).toEqual((await scene.events(id)).map(({ kind }) => kind));
    expect(await reasonOf(scene.api.environmentEvents(KEY, id, page(3, id)))).toBe("cursor_invalid");
  });
});

describe("a filter of environments", () => {
  it("by label, number and git branch at once shows what matches all of them", async () => {
    const [one] = [await branch("one", { team: "red" }), await branch("two", { team: "red" })];
    await branch("one", { team: "red" }, 8);
    const asked = everything({ repository: SHOP.repositoryName, gitBranch: "one", labels: { team: "red" } });
    expect(ids(await scene.api.listEnvironments(KEY, asked))).toEqual([one.id]);
    const other = everything({ repository: SHOP.repositoryName, gitBranch: "one", labels: { team: "blue" } });
    expect(ids(await scene.api.listEnvironments(KEY, other))).toEqual([]);
  });

  it("by number shows that pull request", async () => {
    await scene.given({ number: 1 });
    const two = await scene.given({ number: 2 });
    const asked = everything({ repository: SHOP.repositoryName, number: 2 });
    expect(ids(await scene.api.listEnvironments(KEY, asked))).toEqual([two.id]);
  });

  it.each([{ number: 1 }, { gitBranch: "main" }])("by %j without a repository is refused", async (part) => {
    expect(await reasonOf(scene.api.listEnvironments(KEY, everything(part)))).toBe("invalid_request");
  });

  it("by repository knows no case, as GitHub's names do not", async () => {
    const { id } = await branch("one");
    for (const repository of ["acme/shop", "Acme/SHOP"]) {
      expect(ids(await scene.api.listEnvironments(KEY, everything({ repository })))).toEqual([id]);
    }
  });

  it("by a repository that nobody knows shows nothing", async () => {
    await branch("one");
    expect(ids(await scene.api.listEnvironments(KEY, everything({ repository: "no/body" })))).toEqual([]);
  });

  it("by id shows that one, if it is of the owner and labels that are asked for", async () => {
    const { id } = await branch("one", { team: "red" });
    const shown = async (change: object) =>
      ids(await scene.api.listEnvironments(KEY, everything({ id, ...change })));
    expect(await shown({})).toEqual([id]);
    expect(await shown({ owner: "branch", labels: { team: "red" } })).toEqual([id]);
    expect(await shown({ owner: "tenant" })).toEqual([]);
    expect(await shown({ labels: { team: "blue" } })).toEqual([]);
  });
});

describe("a list", () => {
  it("of a job shows its place only, whatever it asks for", async () => {
    const mine = await branch("mine", { team: "red" });
    await branch("other", { team: "red" });
    await branch("mine", { team: "red" }, 8);
    await scene.given({ number: 1 });
    await tenant("acme", { team: "red" });
    const job = jobCaller(branchPlace("mine"));
    const shown = async (change: object) => ids(await scene.api.listEnvironments(job, everything(change)));
    expect(await shown({})).toEqual([mine.id]);
    expect(await shown({ labels: { team: "red" } })).toEqual([mine.id]);
    expect(await shown({ gitBranch: "other" })).toEqual([]);
    expect(await shown({ number: 1 })).toEqual([]);
    expect(await shown({ owner: "tenant" })).toEqual([]);
    expect(await reasonOf(scene.api.listTenants(job, { labels: {}, ...page() }))).toBe("not_found");
  });

  it("of a pull request's job does not show the git branch's, nor another pull request's", async () => {
    const mine = await scene.given({ number: 4, labels: { team: "red" } });
    await scene.given({ number: 5, labels: { team: "red" } });
    await branch("mine", { team: "red" });
    const job = jobCaller(pullPlace(4));
    expect(ids(await scene.api.listEnvironments(job, everything()))).toEqual([mine.id]);
    expect(ids(await scene.api.listEnvironments(job, everything({ labels: { team: "red" } })))).toEqual([
      mine.id,
    ]);
    expect(ids(await scene.api.listEnvironments(jobCaller(pullPlace(4, 8)), everything()))).toEqual([]);
  });

  it("of a person is of one repository, with the permission of the moment", async () => {
    const { id } = await branch("one");
    await tenant("acme");
    const ann = personCaller("ann");
    const asked = everything({ repository: SHOP.repositoryName });
    expect(await reasonOf(scene.api.listEnvironments(ann, everything()))).toBe("invalid_request");
    expect(ids(await scene.api.listEnvironments(ann, asked))).toEqual([]);
    scene.github.permissions.set("ann", "read");
    expect(ids(await scene.api.listEnvironments(ann, asked))).toEqual([id]);
    expect(ids(await scene.api.listEnvironments(personCaller("ann", "ghe.test"), asked))).toEqual([]);
    scene.github.permissions.set("ann", "none");
    expect(ids(await scene.api.listEnvironments(ann, asked))).toEqual([]);
    expect(ids(await scene.api.listEnvironments(ann, everything({ id })))).toEqual([]);
  });

  it("of a key that writes customers only shows no previews", async () => {
    const { id } = await branch("one");
    const acme = await tenant("acme");
    const key = keyCaller({ scopes: ["tenants:write"] });
    expect(ids(await scene.api.listEnvironments(key, everything()))).toEqual([acme]);
    expect(ids(await scene.api.listEnvironments(key, everything({ id })))).toEqual([]);
  });

  it("of a key for tokens only is refused", async () => {
    const key = keyCaller({ scopes: ["tokens"] });
    expect(await reasonOf(scene.api.listTenants(key, { labels: {}, ...page() }))).toBe("scope");
    expect(await reasonOf(scene.api.listEnvironments(key, everything()))).toBe("scope");
  });

  it("of a key with a selector joins the selector and the filter", async () => {
    const key = keyCaller({ selector: { team: "red" } });
    const both = await tenant("both", { team: "red", plan: "pro" });
    await tenant("plan", { plan: "pro" });
    await tenant("team", { team: "red" });
    expect(ids(await scene.api.listTenants(key, { labels: { plan: "pro" }, ...page() }))).toEqual([both]);
  });
});
