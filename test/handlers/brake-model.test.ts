import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Choose, type Happening, play, type Scenario, type Seen } from "./brake-model.ts";

/** Plays every order of a scenario once. Out: how many there are. */
async function playAll(scenario: Scenario, check: (seen: readonly Seen[]) => void): Promise<number> {
  let prefix: number[] = [];
  for (let runs = 1; ; runs += 1) {
    const taken: { chosen: number; count: number }[] = [];
    const choose: Choose = (count) => {
      const chosen = prefix[taken.length] ?? 0;
      taken.push({ chosen, count });
      return chosen;
    };
    check(await play(scenario, choose));
    while (taken.at(-1) && (taken.at(-1)?.chosen ?? 0) + 1 >= (taken.at(-1)?.count ?? 0)) taken.pop();
    const last = taken.pop();
    if (!last) return runs;
    prefix = [...taken.map(({ chosen }) => chosen), last.chosen + 1];
  }
}

/** Only a look that began and ended under the same truth is bound to know it. */
function wrong(seen: readonly Seen[]): readonly Seen[] {
  return seen.filter(({ engaged, begun, ended }) => {
    if (begun !== ended || begun.name === "unnoticeable") return false;
    return engaged !== (begun.name === "restored");
  });
}

const check = (seen: readonly Seen[]) => expect(wrong(seen)).toEqual([]);

describe("in every order of the calls of two processes", () => {
  it.each([
    ["the first start", 0, [1, 1], []],
    ["a kill in the first start", 0, [1, 1], ["kill"]],
    ["an advance that was killed", 2, [1, 1], ["kill", "pass"]],
  ] as const)("%s is no restore", async (_name, advanced, looks, happenings) => {
    const runs = await playAll({ advanced, looks, happenings }, (seen) => {
      check(seen);
      expect(seen.every(({ engaged }) => !engaged)).toBe(true);
    });
    expect(runs).toBeGreaterThan(5);
  });
});

it("a first look that outlasts another's first advance is no restore", async () => {
  // The first process reads the outside; the second one starts, time passes, and it advances before the first goes on.
  const order = [0, 1, 1, 1, 1, 2];
  const choose: Choose = (count) => order.shift() ?? count - 1;
  const seen = await play({ advanced: 0, looks: [1, 2], happenings: ["pass"] }, choose);
  expect(order).toEqual([]);
  expect(seen.map(({ engaged }) => engaged)).toEqual([false, false, false, false]);
});

describe("in every order of a process and of what happens around it", () => {
  it.each([
    ["a restore", ["backup", "pass", "restore", "confirm"]],
    ["a restore into another store", ["backup", "other store", "confirm"]],
    ["a kill before a restore", ["backup", "kill", "pass", "restore"]],
  ] as const)(
    "%s is noticed by every look that begins after it, until it is confirmed",
    async (_name, happenings) => {
      const phases = new Set<string>();
      await playAll({ advanced: 3, looks: [3], happenings }, (seen) => {
        check(seen);
        for (const { begun } of seen) phases.add(begun.name);
      });
      expect(phases).toContain("restored");
    },
  );
});

it("holds for several processes and longer lives, in orders drawn at random", async () => {
  const happening = fc.constantFrom<Happening>(
    ...(["pass", "pass", "backup", "restore", "other store", "confirm", "kill"] as const),
  );
  const scenario = fc.record({
    looks: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 3 }),
    happenings: fc.array(happening, { maxLength: 10 }),
    advanced: fc.integer({ min: 0, max: 4 }),
  });
  const choices = fc.infiniteStream(fc.nat());
  const phases = new Set<string>();
  await fc.assert(
    fc.asyncProperty(scenario, choices, async (one, stream) => {
      const seen = await play(one, (count) => Number(stream.next().value) % count);
      check(seen);
      for (const { begun } of seen) phases.add(begun.name);
    }),
    { numRuns: 2_000 },
  );
  expect([...phases].sort()).toEqual(["confirmed", "intact", "restored", "unnoticeable"]);
});
