import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type {
  Cluster,
  ClusterStatus,
  ClusterUse,
  CreateAnswer,
  Observation,
  RemoveAnswer,
} from "../../service/domain/cluster.ts";
import {
  type ClusterDecision,
  decideCreated,
  decideFenced,
  decideFound,
  decideRemoved,
  decideSeen,
  decideUnasked,
  firstCall,
} from "../../service/domain/decide-cluster.ts";
import { ago, clusterOf, NOW, SEEN } from "./builders.ts";

const MINUTE_MS = 60_000;
const STATUSES = ["intended", "creating", "available", "removing", "gone"] as const;
const USES = ["serve", "spare", "retired", "remove"] as const;

const OBSERVATIONS = {
  unknown: { kind: "unknown", cause: "throttled" },
  absent: { kind: "absent" },
  creating: { kind: "creating", ...SEEN },
  usable: { kind: "usable", ...SEEN },
  failed: { kind: "failed", ...SEEN },
  deleting: { kind: "deleting", ...SEEN },
} as const satisfies Record<string, Observation>;
type Seen = keyof typeof OBSERVATIONS;

/** A customer's cluster with deletion protection. */
const GUARDED = { kind: "tenant", protected: true } as const;
const GUARDED_OPEN = { kind: "tenant", use: "retired" } as const;
const GUARDED_SHUT = { ...GUARDED, fencedAt: ago(1) } as const;

/** A decision in a word: the new status, `look` at the same one, or the next call. */
function word(decision: ClusterDecision, cluster: Cluster): string {
  if (decision.do !== "record") return decision.do;
  return decision.status === cluster.status ? "look" : decision.status;
}

describe("the first call for a cluster", () => {
  const fresh = ago(MINUTE_MS);
  const old = ago(5 * MINUTE_MS);
  const rows: readonly [ClusterStatus, ClusterUse, Date | null, string | null, string][] = [
    ["intended", "serve", null, null, "attempt"],
    ["intended", "spare", null, null, "attempt"],
    ["intended", "serve", null, "quota", "attempt"],
    ["intended", "remove", null, null, "nothing"],
    ["intended", "retired", null, null, "nothing"],
    ["intended", "serve", fresh, null, "create"],
    ["intended", "spare", fresh, null, "create"],
    ["intended", "serve", fresh, "token_conflict", "find"],
    ["intended", "serve", fresh, "quota_later", "find"],
    ["intended", "serve", old, null, "find"],
    ["intended", "remove", fresh, null, "find"],
    ["intended", "retired", fresh, null, "find"],
    ["intended", "remove", old, null, "find"],
    ["creating", "serve", fresh, null, "observe"],
    ["creating", "spare", fresh, null, "observe"],
    ["creating", "retired", fresh, null, "observe"],
    ["creating", "remove", fresh, null, "remove"],
    ["available", "serve", old, null, "observe"],
    ["available", "spare", old, null, "observe"],
    ["available", "retired", old, null, "observe"],
    ["available", "remove", old, null, "remove"],
    ["removing", "remove", old, null, "observe"],
    ["gone", "serve", old, null, "nothing"],
    ["gone", "remove", old, null, "nothing"],
  ];
  it.each(rows)("%s, to %s, attempted %s, reason %s: %s", (status, use, attemptedAt, reason, call) => {
    expect(firstCall(clusterOf({ status, use, attemptedAt, reason }), NOW)).toBe(call);
  });

  it("ends an intent that AWS never heard of", () => {
    const cluster = clusterOf({ use: "remove" });
    expect(word(decideUnasked(cluster), cluster)).toBe("gone");
  });
});

describe("a look at a cluster", () => {
  const old = { statusSince: ago(10 * MINUTE_MS), attemptedAt: ago(10 * MINUTE_MS) };
  const young = { statusSince: ago(MINUTE_MS), attemptedAt: ago(MINUTE_MS) };
  const missing = { ...old, absentSince: ago(MINUTE_MS) };
  //        what is known, then by observation: unknown, absent, creating, usable, failed, deleting
  const rows: readonly [string, Partial<Cluster>, readonly string[]][] = [
    ["just intended", { ...young }, ["retry", "look", "creating", "available", "creating", "removing"]],
    [
      "creating, young",
      { status: "creating", ...young },
      ["retry", "look", "look", "available", "remove", "removing"],
    ],
    [
      "creating, old",
      { status: "creating", ...old },
      ["retry", "gone", "look", "available", "remove", "removing"],
    ],
    ["available", { status: "available", ...old }, ["retry", "look", "look", "look", "look", "removing"]],
    [
      "missing for a minute",
      { status: "available", ...missing },
      ["retry", "gone", "look", "look", "look", "removing"],
    ],
    [
      "removing",
      { status: "removing", use: "remove", ...old },
      ["retry", "gone", "remove", "remove", "remove", "look"],
    ],
    ["gone", { status: "gone", ...old }, ["retry", "look", "look", "look", "look", "look"]],
  ];
  const cases = rows.flatMap(([name, change, words]) =>
    (Object.keys(OBSERVATIONS) as Seen[]).map((seen, at) => ({ name, change, seen, expected: words[at] })),
  );
  it.each(cases)("$name, seen $seen: $expected", ({ change, seen, expected }) => {
    const cluster = clusterOf(change);
    expect(word(decideSeen(cluster, OBSERVATIONS[seen], NOW), cluster)).toBe(expected);
  });

  it("notes the first absence, and forgets it when the cluster is there again", () => {
    const available = clusterOf({ status: "available" });
    expect(decideSeen(available, OBSERVATIONS.absent, NOW)).toMatchObject({ absent: "note" });
    expect(decideSeen(available, OBSERVATIONS.usable, NOW)).toMatchObject({ absent: "clear" });
  });

  it("waits as long as AWS asks", () => {
    const asked = { kind: "unknown", cause: "throttled", retryAfterMs: 2_000 } as const;
    expect(decideSeen(clusterOf({ status: "creating" }), asked, NOW)).toMatchObject({ retryAfterMs: 2_000 });
  });
});

describe("the answer to a create", () => {
  const attempted = clusterOf({ attemptedAt: ago(MINUTE_MS) });
  const rows: readonly [CreateAnswer, boolean, string, Partial<ClusterDecision>][] = [
    [{ kind: "unknown", cause: "no answer" }, true, "retry", {}],
    [{ kind: "conflict", cause: "token" }, false, "look", { reason: "token_conflict" }],
    [{ kind: "quota", cause: "full" }, true, "look", { reason: "quota", attempted: "clear" }],
    [{ kind: "quota", cause: "full" }, false, "look", { reason: "quota_later", attempted: "keep" }],
    [{ kind: "refused", cause: "403" }, true, "look", { reason: "create_refused", attempted: "clear" }],
    [{ kind: "refused", cause: "403" }, false, "look", { reason: "create_refused", attempted: "keep" }],
    [OBSERVATIONS.creating, true, "creating", { seen: OBSERVATIONS.creating }],
    [OBSERVATIONS.usable, false, "available", { seen: OBSERVATIONS.usable }],
    [OBSERVATIONS.deleting, false, "removing", { seen: OBSERVATIONS.deleting }],
  ] as readonly [CreateAnswer, boolean, string, Partial<ClusterDecision>][];
  it.each(rows)("%o, first: %s, means %s", (answer, first, expected, more) => {
    const decision = decideCreated(attempted, answer, first);
    expect(word(decision, attempted)).toBe(expected);
    expect(decision).toMatchObject(more);
  });
});

describe("a search by tag", () => {
  const searched = (attemptedMs: number, absentMs: number | null) =>
    clusterOf({
      use: "remove",
      attemptedAt: ago(attemptedMs),
      absentSince: absentMs === null ? null : ago(absentMs),
    });
  const found = (cluster: Cluster) => word(decideFound(cluster, { kind: "absent" }, NOW), cluster);

  it("does not believe one complete list", () => {
    expect(found(searched(30 * MINUTE_MS, null))).toBe("look");
  });
  it("does not believe two lists less than a minute apart", () => {
    expect(found(searched(30 * MINUTE_MS, MINUTE_MS - 1))).toBe("look");
  });
  it("believes nothing while a create that was begun in time may still arrive", () => {
    expect(found(searched(10 * MINUTE_MS - 1, 5 * MINUTE_MS))).toBe("look");
  });
  it("believes two lists a minute apart after that", () => {
    expect(found(searched(10 * MINUTE_MS, MINUTE_MS))).toBe("gone");
  });
  it("adopts what it finds, and never serves what is to go", () => {
    const leaving = searched(MINUTE_MS, null);
    expect(word(decideFound(leaving, OBSERVATIONS.usable, NOW), leaving)).toBe("creating");
    expect(word(decideFound(leaving, OBSERVATIONS.deleting, NOW), leaving)).toBe("removing");
  });
});

describe("what a usable cluster is for, against what AWS shows", () => {
  const GIVEN = { status: "available", ...SEEN } as const;
  type Given = Partial<Cluster> & { readonly isFenced?: boolean };
  const seen = ({ isFenced, ...change }: Given, deletionProtected = false) => {
    const usable = { kind: "usable", ...SEEN, deletionProtected } as const;
    return decideSeen(clusterOf({ ...GIVEN, ...change }), usable, NOW, isFenced ?? null).do;
  };
  const rows: readonly [string, Given, boolean, string][] = [
    ["retired and open", { use: "retired" }, false, "fence"],
    ["retired and fenced", { use: "retired", fencedAt: ago(1) }, false, "record"],
    ["restored, and still fenced", { fencedAt: ago(1) }, false, "unfence"],
    ["serving and open", {}, false, "record"],
    ["serving, a preview that somebody protected", {}, true, "record"],
    ["a customer's that should be protected", { kind: "tenant", protected: true }, false, "protect"],
    ["a customer's that is protected", { kind: "tenant", protected: true }, true, "record"],
    ["a customer's whose protection was lifted", { kind: "tenant" }, true, "unprotect"],
    ["a customer's, retired, open and protected: people first", GUARDED_OPEN, true, "fence"],
    ["a customer's, restored, fenced and unprotected: people first", GUARDED_SHUT, false, "unfence"],
    [
      "retired, and somebody removed the fence",
      { use: "retired", fencedAt: ago(1), isFenced: false },
      false,
      "fence",
    ],
    ["serving, and fenced by a late call", { isFenced: true }, false, "unfence"],
    ["a spare", { use: "spare" }, false, "record"],
    ["a spare that was fenced", { use: "spare", fencedAt: ago(1) }, false, "record"],
  ];
  it.each(rows)("%s (%o, protected %s): %s", (_name, change, isProtected, expected) => {
    expect(seen(change, isProtected)).toBe(expected);
  });

  it("is compared again at once after its policy was changed: there may be a second difference", () => {
    const done = { kind: "done" } as const;
    const fence = decideFenced(clusterOf({ ...GIVEN, use: "retired" }), "fence", done);
    expect(fence).toMatchObject({ fenced: "note", lookMs: 0, event: "access_revoked" });
    const unfence = decideFenced(clusterOf({ ...GIVEN, fencedAt: ago(1) }), "unfence", done);
    expect(unfence).toMatchObject({ fenced: "clear", lookMs: 0, event: "access_restored" });
  });

  it("keeps what is known of its policy while the answer is not known", () => {
    const unknown = { kind: "unknown", cause: "throttled", retryAfterMs: 9 } as const;
    for (const change of ["fence", "unfence"] as const) {
      const decision = decideFenced(clusterOf(GIVEN), change, unknown);
      expect(decision).toEqual({ do: "retry", cause: "throttled", retryAfterMs: 9 });
    }
  });
});

describe("the answer to a removal", () => {
  const removed = (answer: RemoveAnswer, change: Partial<Cluster> = {}) => {
    const cluster = clusterOf({
      status: "available",
      use: "remove",
      statusSince: ago(3 * MINUTE_MS),
      ...change,
    });
    return word(decideRemoved(cluster, answer, NOW), cluster);
  };
  it.each([
    [{ kind: "unknown", cause: "no answer" }, "retry"],
    [{ kind: "removing" }, "removing"],
    [{ kind: "busy" }, "look"],
    [{ kind: "protected" }, "unprotect"],
    [{ kind: "absent" }, "gone"],
  ] as const)("%o: %s", (answer, expected) => {
    expect(removed(answer)).toBe(expected);
  });

  it("is not asked for again at once if AWS still shows the cluster", () => {
    const removing = clusterOf({
      status: "removing",
      use: "remove",
      reason: "remove_slow",
      statusSince: ago(500),
    });
    const again = decideRemoved(removing, { kind: "removing" }, NOW);
    expect(again).toMatchObject({ status: "removing", reason: "remove_slow", lookMs: 500, event: null });
  });
  it("takes a 404 right after creation for replication lag", () => {
    expect(removed({ kind: "absent" }, { status: "creating", statusSince: ago(MINUTE_MS) })).toBe("look");
  });
  it("leaves the protection of a customer's cluster to a person", () => {
    expect(removed({ kind: "protected" }, { ...GUARDED, verifiedAt: ago(1) })).toBe("look");
    const cluster = clusterOf({ ...GUARDED, verifiedAt: ago(1), status: "available", use: "remove" });
    const decision = decideRemoved(cluster, { kind: "protected" }, NOW);
    expect(decision).toMatchObject({ reason: "protected", event: "remove_protected" });
  });
  it("takes off what somebody switched on at AWS, once the protection was lifted here", () => {
    expect(removed({ kind: "protected" }, { kind: "tenant", protected: false, verifiedAt: ago(1) })).toBe(
      "unprotect",
    );
  });
  it("takes the protection off a customer's cluster that never held data", () => {
    expect(removed({ kind: "protected" }, { ...GUARDED, verifiedAt: null })).toBe("unprotect");
  });
});

describe("every decision about a cluster", () => {
  const time = fc.option(fc.integer({ min: 0, max: 20 * MINUTE_MS }).map(ago), { nil: null });
  const anyCluster = fc
    .record({
      status: fc.constantFrom(...STATUSES),
      use: fc.constantFrom(...USES),
      kind: fc.constantFrom("preview" as const, "tenant" as const),
      attemptedAt: time,
      absentSince: time,
      statusSince: fc.integer({ min: 0, max: 100 * MINUTE_MS }).map(ago),
      reason: fc.constantFrom(null, "quota", "quota_later", "token_conflict", "create_refused"),
    })
    .map(clusterOf);
  const anyObservation = fc.constantFrom(...Object.values(OBSERVATIONS));

  it("exists, looks into the future, and takes nothing but an absence for gone", () => {
    fc.assert(
      fc.property(anyCluster, anyObservation, (cluster, seen) => {
        const decisions = [decideSeen(cluster, seen, NOW), decideFound(cluster, seen, NOW)];
        for (const decision of decisions) {
          if (decision.do !== "record") continue;
          expect(decision.lookMs ?? 0).toBeGreaterThanOrEqual(0);
          if (decision.status === "gone" && cluster.status !== "gone") expect(seen.kind).toBe("absent");
        }
      }),
    );
  });

  it("never creates in order to delete", () => {
    fc.assert(
      fc.property(anyCluster, (cluster) => {
        const leaving = cluster.use === "remove" || cluster.use === "retired";
        if (leaving) expect(firstCall(cluster, NOW)).not.toMatch(/^(attempt|create)$/);
      }),
    );
  });
});
