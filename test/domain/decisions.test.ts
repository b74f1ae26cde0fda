import { describe, expect, it } from "vitest";
import { beginOf, brokenPromise, type Setting, type State, successors } from "./decision-model.ts";

/** Some times the states that there are: a model that grows beyond is wrong. */
const STATES_MAX = 1_000_000;

const PREVIEW = { kind: "preview", isReset: false, isStacked: false } as const;
const STACKED = { ...PREVIEW, isStacked: true } as const;
const TENANT = { kind: "tenant", isReset: false, isKept: true, clustersMax: 1 } as const;
const SETTINGS: readonly (Setting & { readonly name: string })[] = [
  { ...PREVIEW, name: "a preview of which nothing is kept", isKept: false, clustersMax: 2, deeds: 2 },
  { ...PREVIEW, name: "a preview that is begun anew", isReset: true, isKept: true, clustersMax: 2, deeds: 1 },
  { ...PREVIEW, name: "a preview whose data is kept", isReset: true, isKept: true, clustersMax: 1, deeds: 3 },
  { ...TENANT, name: "a customer", isStacked: false, deeds: 4 },
  {
    ...STACKED,
    name: "a preview in a stack, of which nothing is kept",
    isKept: false,
    clustersMax: 2,
    deeds: 1,
  },
  { ...STACKED, name: "a preview in a stack, whose data is kept", isKept: true, clustersMax: 1, deeds: 2 },
  { ...TENANT, name: "a customer in a stack", isStacked: true, deeds: 3 },
];

interface Searched {
  readonly states: ReadonlyMap<string, State>;
  /** From which states a state is reached. */
  readonly before: ReadonlyMap<string, readonly string[]>;
  readonly broken: readonly string[];
}

function search(setting: Setting): Searched {
  const first = beginOf(setting);
  const begin = JSON.stringify(first);
  const states = new Map([[begin, first]]);
  const before = new Map<string, string[]>();
  const broken: string[] = [];
  const open = [begin];
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    const state = states.get(key);
    if (!state) continue;
    const promise = brokenPromise(setting, state);
    if (promise) broken.push(`${promise}: ${key}`);
    if (promise || states.size > STATES_MAX) continue;
    for (const next of successors(setting, state)) {
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

/**
 * As far as it gets: ready; where there is but one slot, at odds with its migrations and waiting for another; or, of a
 * customer, lost or at odds, which a person must mend.
 */
function isDone({ kind, clustersMax }: Setting, { serving, next, rows, queued, ready }: State): boolean {
  const row = rows[serving ?? -1];
  if (kind === "tenant" && ready && (row?.status === "gone" || row?.plan === "diverged")) return true;
  if (clustersMax === 1 && queued && ready && row?.plan === "diverged") return true;
  const isOpen = row?.use === "serve" && !row.fenced && !row.shut;
  return next === null && !queued && row?.plan === "verified" && isOpen && rows.length === 1;
}

describe.each(SETTINGS)("the two decisions together, in every state of $name", (setting) => {
  const searched = search(setting);

  it("leak nothing, know what serves, remove nothing too early, and fence as they say", () => {
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
    expect(stuck(searched, wanted, (state) => isDone(setting, state)).slice(0, 3)).toEqual([]);
  });
});
