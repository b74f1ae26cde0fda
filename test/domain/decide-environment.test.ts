import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Cluster } from "../../service/domain/cluster.ts";
import { decideEnvironment, type EnvironmentDecision } from "../../service/domain/decide-environment.ts";
import type { Environment } from "../../service/domain/environment.ts";
import { phaseOf } from "../../service/domain/phase.ts";
import type { Offer } from "../../service/domain/slots.ts";
import { ago, clusterOf, environmentOf, NOW } from "./builders.ts";

const FREE: Offer = { kind: "free" };
const FULL: Offer = { kind: "wait", scope: "slots", position: 1, limit: 3 };

const available = (change: Partial<Cluster> = {}) => clusterOf({ status: "available", ...change });
const migrated = (migrationState: Cluster["migrationState"]) =>
  available({ migrationGeneration: 1, migrationState });
const VERIFIED = { ...migrated("applied"), verifiedGeneration: 1 };
const PENDING = clusterOf({ status: "creating" });
const REMOVING = clusterOf({ status: "removing", use: "remove" });
const GONE = clusterOf({ status: "gone" });
const READY = { readyAt: ago(1) };
const HOUR_MS = 3_600_000;
/** Closed two hours ago. */
const CLOSED = { readyAt: ago(1), wantedAt: ago(2 * HOUR_MS) };
/** Kept for so many hours more. */
const retired = (hours: number) =>
  available({ use: "retired", fencedAt: ago(1), retiredUntil: ago(-hours * HOUR_MS) });
const PROBLEM = { file: "a.sql", line: 1, index: 0, count: 0, sql: "", code: "42601", message: "syntax" };

interface Row {
  readonly name: string;
  readonly environment?: Partial<Environment>;
  readonly serving?: Cluster;
  readonly next?: Cluster;
  readonly offer?: Offer;
  readonly graceMs?: number;
  readonly expected: EnvironmentDecision["do"];
  readonly target?: "serving" | "next";
}

const PRESENT: readonly Row[] = [
  { name: "its time is up", environment: { until: NOW }, serving: VERIFIED, expected: "expire" },
  {
    name: "its time is up, but it is protected",
    environment: { until: NOW, protected: true },
    serving: VERIFIED,
    expected: "rest",
  },
  { name: "its data was kept", serving: retired(1), expected: "restore" },
  { name: "its data was kept, and its grace is over", serving: retired(0), expected: "restore" },
  {
    name: "its data was kept, but somebody asked for a new database",
    environment: { resetGeneration: 2 },
    serving: retired(1),
    expected: "discard",
  },
  { name: "it is restored, and still fenced", serving: { ...VERIFIED, fencedAt: ago(1) }, expected: "rest" },
  { name: "its cluster yielded", serving: available({ use: "remove" }), expected: "detach" },
  {
    name: "somebody asked for a new database",
    environment: { ...READY, resetGeneration: 2 },
    serving: VERIFIED,
    expected: "discard",
  },
  {
    name: "it began after somebody asked for a new database",
    environment: { ...READY, generation: 2, planGeneration: 2, resetGeneration: 2 },
    serving: available({ bornGeneration: 2 }),
    expected: "migrate",
    target: "serving",
  },
  {
    name: "somebody asked for a new database during a rebuild",
    environment: { ...READY, resetGeneration: 2 },
    serving: migrated("diverged"),
    next: PENDING,
    expected: "drop_next",
  },
  { name: "its cluster was removed outside", serving: REMOVING, expected: "detach" },
  { name: "its cluster is gone", serving: GONE, expected: "detach" },
  { name: "its plan is of an older generation", environment: { planGeneration: 0 }, expected: "read_plan" },
  { name: "its plan is no SQL", environment: { planProblem: PROBLEM }, expected: "rest" },
  {
    name: "its plan is no SQL, rebuilding",
    environment: { planProblem: PROBLEM },
    serving: VERIFIED,
    next: PENDING,
    expected: "drop_next",
  },
  { name: "it has nothing, no slot asked for", expected: "ask_slot" },
  { name: "it has nothing, a slot is free", offer: FREE, expected: "intend", target: "serving" },
  { name: "it has nothing, no slot is free", offer: FULL, expected: "queue" },
  { name: "its cluster is on its way", serving: PENDING, expected: "rest" },
  { name: "its cluster is available", serving: available(), expected: "migrate", target: "serving" },
  {
    name: "a push came",
    environment: { generation: 2, planGeneration: 2 },
    serving: VERIFIED,
    expected: "migrate",
    target: "serving",
  },
  { name: "a statement failed", serving: migrated("failed"), expected: "rest" },
  { name: "its plan is applied", serving: migrated("applied"), expected: "verify", target: "serving" },
  { name: "it is ready", environment: READY, serving: VERIFIED, expected: "rest" },
  { name: "its plan diverged before it was ever ready", serving: migrated("diverged"), expected: "discard" },
  { name: "its plan diverged", environment: READY, serving: migrated("diverged"), expected: "ask_slot" },
  {
    name: "its plan diverged, a slot is free",
    environment: READY,
    serving: migrated("diverged"),
    offer: FREE,
    expected: "intend",
    target: "next",
  },
  {
    name: "it waits for a slot to be rebuilt in",
    environment: { ...READY, queuedAt: NOW },
    serving: migrated("diverged"),
    offer: FULL,
    expected: "queue",
  },
  {
    name: "it waits for a slot, but a push took the change back",
    environment: { ...READY, queuedAt: NOW },
    serving: migrated("applied"),
    expected: "leave_queue",
  },
  {
    name: "its plan diverged, no slot is free",
    environment: READY,
    serving: migrated("diverged"),
    offer: FULL,
    expected: "queue",
  },
];

const REBUILDING: readonly Row[] = [
  { name: "is on its way", next: PENDING, expected: "rest" },
  { name: "is lost", next: GONE, expected: "drop_next" },
  { name: "is available", next: available(), expected: "migrate", target: "next" },
  { name: "is migrated", next: migrated("applied"), expected: "verify", target: "next" },
  { name: "is verified", next: VERIFIED, expected: "switch" },
  { name: "diverged as well", next: migrated("diverged"), expected: "drop_next" },
  { name: "failed", next: migrated("failed"), expected: "rest" },
  { name: "is available, with the old one lost", serving: GONE, next: available(), expected: "detach" },
];

/** The old cluster was lost and let go of; the rebuilt one has its slot already. */
const ALONE: readonly Row[] = [
  { name: "is on its way", next: PENDING, expected: "rest" },
  { name: "is available", next: available(), expected: "migrate", target: "next" },
  { name: "is verified", next: VERIFIED, expected: "switch" },
  { name: "is lost too", next: GONE, expected: "drop_next" },
];

const ABSENT: readonly Row[] = [
  { name: "a rebuild is under way", serving: VERIFIED, next: PENDING, expected: "drop_next" },
  { name: "it never had a cluster", expected: "end" },
  { name: "it has ended", environment: { endedAt: NOW }, expected: "rest" },
  { name: "its cluster is gone", environment: { servingId: "cl_1" }, serving: GONE, expected: "end" },
  { name: "it let go of a cluster that is still there", serving: REMOVING, expected: "rest" },
  { name: "it let go of a cluster that is gone now", serving: GONE, expected: "end" },
  {
    name: "it has ended, and its last cluster is gone",
    environment: { endedAt: NOW },
    serving: GONE,
    expected: "rest",
  },
  { name: "its cluster is being removed", serving: REMOVING, expected: "rest" },
  { name: "its cluster is to be removed", serving: available({ use: "remove" }), expected: "rest" },
  { name: "its cluster serves", serving: VERIFIED, expected: "remove" },
  { name: "its cluster is still being created", serving: PENDING, expected: "remove" },
  {
    name: "it was never ready, though data could be kept",
    graceMs: HOUR_MS,
    serving: VERIFIED,
    expected: "remove",
  },
  { name: "it was ready, and nothing is kept", environment: READY, serving: VERIFIED, expected: "remove" },
  { name: "it was ready", graceMs: HOUR_MS, environment: READY, serving: VERIFIED, expected: "retire" },
  {
    name: "it was ready, and is restored but not open yet",
    graceMs: HOUR_MS,
    environment: READY,
    serving: available({ fencedAt: ago(1) }),
    expected: "retire",
  },
  {
    name: "it was ready, and is rebuilt at this moment",
    graceMs: HOUR_MS,
    environment: READY,
    serving: migrated("diverged"),
    next: PENDING,
    expected: "drop_next",
  },
  {
    name: "it was ready, but its cluster is on its way again",
    graceMs: HOUR_MS,
    environment: READY,
    serving: PENDING,
    expected: "remove",
  },
  { name: "its data is kept", graceMs: HOUR_MS, environment: CLOSED, serving: retired(1), expected: "rest" },
  {
    name: "its grace is over",
    graceMs: HOUR_MS,
    environment: CLOSED,
    serving: retired(0),
    expected: "remove",
  },
  {
    name: "its grace is over, but it was wanted again since",
    graceMs: HOUR_MS,
    environment: { wantedAt: ago(1) },
    serving: retired(0),
    expected: "rest",
  },
  {
    name: "its data is kept, and nobody wants to wait any more",
    environment: CLOSED,
    serving: retired(1),
    expected: "remove",
  },
  {
    name: "a customer's data is kept, and nothing would be kept any more",
    environment: { ...CLOSED, kind: "tenant" },
    serving: retired(1),
    expected: "rest",
  },
  {
    name: "its data was kept, and it yielded",
    graceMs: HOUR_MS,
    environment: CLOSED,
    serving: available({ use: "remove" }),
    expected: "rest",
  },
];

/** Nothing that could be a customer's data is replaced. */
const CUSTOMERS: readonly Row[] = [
  { name: "its cluster was removed outside", serving: REMOVING, expected: "rest" },
  { name: "its cluster is gone", serving: GONE, expected: "rest" },
  { name: "its migrations diverged", serving: migrated("diverged"), expected: "rest" },
  {
    name: "its migrations diverged, a slot is free",
    serving: migrated("diverged"),
    offer: FREE,
    expected: "rest",
  },
  { name: "a statement failed", serving: migrated("failed"), expected: "rest" },
  { name: "its data is kept", serving: retired(1), expected: "restore" },
  { name: "new migrations came", serving: available(), expected: "migrate", target: "serving" },
];

function decide({ environment, serving, next, offer, graceMs }: Row, wanted: Environment["wanted"]) {
  const row = environmentOf({ wanted, ...environment });
  return decideEnvironment(row, serving ?? null, next ?? null, offer ?? null, NOW, graceMs ?? 0);
}

describe("a wanted environment", () => {
  it.each(PRESENT)("when $name: $expected $target", (row) => {
    const { expected, target } = row;
    expect(decide(row, "present")).toMatchObject({ do: expected, ...(target ? { target } : {}) });
  });

  it.each(REBUILDING)("whose rebuilt cluster $name: $expected $target", (row) => {
    const { expected, target } = row;
    const serving = migrated("diverged");
    const rebuilding = { serving, ...row, environment: READY };
    expect(decide(rebuilding, "present")).toMatchObject({ do: expected, ...(target ? { target } : {}) });
  });

  it.each(ALONE)("that has but a rebuilt cluster, which $name: $expected $target", (row) => {
    const { expected, target } = row;
    expect(decide({ ...row, offer: FULL }, "present")).toMatchObject({
      do: expected,
      ...(target ? { target } : {}),
    });
  });
});

describe("a customer's environment that was ready once", () => {
  it.each(CUSTOMERS)("when $name: $expected $target", (row) => {
    const { expected, target } = row;
    const environment = { kind: "tenant", ...READY } as const;
    expect(decide({ ...row, environment }, "present")).toMatchObject({
      do: expected,
      ...(target ? { target } : {}),
    });
  });

  it("is looked at when its grace ends, and not before", () => {
    const environment = { kind: "tenant", ...CLOSED } as const;
    const decision = decide(
      { name: "", expected: "rest", environment, graceMs: HOUR_MS, serving: retired(3) },
      "absent",
    );
    expect(decision).toEqual({ do: "rest", lookMs: 3 * HOUR_MS });
  });
});

describe("an unwanted environment", () => {
  it.each(ABSENT)("when $name: $expected", (row) => {
    expect(decide(row, "absent")).toMatchObject({ do: row.expected });
  });
});

describe("every decision about an environment", () => {
  const anyCluster = fc.option(
    fc
      .record({
        status: fc.constantFrom("intended", "creating", "available", "removing", "gone"),
        use: fc.constantFrom("serve", "spare", "retired", "remove"),
        migrationGeneration: fc.constantFrom(0, 1),
        migrationState: fc.constantFrom("behind", "applied", "diverged", "failed"),
        verifiedGeneration: fc.constantFrom(0, 1),
        reason: fc.constantFrom(null, "quota"),
        fencedAt: fc.constantFrom(null, NOW),
        retiredUntil: fc.constantFrom(null, NOW, ago(-1)),
        bornGeneration: fc.constantFrom(0, 1),
      })
      .map((change) => clusterOf(change as Partial<Cluster>)),
    { nil: null },
  );
  const anyEnvironment = fc
    .record({
      kind: fc.constantFrom("pull" as const, "branch" as const, "tenant" as const),
      protected: fc.boolean(),
      wanted: fc.constantFrom("present" as const, "absent" as const),
      until: fc.constantFrom(NOW, new Date(NOW.getTime() + 1)),
      planGeneration: fc.constantFrom(0, 1),
      planProblem: fc.constantFrom(null, PROBLEM),
      readyAt: fc.constantFrom(null, NOW),
      endedAt: fc.constantFrom(null, NOW),
      queuedAt: fc.constantFrom(null, NOW),
    })
    .map(environmentOf);
  const anyOffer = fc.constantFrom(null, FREE, FULL);

  it("exists, asks for a slot once only, and touches only clusters that are there", () => {
    fc.assert(
      fc.property(anyEnvironment, anyCluster, anyCluster, anyOffer, (environment, serving, next, offer) => {
        const decision = decideEnvironment(environment, serving, next, offer, NOW);
        if (environment.protected && environment.wanted === "present") expect(decision.do).not.toBe("expire");
        if (offer) expect(decision.do).not.toBe("ask_slot");
        if (decision.do === "migrate" || decision.do === "verify") {
          const cluster = decision.target === "serving" ? serving : next;
          expect(cluster).toMatchObject({ status: "available", use: "serve", fencedAt: null });
        }
        if (decision.do === "end") expect(serving?.status ?? "gone").toBe("gone");
        if (decision.do === "switch") expect(next?.verifiedGeneration).toBe(environment.generation);
      }),
    );
  });

  it("has a phase, and shows ready only for a verified cluster that serves", () => {
    fc.assert(
      fc.property(anyEnvironment, anyCluster, anyCluster, (environment, serving, next) => {
        if (phaseOf(environment, serving, next, NOW) !== "ready") return;
        expect(next ?? serving).toMatchObject({ status: "available", use: "serve", verifiedGeneration: 1 });
        expect((next ?? serving)?.fencedAt).toBeNull();
      }),
    );
  });
});
