import { describe, expect, it } from "vitest";
import type { Cluster, CreateAnswer, Observation, SeenStack } from "../../service/domain/cluster.ts";
import {
  type ClusterDecision,
  decideCreated,
  decideFound,
  decideRemoved,
  decideSeen,
  firstCall,
} from "../../service/domain/decide-cluster.ts";
import { decideUpdated } from "../../service/domain/decide-stack.ts";
import {
  READY_LOOK_MS,
  REFUSED_LOOK_MS,
  ROLLED_BACK_LOOK_MS,
  STACK_UPDATE_AGAIN_MS,
  WAITING_LOOK_MS,
} from "../../service/domain/limits.ts";
import { ago, clusterOf, NOW, SEEN } from "./builders.ts";

const MINUTE_MS = 60_000;
const STACK = "offshoot-cl-1";
const ROLES = { connect: "arn:aws:iam::111122223333:role/c", reader: "arn:aws:iam::111122223333:role/r" };
const BROKEN = { kind: "broken", quota: false, rolling: false, cause: "no role" } as const;
const BLOCKED = { kind: "blocked", cause: "in use", at: ago(MINUTE_MS), tries: 1, cluster: null } as const;

const OBSERVATIONS = {
  forming: { kind: "forming" },
  rolling: { ...BROKEN, rolling: true },
  broken: BROKEN,
  full: { ...BROKEN, quota: true },
  hollow: { kind: "hollow" },
  leaving: { kind: "leaving" },
  blocked: BLOCKED,
} as const satisfies Record<string, Observation>;

const stacked = (change: Partial<Cluster> = {}) =>
  clusterOf({ stack: STACK, statusSince: ago(MINUTE_MS), attemptedAt: ago(MINUTE_MS), ...change });

/** A decision in a word: the new status with its reason, `look` at the same one, or the next call. */
function word(decision: ClusterDecision, cluster: Cluster): string {
  if (decision.do !== "record") return decision.do;
  const status = decision.status === cluster.status ? "look" : decision.status;
  return decision.reason === null ? status : `${status} ${decision.reason}`;
}

describe("a look at a stack", () => {
  const undoing = { status: "creating", reason: "create_rolled_back", trouble: "no role" } as const;
  //        what is known, then by observation: forming, rolling, broken, full, hollow, leaving, blocked
  const rows: readonly [string, Partial<Cluster>, readonly string[]][] = [
    [
      "intended",
      {},
      [
        ...["creating", "creating create_rolled_back", "creating create_rolled_back", "creating quota"],
        ...["creating create_rolled_back", "creating create_rolled_back", "creating create_rolled_back"],
      ],
    ],
    [
      "intended, not wanted any more",
      { use: "remove" },
      ["creating", "creating", "creating", "creating", "creating", "creating", "creating"],
    ],
    [
      "creating",
      { status: "creating" },
      [
        ...["look", "look create_rolled_back", "look create_rolled_back", "look quota"],
        ...["look create_rolled_back", "look create_rolled_back", "look create_rolled_back"],
      ],
    ],
    [
      "creating, and failed before",
      undoing,
      ["look", "look create_rolled_back", "remove", "remove", "remove", "look create_rolled_back", "remove"],
    ],
    [
      "available",
      { status: "available" },
      [
        ...[
          "look unexpected_status",
          "look unexpected_status",
          "look unexpected_status",
          "look unexpected_status",
        ],
        ...["look", "removing removed_outside", "look"],
      ],
    ],
    [
      "available, missing for a minute",
      { status: "available", absentSince: ago(MINUTE_MS) },
      [
        ...[
          "look unexpected_status",
          "look unexpected_status",
          "look unexpected_status",
          "look unexpected_status",
        ],
        ...["removing removed_outside", "removing removed_outside", "removing removed_outside"],
      ],
    ],
    [
      "removing",
      { status: "removing", use: "remove" },
      ["remove", "remove", "remove", "remove", "remove", "look", "look remove_blocked"],
    ],
    [
      "removing, and blocked before",
      { status: "removing", use: "remove", reason: "remove_blocked" },
      ["remove", "remove", "remove", "remove", "remove", "look remove_blocked", "remove"],
    ],
    ["gone", { status: "gone" }, ["look", "look", "look", "look", "look", "look", "look"]],
  ];
  const cases = rows.flatMap(([name, change, words]) =>
    Object.entries(OBSERVATIONS).map(([seen, observation], at) => ({
      name,
      change,
      seen,
      observation,
      expected: words[at],
    })),
  );
  it.each(cases)("$name, seen $seen: $expected", ({ change, observation, expected }) => {
    const cluster = stacked(change);
    expect(word(decideSeen(cluster, observation, NOW), cluster)).toBe(expected);
  });
});

describe("a stack of a cluster that is still being made, removed by a call whose answer was lost", () => {
  const removedMs = (change: Partial<Cluster>) => {
    const cluster = stacked({ status: "creating", use: "remove", ...change });
    const decision = decideRemoved(cluster, { kind: "absent" }, NOW);
    return decision.do === "record" && decision.status === "creating"
      ? decision.lookMs
      : word(decision, cluster);
  };

  it("is gone at once if it was ever shown, and else only when it cannot be new any more", () => {
    expect(removedMs({ identifier: SEEN.identifier })).toBe("gone");
    expect(removedMs({})).toBe(30_000);
    expect(removedMs({ statusSince: ago(2 * MINUTE_MS) })).toBe("gone");
    expect(removedMs({ stack: null, identifier: SEEN.identifier })).toBe(30_000);
  });
});

describe("a stack that could not be made", () => {
  const undoing = (change: Partial<Cluster> = {}) =>
    stacked({ status: "creating", reason: "create_rolled_back", trouble: "no role", ...change });

  it("keeps what AWS said, and its row, while it is removed", () => {
    for (const kind of ["removing", "busy"] as const) {
      const decision = decideRemoved(undoing(), { kind }, NOW);
      expect(decision).toMatchObject({
        status: "creating",
        reason: "create_rolled_back",
        trouble: "no role",
      });
    }
    expect(decideRemoved(undoing({ kind: "tenant", protected: true }), { kind: "protected" }, NOW).do).toBe(
      "unprotect",
    );
  });

  it("is made anew under the same row once it is gone, ever later the longer that goes on", () => {
    const lookMs = (createdAt: Date) => {
      const decision = decideSeen(undoing({ createdAt }), { kind: "absent" }, NOW);
      expect(decision).toMatchObject({
        status: "intended",
        attempted: "clear",
        reason: "create_rolled_back",
      });
      return decision.do === "record" ? decision.lookMs : null;
    };
    expect([0, 10 * MINUTE_MS, 100 * MINUTE_MS].map((ms) => lookMs(ago(ms)))).toEqual([
      ...[ROLLED_BACK_LOOK_MS, 10 * MINUTE_MS, REFUSED_LOOK_MS],
    ]);
    const again = stacked({ attemptedAt: null, reason: "create_rolled_back" });
    expect(firstCall(again, NOW)).toBe("attempt");
  });

  it("waits for a slot if the quota was why, as any cluster does", () => {
    const full = undoing({ reason: "quota" });
    expect(decideRemoved(full, { kind: "absent" }, NOW)).toMatchObject({
      ...{ status: "intended", reason: "quota", lookMs: WAITING_LOOK_MS },
    });
  });

  it("is searched for until no late create can arrive, if it is not wanted any more", () => {
    const ended = (statusSince: Date, absentSince: Date | null) => {
      const cluster = stacked({
        use: "remove",
        attemptedAt: null,
        reason: "quota",
        statusSince,
        absentSince,
      });
      expect(firstCall(cluster, NOW)).toBe("find");
      return word(decideFound(cluster, { kind: "absent" }, NOW), cluster);
    };
    expect(ended(ago(9 * MINUTE_MS), ago(2 * MINUTE_MS))).toBe("look quota");
    expect(ended(ago(10 * MINUTE_MS), null)).toBe("look quota");
    expect(ended(ago(10 * MINUTE_MS), ago(MINUTE_MS))).toBe("gone");
  });
});

describe("the answer to CreateStack", () => {
  const rows: readonly [CreateAnswer, string][] = [
    [{ kind: "forming" }, "creating"],
    [{ kind: "quota", cause: "2000 stacks" }, "look quota"],
    [{ kind: "conflict", cause: "token" }, "look token_conflict"],
    [{ kind: "refused", cause: "another's stack" }, "look create_refused"],
    [{ kind: "unknown", cause: "no answer" }, "retry"],
    [BROKEN, "creating create_rolled_back"],
    [{ kind: "usable", ...SEEN }, "available"],
  ];
  it.each(rows)("%o: %s", (answer, expected) => {
    expect(word(decideCreated(stacked(), answer, true), stacked())).toBe(expected);
  });
  it("tells why it was refused", () => {
    expect(decideCreated(stacked(), { kind: "refused", cause: "another's stack" }, true)).toMatchObject({
      ...{ reason: "create_refused", trouble: "another's stack", attempted: "clear" },
    });
  });
});

describe("a deletion that failed", () => {
  const removing = (minutes: number, change: Partial<Cluster> = {}) =>
    stacked({
      status: "removing",
      use: "remove",
      reason: "remove_blocked",
      statusSince: ago(minutes * MINUTE_MS),
      ...change,
    });

  it("is written down with what blocks it, once, and tried again", () => {
    const first = decideSeen(removing(1, { reason: null }), BLOCKED, NOW);
    expect(first).toMatchObject({ reason: "remove_blocked", trouble: "in use", event: "remove_blocked" });
    expect(decideSeen(removing(1), BLOCKED, NOW)).toEqual({ do: "remove" });
  });

  it("is tried again soon after the first try, however long that took, and ever less often, an hour at most", () => {
    const waitSeconds = (tries: number, failedSecondsAgo: number) => {
      const blocked = { ...BLOCKED, tries, at: ago(failedSecondsAgo * 1_000) };
      const decision = decideSeen(removing(30), blocked, NOW);
      return decision.do === "record" ? (decision.lookMs ?? 0) / 1_000 : decision.do;
    };
    expect(waitSeconds(1, 0)).toBe(10);
    expect(waitSeconds(1, 10)).toBe("remove");
    expect(waitSeconds(4, 20)).toBe(60);
    expect(waitSeconds(4, 80)).toBe("remove");
    expect(waitSeconds(30, 60)).toBe(3_540);
  });

  it("because of protection is unprotected where that may be, and else left to a person", () => {
    const blocked = { ...BLOCKED, cluster: { ...SEEN, deletionProtected: true } };
    expect(decideSeen(removing(1), blocked, NOW).do).toBe("unprotect");
    const customer = { kind: "tenant", verifiedAt: ago(1), protected: true } as const;
    expect(decideSeen(removing(1, customer), blocked, NOW)).toMatchObject({ reason: "protected" });
    expect(decideSeen(removing(1, { ...customer, protected: false }), blocked, NOW).do).toBe("unprotect");
  });

  it("by hand leaves a cluster that serves as it is, and asks for a person", () => {
    const available = stacked({ status: "available", ...SEEN, use: "serve" });
    const blocked = { ...BLOCKED, cluster: SEEN };
    expect(decideSeen(available, blocked, NOW)).toMatchObject({
      status: "available",
      reason: "stack_stuck",
      trouble: "in use",
    });
    // Whoever was retired is still to be shut out.
    expect(decideSeen({ ...available, use: "retired" }, blocked, NOW).do).toBe("fence");
  });
});

describe("a stack that stands", () => {
  const plain: SeenStack = {
    outdated: false,
    changing: false,
    terminationProtected: false,
    roles: ROLES,
    failure: null,
  };
  const available = (change: Partial<Cluster> = {}) =>
    stacked({ status: "available", ...SEEN, roles: ROLES, ...change });
  const seen = (inStack: Partial<SeenStack>, cluster = available(), deletionProtected = false) =>
    decideSeen(
      cluster,
      { kind: "usable", ...SEEN, deletionProtected, inStack: { ...plain, ...inStack } },
      NOW,
    );

  it("is left alone as it should be, and its roles are learnt", () => {
    expect(seen({})).toMatchObject({ do: "record", seen: null, reason: null });
    expect(seen({}, available({ roles: null }))).toMatchObject({ seen: { inStack: { roles: ROLES } } });
  });

  it("is brought to today's template while it serves, one change at a time", () => {
    expect(seen({ outdated: true })).toEqual({ do: "update" });
    expect(seen({ outdated: true, changing: true }).do).toBe("record");
    expect(seen({ outdated: true }, available({ use: "retired", fencedAt: ago(1) })).do).toBe("record");
  });

  it("whose update failed says so, and is tried again later", () => {
    const failure = { cause: "no permission", at: ago(MINUTE_MS), stuck: false };
    expect(seen({ outdated: true, failure })).toMatchObject({
      reason: "update_failed",
      trouble: "no permission",
    });
    const old = { ...failure, at: ago(STACK_UPDATE_AGAIN_MS) };
    expect(seen({ outdated: true, failure: old })).toEqual({ do: "update" });
    expect(seen({ failure })).toMatchObject({ reason: null });
    expect(seen({ outdated: true, failure: { ...old, stuck: true } })).toMatchObject({
      reason: "stack_stuck",
    });
  });

  it("of a customer is protected as its cluster is, both", () => {
    const customer = available({ kind: "tenant", protected: true });
    expect(seen({}, customer, true).do).toBe("protect");
    expect(seen({ terminationProtected: true }, customer, false).do).toBe("protect");
    expect(seen({ terminationProtected: true }, customer, true).do).toBe("record");
    expect(seen({ terminationProtected: true }, available({ kind: "tenant" }), false).do).toBe("unprotect");
  });

  it("says what UpdateStack answered", () => {
    expect(decideUpdated(available(), { kind: "done" })).toMatchObject({
      event: "stack_updated",
      reason: null,
    });
    expect(decideUpdated(available(), { kind: "refused", cause: "403" })).toMatchObject({
      ...{ reason: "update_failed", trouble: "403", lookMs: expect.any(Number) },
    });
    expect(decideUpdated(available(), { kind: "unknown", cause: "429" })).toEqual({
      do: "retry",
      cause: "429",
    });
  });

  it("in which CloudFormation sees nothing to change counts as brought to today's template", () => {
    const failed = available({ reason: "update_failed", trouble: "no permission" });
    expect(decideUpdated(failed, { kind: "unchanged" })).toMatchObject({
      ...{ reason: null, trouble: null, event: null, lookMs: READY_LOOK_MS },
    });
  });
});
