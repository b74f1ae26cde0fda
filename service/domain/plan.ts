import { type LedgerEntry, type Plan, STATEMENT_LOST, type Statement } from "./migration.ts";

/** How a plan relates to the ledger of a cluster. */
export type PlanRelation =
  | { readonly kind: "applied" }
  /** Run this statement next; its ledger entry may hold an earlier failure. */
  | { readonly kind: "behind"; readonly ordinal: number; readonly statement: Statement }
  /** A background job of this statement is still to be waited for. */
  | {
      readonly kind: "building";
      readonly ordinal: number;
      readonly statement: Statement;
      readonly jobId: string;
    }
  /** Repair is impossible: a fresh cluster is needed. */
  | {
      readonly kind: "diverged";
      readonly reason: "statement_changed" | "statement_removed" | "outcome_unknown" | "index_failed";
      readonly file: string;
      readonly line: number;
    };

/**
 * Compares statement by statement. Rebuild rather than repair: an applied statement that changed, moved or vanished, or
 * one whose outcome nobody knows, cannot be undone on DSQL.
 */
export function relatePlan(plan: Plan, ledger: readonly LedgerEntry[]): PlanRelation {
  for (const entry of ledger) {
    const statement = plan.statements[entry.ordinal];
    const place = { file: entry.file, line: entry.line };
    if (entry.state === "started") return { kind: "diverged", reason: "outcome_unknown", ...place };
    if (entry.state === "failed") {
      if (entry.code === STATEMENT_LOST) return { kind: "diverged", reason: "outcome_unknown", ...place };
      // A failed background build leaves an invalid index behind, which only a fresh cluster is rid of.
      if (entry.jobId) return { kind: "diverged", reason: "index_failed", ...place };
      break;
    }
    if (!statement) return { kind: "diverged", reason: "statement_removed", ...place };
    if (statement.checksum !== entry.checksum || statement.file !== entry.file) {
      return { kind: "diverged", reason: "statement_changed", ...place };
    }
    if (entry.state === "building") {
      return { kind: "building", ordinal: entry.ordinal, statement, jobId: entry.jobId ?? "" };
    }
  }
  const ordinal = ledger.filter((entry) => entry.state === "applied").length;
  const statement = plan.statements[ordinal];
  return statement ? { kind: "behind", ordinal, statement } : { kind: "applied" };
}
