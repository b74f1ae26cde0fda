import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Environment } from "../../service/domain/environment.ts";
import type { EnvironmentFilter, Store, StoreTransaction } from "../../service/handlers/ports-store.ts";
import { environmentOf, NOW } from "../domain/builders.ts";
import { startStore, type TestStore } from "../support/store.ts";

let started: TestStore;
let store: Store;
beforeAll(async () => {
  started = await startStore({ max: 8 });
  store = started.store;
});
afterAll(() => started?.stop());
beforeEach(() => started.clear());

const write = <T>(work: (tx: StoreTransaction) => Promise<T>) => store.transaction(work);
const NONE = { pullKey: null, repositoryId: null, number: null };

const tenant = (id: string, change: Partial<Environment> = {}) =>
  environmentOf({ ...NONE, id, kind: "tenant", ownerKey: `tenant:${id}`, customerKey: id, ...change });
const pull = (id: string, change: Partial<Environment> = {}) =>
  environmentOf({ id, ownerKey: `pull:${id}`, pullKey: `pull:${id}`, ...change });
const branch = (id: string, change: Partial<Environment> = {}) =>
  environmentOf({ id, kind: "branch", ownerKey: `branch:${id}`, pullKey: null, number: null, ...change });

/** Writes them in this order, each in a transaction of its own. */
async function given(...environments: readonly Environment[]): Promise<void> {
  for (const environment of environments) await write((tx) => tx.insertEnvironment(environment));
}

async function list(filter: Partial<EnvironmentFilter> = {}): Promise<readonly string[]> {
  return (await store.listEnvironments({ after: "", limit: 100, ...filter })).map(({ id }) => id);
}

/** The rows of the index of labels. */
async function labelRows(): Promise<readonly string[]> {
  const { rows } = await started.pool.query<{ row: string }>(
    "select environment_id || ' ' || name || '=' || value as row from label order by 1",
  );
  return rows.map(({ row }) => row);
}

describe("a list of environments", () => {
  it("shows them in the order of their ids, whatever order they came in", async () => {
    await given(tenant("env_3"), pull("env_1"), branch("env_2"));
    expect(await list()).toEqual(["env_1", "env_2", "env_3"]);
  });

  it("shows one kind of owner only", async () => {
    await given(pull("env_1"), tenant("env_2"), branch("env_3"), tenant("env_4"));
    expect(await list({ kind: "tenant" })).toEqual(["env_2", "env_4"]);
    expect(await list({ kind: "pull" })).toEqual(["env_1"]);
    expect(await list({ kind: "branch" })).toEqual(["env_3"]);
  });

  it("shows one repository only, and in it a pull request, a git branch or a kind", async () => {
    await given(
      pull("env_1", { number: 1 }),
      pull("env_2", { number: 2 }),
      pull("env_3", { number: 1, repositoryId: 8 }),
      branch("env_4", { gitBranch: "main" }),
      branch("env_5", { gitBranch: "next" }),
      tenant("env_6"),
    );
    expect(await list({ repositoryId: 7 })).toEqual(["env_1", "env_2", "env_4", "env_5"]);
    expect(await list({ repositoryId: 7, number: 1 })).toEqual(["env_1"]);
    expect(await list({ repositoryId: 7, gitBranch: "next" })).toEqual(["env_5"]);
    expect(await list({ repositoryId: 7, kind: "pull" })).toEqual(["env_1", "env_2"]);
    expect(await list({ repositoryId: 9 })).toEqual([]);
  });

  it("shows those that have all of the labels, each with its value", async () => {
    await given(
      tenant("env_1", { labels: { plan: "paid", region: "eu" } }),
      tenant("env_2", { labels: { plan: "paid", region: "us" } }),
      tenant("env_3", { labels: { plan: "free", region: "eu" } }),
      branch("env_4", { labels: { plan: "paid", region: "eu" } }),
      tenant("env_5"),
    );
    expect(await list({ labels: { plan: "paid" } })).toEqual(["env_1", "env_2", "env_4"]);
    expect(await list({ labels: { plan: "paid", region: "eu" } })).toEqual(["env_1", "env_4"]);
    expect(await list({ labels: { region: "eu", plan: "paid" }, kind: "tenant" })).toEqual(["env_1"]);
    expect(await list({ labels: { plan: "paid" }, repositoryId: 7 })).toEqual(["env_4"]);
    expect(await list({ labels: { plan: "paid", missing: "x" } })).toEqual([]);
    expect(await list({ labels: { plan: "PAID" } })).toEqual([]);
  });

  it.each<[string, Partial<EnvironmentFilter>]>([
    ["all", {}],
    ["of a kind", { kind: "tenant" }],
    ["by a label", { labels: { plan: "paid" } }],
    ["by two labels", { labels: { plan: "paid", region: "eu" } }],
  ])("%s, page after page, shows each once, also what is written meanwhile", async (_name, filter) => {
    const labels = { plan: "paid", region: "eu" };
    const ids = Array.from({ length: 7 }, (_, i) => `env_${i}`);
    await given(...ids.map((id) => tenant(id, { labels })));
    const seen: string[] = [];
    for (let after = ""; ; ) {
      const page = await list({ ...filter, after, limit: 3 });
      seen.push(...page);
      if (page.length < 3) break;
      after = page.at(-1) ?? "";
      // Ids are those of time: a new one is after all others.
      if (seen.length === 3) await given(tenant("env_9", { labels }));
    }
    expect(seen).toEqual([...ids, "env_9"]);
  });

  it("of a repository is paged too", async () => {
    await given(...["env_1", "env_2", "env_3"].map((id) => pull(id)));
    expect(await list({ repositoryId: 7, after: "env_1", limit: 1 })).toEqual(["env_2"]);
  });
});

describe("the index of labels", () => {
  it("follows the environment: what is added, changed and removed", async () => {
    const environment = tenant("env_1", { labels: { plan: "free", tier: "gold" } });
    await given(environment);
    expect(await labelRows()).toEqual(["env_1 plan=free", "env_1 tier=gold"]);
    await write((tx) => tx.updateEnvironment(environment, { labels: { plan: "paid", zone: "a" } }));
    expect(await labelRows()).toEqual(["env_1 plan=paid", "env_1 zone=a"]);
    const changed = await store.environment("env_1");
    if (!changed) throw new Error("It is gone.");
    await write((tx) => tx.updateEnvironment(changed, { labels: {} }));
    expect(await labelRows()).toEqual([]);
    expect(await store.environment("env_1")).toMatchObject({ labels: {} });
  });

  it("keeps what it has when something else changes", async () => {
    const environment = tenant("env_1", { labels: { plan: "free" } });
    await given(environment);
    await write((tx) => tx.updateEnvironment(environment, { generation: 2 }));
    expect(await labelRows()).toEqual(["env_1 plan=free"]);
  });

  it("has nothing of a change that was refused as stale", async () => {
    const environment = tenant("env_1", { labels: { plan: "free" } });
    await given(environment);
    await write((tx) => tx.updateEnvironment(environment, { generation: 2 }));
    const stale = write((tx) => tx.updateEnvironment(environment, { labels: { plan: "paid" } }));
    await expect(stale).rejects.toMatchObject({ reason: "stale" });
    expect(await labelRows()).toEqual(["env_1 plan=free"]);
    expect(await list({ labels: { plan: "paid" } })).toEqual([]);
  });

  it("agrees with the environment after many changes at once", async () => {
    await given(tenant("env_1", { labels: { n: "0" } }));
    const change = async (n: number) => {
      for (;;) {
        const fresh = await store.environment("env_1");
        if (!fresh) throw new Error("It is gone.");
        const labels = { n: String(n), [`own${n}`]: "x" };
        const done = await write((tx) => tx.updateEnvironment(fresh, { labels })).then(
          () => true,
          () => false,
        );
        if (done) return;
      }
    };
    await Promise.all([1, 2, 3, 4, 5, 6].map(change));
    const { labels } = (await store.environment("env_1")) ?? {};
    const expected = Object.entries(labels ?? {}).map(([name, value]) => `env_1 ${name}=${value}`);
    expect(await labelRows()).toEqual(expected.sort());
  });
});

describe("an owner", () => {
  it("that two make at once has one environment, and the other one looks again", async () => {
    const made = await Promise.allSettled(
      ["env_1", "env_2"].map((id) =>
        write((tx) => tx.insertEnvironment(tenant(id, { ownerKey: "tenant:acme", labels: { by: id } }))),
      ),
    );
    const [won] = made.filter(({ status }) => status === "fulfilled");
    const [lost] = made.filter((one) => one.status === "rejected");
    expect(won).toBeDefined();
    expect(lost?.reason).toMatchObject({ reason: "stale" });
    const only = await store.environmentByOwner("tenant:acme");
    expect(await list()).toEqual([only?.id]);
    expect(await labelRows()).toEqual([`${only?.id} by=${only?.id}`]);
  });

  it("is stale for whoever makes it later", async () => {
    await given(tenant("env_1"));
    const again = write((tx) => tx.insertEnvironment(tenant("env_2", { ownerKey: "tenant:env_1" })));
    await expect(again).rejects.toMatchObject({ reason: "stale" });
    expect(await store.environmentByOwner("tenant:env_1")).toMatchObject({ id: "env_1" });
    expect(await store.environmentByOwner("tenant:nobody")).toBeNull();
  });

  it("of a git branch is found by its branch, and not by one whose name begins alike", async () => {
    const key = "branch:github.com:7:release/1";
    await given(
      branch("env_1", { ownerKey: `${key}:app` }),
      branch("env_2", { ownerKey: `${key}0:app` }),
      branch("env_3", { ownerKey: `${key}/x:app` }),
    );
    expect((await store.environmentsOfBranch(key)).map(({ id }) => id)).toEqual(["env_1"]);
  });
});

describe("a set of migrations", () => {
  const files = [{ path: "1.sql", text: "select 'é', E'\\n'\n" }];

  it("is read as it was put, once, however often it is put", async () => {
    for (let i = 0; i < 2; i += 1) await write((tx) => tx.putMigrationSet("d1", files, NOW));
    await Promise.all([1, 2, 3].map(() => write((tx) => tx.putMigrationSet("d2", [], NOW))));
    expect(await store.migrationSet("d1")).toEqual(files);
    expect(await store.migrationSet("d2")).toEqual([]);
    expect(await store.migrationSet("d3")).toBeNull();
  });
});

describe("an operation", () => {
  it("is read as it was added, also if a repeated transaction adds it again", async () => {
    const operation = {
      id: "op_1",
      environmentId: "env_1",
      kind: "restore" as const,
      generation: 3,
      actor: "key a",
      createdAt: NOW,
    };
    for (let i = 0; i < 2; i += 1) await write((tx) => tx.addOperation(operation));
    expect(await store.operation("op_1")).toEqual(operation);
    expect(await store.operation("op_2")).toBeNull();
  });
});

describe("a repository", () => {
  const target = { host: "github.com", repositoryId: 7, installationId: 5, repositoryName: "acme/shop" };
  const later = new Date(NOW.getTime() + 1_000);

  it("is known by its id, and found by the name that it has now", async () => {
    await write((tx) => tx.putRepository(target, NOW));
    await write((tx) => tx.putRepository({ ...target, repositoryName: "acme/store" }, later));
    expect(await store.repository("github.com", 7)).toMatchObject({ repositoryName: "acme/store" });
    expect(await store.repositoryNamed("github.com", "acme/shop")).toBeNull();
    expect(await store.repositoryNamed("github.com", "acme/store")).toMatchObject({ repositoryId: 7 });
    expect(await store.repository("ghe.example", 7)).toBeNull();
  });

  it("that took the name of another is the one that is found", async () => {
    await write((tx) => tx.putRepository(target, NOW));
    await write((tx) => tx.putRepository({ ...target, repositoryId: 8 }, later));
    expect(await store.repositoryNamed("github.com", "acme/shop")).toMatchObject({ repositoryId: 8 });
    expect((await store.repositories([8, 7])).map((one) => one.repositoryId)).toEqual([7, 8]);
    expect(await store.repositories([])).toEqual([]);
  });
});
