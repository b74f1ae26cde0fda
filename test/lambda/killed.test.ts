import { describe, expect, it } from "vitest";
import { MUTATIONS, type Mutation } from "../simulation/mutations.ts";
import { eachStore } from "../support/each-store.ts";
import { createDeaths, createLife } from "../support/lambda/life.ts";
import type { TestStore } from "../support/store.ts";

/** Steps of one kind differ: a comment is edited, a cluster looked at for several reasons. */
const VISITS = [1, 2, 3];

let store: TestStore;
eachStore((empty) => {
  store = empty;
});

/** A pull request from its opening to its end. */
async function play(stacks: "none" | "previews", visit: number, mutation: Mutation = {}) {
  const deaths = createDeaths(visit);
  const life = createLife(store, { stacks: { for: stacks, prefix: "offshoot-" } }, deaths, mutation);
  const { world, pull, policy } = life;
  const clusters = () => [...world.aws.clusters.values()];
  const lines = ["create table", "create index"].map((what) => `${what} /* ${pull.key}; */ t (id int)`);
  world.github.commit(pull, new Map([["migrations/1.sql", lines]]));

  await life.tell("pull_request", "opened");
  const [ready] = (await life.rest()).environment;
  expect(ready).toMatchObject({ wanted: "present", ready_at: expect.any(String) });
  expect(clusters()).toMatchObject([{ status: "ACTIVE", fenced: false }]);

  Object.assign(pull, { state: "closed", closedAt: world.stage.now() });
  await life.tell("pull_request", "closed");
  await life.rest();
  expect(clusters()).toMatchObject([{ status: "ACTIVE", fenced: true }]);

  life.pass(policy.grace.previewMs);
  const end = await life.rest();
  expect(clusters()).toEqual([]);
  expect(world.stacks.stacks.size).toBe(0);
  expect(end.environment).toMatchObject([{ ended_at: expect.any(String) }]);
  return { places: deaths.places, made: world.aws.former.size };
}

/** How often a death left it open whether a statement was applied: only then another cluster takes the place. */
async function rebuilds(): Promise<number> {
  const { rows } = await store.pool.query<{ detail: string }>(
    "select detail from event where kind = 'migration_diverged'",
  );
  for (const { detail } of rows) expect(detail).toMatch(/^outcome_unknown /);
  return rows.length;
}

const COMMON = [
  ...["store.claimKeys", "store.transaction", "session.run", "control.putPolicy", "control.remove"],
  ...["github.createComment", "github.editComment", "github.createCheck", "github.updateCheck"],
];

describe.each([
  ["none", [...COMMON, "control.create"]],
  ["previews", [...COMMON, "stacks.create", "stacks.remove"]],
] as const)("a life with stacks for %s", (stacks, calls) => {
  it.each(VISITS)(
    "ends as any other if its function is killed at every place, at visit %i",
    async (visit) => {
      const { places, made } = await play(stacks, visit);
      expect(made).toBe(1 + (await rebuilds()));
      if (visit > 1) return;
      // Before and after each kind of call.
      expect(new Set(places.map((path) => path.at(-1)))).toEqual(new Set(calls));
      expect(new Set(places.flatMap((path) => path.slice(1, -1)))).toEqual(new Set(calls));
    },
  );
});

it("would be caught if a create that is repeated had another token", async () => {
  await expect(play("none", 1, MUTATIONS.random_token)).rejects.toThrow(/^(two|leak): /);
});
