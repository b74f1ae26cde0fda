import { describe, expect, it } from "vitest";
import { BEGIN, brokenPromise, type State, successors } from "./decision-model.ts";

/** Some 30 times the states that there are: a model that grows beyond is wrong. */
const STATES_MAX = 1_000_000;

interface Searched {
  readonly states: ReadonlyMap<string, State>;
  /** From which states a state is reached. */
  readonly before: ReadonlyMap<string, readonly string[]>;
  readonly broken: readonly string[];
}

function search(): Searched {
  const begin = JSON.stringify(BEGIN);
  const states = new Map([[begin, BEGIN]]);
  const before = new Map<string, string[]>();
  const broken: string[] = [];
  const open = [begin];
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    const state = states.get(key);
    if (!state) continue;
    const promise = brokenPromise(state);
    if (promise) broken.push(`${promise}: ${key}`);
    if (promise || states.size > STATES_MAX) continue;
    for (const next of successors(state)) {
      const nextKey = JSON.stringify(next);
      before.set(nextKey, [...(before.get(nextKey) ?? []), key]);
      if (states.has(nextKey)) continue;
      states.set(nextKey, next);
      open.push(nextKey);
    }
  }
  return { states, before, broken };
}

/** The states from which none of the ends can be reached any more. */
function stuck(
  { states, before }: Searched,
  from: (state: State) => boolean,
  end: (state: State) => boolean,
) {
  const ends = [...states].filter(([, state]) => end(state)).map(([key]) => key);
  const reaching = new Set(ends);
  for (let key = ends.pop(); key !== undefined; key = ends.pop()) {
    for (const earlier of before.get(key) ?? []) {
      if (reaching.has(earlier)) continue;
      reaching.add(earlier);
      ends.push(earlier);
    }
  }
  return [...states].filter(([key, state]) => from(state) && !reaching.has(key)).map(([key]) => key);
}

describe("the two decisions together, in every state that they can reach", () => {
  const searched = search();

  it("leak nothing, and never let a cluster serve that the environment does not know", () => {
    expect(searched.broken.slice(0, 3)).toEqual([]);
    expect(searched.states.size).toBeGreaterThan(1_000);
    expect(searched.states.size).toBeLessThan(STATES_MAX);
  });

  it("can always come to an end without a cluster once nobody wants one", () => {
    const unwanted = (state: State) => state.wanted === "absent" && state.budget === 0;
    expect(stuck(searched, unwanted, (s) => s.ended && s.rows.length === 0).slice(0, 3)).toEqual([]);
  });

  it("can always become ready while somebody wants one", () => {
    const wanted = (state: State) => state.wanted === "present" && state.budget === 0;
    const ready = ({ serving, next, rows, queued }: State) =>
      next === null && !queued && rows[serving ?? -1]?.plan === "verified" && rows.length === 1;
    expect(stuck(searched, wanted, ready).slice(0, 3)).toEqual([]);
  });
});
