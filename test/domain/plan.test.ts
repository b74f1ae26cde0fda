import { describe, expect, it } from "vitest";
import {
  type LedgerEntry,
  type Plan,
  STATEMENT_LOST,
  type Statement,
} from "../../service/domain/migration.ts";
import { relatePlan } from "../../service/domain/plan.ts";
import { NOW } from "./builders.ts";

const statement = (sql: string, file = "a.sql"): Statement => {
  return { file, index: 1, line: 1, sql, send: sql, kind: "other", checksum: sql };
};
const entry = (ordinal: number, sql: string, change: Partial<LedgerEntry> = {}): LedgerEntry => {
  const place = { ordinal, file: "a.sql", index: 1, line: 1, checksum: sql };
  return { ...place, state: "applied", jobId: null, code: null, startedAt: NOW, finishedAt: NOW, ...change };
};
const plan = (...statements: readonly string[]): Plan => {
  return { sha: "1".repeat(40), files: ["a.sql"], statements: statements.map((sql) => statement(sql)) };
};

const ROWS: readonly [string, readonly LedgerEntry[], object][] = [
  ["nothing was begun", [], { kind: "behind", ordinal: 0 }],
  ["the first is applied", [entry(0, "A")], { kind: "behind", ordinal: 1 }],
  ["all are applied", [entry(0, "A"), entry(1, "B")], { kind: "applied" }],
  ["a text changed", [entry(0, "a")], { kind: "diverged", reason: "statement_changed" }],
  [
    "a file was renamed",
    [entry(0, "A", { file: "b.sql" })],
    { kind: "diverged", reason: "statement_changed" },
  ],
  [
    "one was removed",
    [entry(0, "A"), entry(1, "B"), entry(2, "C")],
    { kind: "diverged", reason: "statement_removed" },
  ],
  [
    "one failed",
    [entry(0, "A"), entry(1, "b", { state: "failed", code: "42601" })],
    { kind: "behind", ordinal: 1 },
  ],
  [
    "one failed that is not in the plan any more",
    [entry(0, "A"), entry(1, "B"), entry(2, "C", { state: "failed", code: "42601" })],
    { kind: "applied" },
  ],
  [
    "one was begun, outcome unknown",
    [entry(0, "A", { state: "started" })],
    { kind: "diverged", reason: "outcome_unknown" },
  ],
  [
    "one was lost again and again",
    [entry(0, "A", { state: "failed", code: STATEMENT_LOST })],
    { kind: "diverged", reason: "outcome_unknown" },
  ],
  [
    "an index is being built",
    [entry(0, "A", { state: "building", jobId: "job" })],
    { kind: "building", ordinal: 0, jobId: "job" },
  ],
  [
    "an index is being built whose statement changed",
    [entry(0, "a", { state: "building", jobId: "job" })],
    { kind: "diverged", reason: "statement_changed" },
  ],
  [
    "an index could not be built",
    [entry(0, "A", { state: "failed", jobId: "job", code: "index_build_failed" })],
    { kind: "diverged", reason: "index_failed" },
  ],
];

describe("a plan of two statements, if", () => {
  it.each(ROWS)("%s", (_name, ledger, expected) => {
    expect(relatePlan(plan("A", "B"), ledger)).toMatchObject(expected);
  });
});
