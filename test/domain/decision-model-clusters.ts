/** The clusters of the decision model: their rows, AWS, and what reconcile-cluster makes of them. See decision-model.ts. */
import type { Cluster, ClusterStatus, ClusterUse } from "../../service/domain/cluster.ts";
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
import { type ModelStack, observationOfRow, stackChanges } from "./decision-model-stack.ts";

/** Whose environment it is, what is kept of it, and what people do to it, so many times in all. */
export interface Setting {
  readonly kind: "preview" | "tenant";
  /** Whether its data is kept for a while when it is closed. */
  readonly isKept: boolean;
  /** Whether somebody asks for a new database in its place. */
  readonly isReset: boolean;
  /** Whether its clusters are made by stacks. */
  readonly isStacked: boolean;
  /** Clusters that the operator allows. */
  readonly clustersMax: number;
  readonly deeds: number;
}

export const GRACE_MS = 10 * 60_000;
export const LONG_AGO_MS = 30 * 60_000;

/** never · just now · long ago */
type When = 0 | 1 | 2;

export interface Row {
  status: ClusterStatus;
  use: ClusterUse;
  attempted: When;
  absent: When;
  since: 1 | 2;
  known: boolean;
  reason: string | null;
  plan: "behind" | "applied" | "diverged" | "verified";
  aws: "none" | "creating" | "active" | "deleting";
  stack: ModelStack;
  /** The policy that shuts everybody out: as the row says, and as AWS has it. */
  fenced: boolean;
  shut: boolean;
  /** A call that changes the policy is on its way, and whether the row was written since. */
  calling: "fence" | "unfence" | null;
  overtaken: boolean;
  /** Deletion protection at AWS. */
  guarded: boolean;
  /** Begun before somebody asked for a new database. */
  old: boolean;
  /** Its grace is over. */
  over: boolean;
  /** Of a customer's: a query was answered on it once; somebody deleted it by hand. */
  ready: boolean;
  byHand: boolean;
}

export interface State {
  wanted: "present" | "absent";
  serving: number | null;
  next: number | null;
  planRead: boolean;
  ready: boolean;
  queued: boolean;
  ended: boolean;
  /** A customer's: nothing may delete it. */
  protected: boolean;
  /** What was removed that should not have been. */
  rash: string | null;
  /** What people may still do. */
  budget: number;
  rows: Row[];
}

export type Change = (state: State) => void;

/** The changes of the row at `at`, as reconcile-cluster makes them. */
export function clusterChanges(cluster: Cluster, row: Row, at: number): readonly Change[] {
  if (row.calling) return policyChanges(cluster, row, at, row.calling);
  const follow = (decision: ClusterDecision): readonly Change[] => {
    switch (decision.do) {
      case "record":
        return [(state) => record(rowAt(state, at), decision)];
      case "remove":
        return removals(cluster, row, at);
      case "fence":
      case "unfence":
        return [setRow(at, { calling: decision.do, overtaken: false })];
      case "protect":
      case "unprotect":
        return [setRow(at, { guarded: decision.do === "protect" })];
      case "update":
        throw new Error("The model does not expect an update.");
      case "retry":
        return [];
    }
  };
  switch (firstCall(cluster, NOW)) {
    case "nothing":
      return row.status === "gone" ? [] : follow(decideUnasked(cluster));
    case "attempt":
      return [setRow(at, { attempted: 1 })];
    case "create": {
      if (row.stack !== "none") return follow(decideFound(cluster, observationOfRow(row), NOW));
      const made: Change = (state) => {
        const one = rowAt(state, at);
        if (one.aws !== "none") return;
        if (cluster.stack) one.stack = "forming";
        else one.aws = "creating";
        one.guarded = cluster.protected;
      };
      const begun = cluster.stack ? ({ kind: "forming" } as const) : ({ kind: "creating", ...SEEN } as const);
      const answered = follow(decideCreated(cluster, begun, false));
      const conflict = follow(decideCreated(cluster, { kind: "conflict", cause: "" }, false));
      return [made, ...answered.map((change) => both(made, change)), ...conflict];
    }
    case "find":
      return follow(decideFound(cluster, observationOfRow(row), NOW));
    case "observe":
      return follow(decideSeen(cluster, observationOfRow(row), NOW, row.aws === "active" ? row.shut : null));
    case "remove":
      return removals(cluster, row, at);
  }
}

/** A call on its way ends: without an effect, with an effect that nobody hears of, or written down unless overtaken. */
function policyChanges(
  cluster: Cluster,
  row: Row,
  at: number,
  calling: "fence" | "unfence",
): readonly Change[] {
  const ended = { calling: null, overtaken: false } as const;
  const effect = setRow(at, { ...ended, shut: row.aws === "active" ? calling === "fence" : row.shut });
  const decision = decideFenced(cluster, calling, { kind: "done" });
  const isWritten = !row.overtaken && decision.do === "record" && row.aws === "active";
  const written: Change = (state) => {
    if (decision.do === "record") record(rowAt(state, at), decision);
  };
  return [setRow(at, ended), effect, ...(isWritten ? [both(effect, written)] : [])];
}

function removals(cluster: Cluster, row: Row, at: number): readonly Change[] {
  const answered = (kind: "removing" | "absent" | "busy" | "protected"): readonly Change[] => {
    const decision = decideRemoved(cluster, { kind }, NOW);
    if (decision.do === "unprotect") return [setRow(at, { guarded: false })];
    return decision.do === "record" ? [(state) => record(rowAt(state, at), decision)] : [];
  };
  if (row.stack !== "none") return stackRemovals(row, at, answered);
  if (row.aws === "none") return answered("absent");
  if (row.aws === "creating") return answered("busy");
  if (row.guarded) return answered("protected");
  const removed = setRow(at, { aws: "deleting" });
  return [removed, ...answered("removing").map((change) => both(removed, change))];
}

/** Of a stack, and the cluster in it. */
function stackRemovals(
  row: Row,
  at: number,
  answered: (kind: "removing" | "protected") => readonly Change[],
): readonly Change[] {
  if (row.guarded) return answered("protected");
  const removed = setRow(at, { stack: "leaving" });
  return [removed, ...answered("removing").map((change) => both(removed, change))];
}

function record(row: Row, decision: Extract<ClusterDecision, { do: "record" }>): void {
  if (decision.status !== row.status) row.since = 1;
  row.status = decision.status;
  row.reason = decision.reason;
  if (decision.status === "removing") row.use = "remove";
  if (decision.status === "intended") row.known = false;
  if (decision.seen) row.known = true;
  if (decision.attempted === "clear") row.attempted = 0;
  if (decision.absent === "note") row.absent = 1;
  if (decision.absent === "clear") row.absent = 0;
  if (decision.fenced !== "keep") row.fenced = decision.fenced === "note";
}

export function timeChanges(row: Row, at: number): readonly Change[] {
  const passed: Partial<Row>[] = [];
  if (row.aws === "creating") passed.push({ aws: "active" });
  if (row.aws === "deleting") passed.push({ aws: "none" });
  passed.push(...stackChanges(row));
  if (row.attempted === 1) passed.push({ attempted: 2 });
  if (row.absent === 1) passed.push({ absent: 2 });
  if (row.since === 1) passed.push({ since: 2 });
  if (row.use === "retired" && !row.over) passed.push({ over: true });
  return passed.map((change) => setRow(at, change));
}

export function clusterOfRow(
  { kind, isStacked }: Setting,
  { protected: isProtected }: State,
  row: Row,
): Cluster {
  const when = (at: When) => (at === 0 ? null : at === 1 ? NOW : ago(LONG_AGO_MS));
  const verified = row.plan === "verified";
  return clusterOf({
    kind,
    stack: isStacked ? "offshoot-cl-1" : null,
    protected: isProtected,
    bornGeneration: row.old ? 0 : 1,
    fencedAt: row.fenced ? NOW : null,
    verifiedAt: row.ready ? NOW : null,
    retiredUntil: row.over ? ago(1) : new Date(NOW.getTime() + GRACE_MS),
    status: row.status,
    use: row.use,
    attemptedAt: when(row.attempted),
    absentSince: when(row.absent),
    statusSince: row.since === 1 ? NOW : ago(LONG_AGO_MS),
    reason: row.reason,
    ...(row.known ? SEEN : {}),
    migrationGeneration: row.plan === "behind" ? 0 : 1,
    migrationState: verified ? "applied" : row.plan === "diverged" ? "diverged" : "behind",
    ...(row.plan === "applied" ? { migrationState: "applied" } : {}),
    verifiedGeneration: verified ? 1 : 0,
  });
}

export function rowAt(state: State, at: number): Row {
  const row = state.rows[at];
  if (!row) throw new Error(`There is no row ${at}.`);
  return row;
}

export function set(change: Partial<State>): Change {
  return (state) => void Object.assign(state, change);
}

export function setRow(at: number, change: Partial<Row>): Change {
  return (state) => void Object.assign(rowAt(state, at), change);
}

export function both(one: Change, other: Change): Change {
  return (state) => {
    one(state);
    other(state);
  };
}
