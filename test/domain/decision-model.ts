/**
 * The two decisions as a model to be searched exhaustively: one environment, a few clusters, AWS, and a person. Every
 * answer may be lost, every call throttled, every step interrupted; times are coarse (just now, or long ago).
 */
import type { Cluster, ClusterStatus, ClusterUse, Observation } from "../../service/domain/cluster.ts";
import {
  type ClusterDecision,
  decideCreated,
  decideFound,
  decideRemoved,
  decideSeen,
  decideUnasked,
  firstCall,
} from "../../service/domain/decide-cluster.ts";
import { decideEnvironment } from "../../service/domain/decide-environment.ts";
import { ago, clusterOf, environmentOf, NOW, SEEN } from "./builders.ts";

/** Clusters that the operator allows. */
const CLUSTERS_MAX = 2;
const LONG_AGO_MS = 30 * 60_000;

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
}

export interface State {
  wanted: "present" | "absent";
  serving: number | null;
  next: number | null;
  planRead: boolean;
  ready: boolean;
  queued: boolean;
  ended: boolean;
  /** What people may still do. */
  budget: number;
  rows: Row[];
}

export const BEGIN: State = {
  wanted: "present",
  serving: null,
  next: null,
  planRead: false,
  ready: false,
  queued: false,
  ended: false,
  budget: 2,
  rows: [],
};

type Change = (state: State) => void;

/** Every state that may come next. */
export function successors(state: State): readonly State[] {
  const changes = [
    ...environmentChanges(state),
    ...personChanges(state),
    ...state.rows.flatMap((row, at) => [...clusterChanges(row, at), ...timeChanges(row, at)]),
  ];
  return changes.map((change) => {
    const next = { ...state, rows: state.rows.map((row) => ({ ...row })) };
    change(next);
    return withoutGone(next);
  });
}

/** A promise that a state breaks, or null. */
export function brokenPromise({ rows, serving, next, wanted, ended }: State): string | null {
  if (rows.some((row) => row.status === "gone" && row.aws !== "none")) return "leak";
  const linked = (at: number) => at === serving || at === next;
  if (ended && wanted === "absent" && rows.some((row) => row.status !== "gone")) return "ended too early";
  if (rows.some((row, at) => row.use === "serve" && row.status !== "gone" && !linked(at))) return "orphan";
  return rows.length > CLUSTERS_MAX ? "too many clusters" : null;
}

/** The changes of the row at `at`, as reconcile-cluster makes them. */
function clusterChanges(row: Row, at: number): readonly Change[] {
  const cluster = clusterOfRow(row);
  const follow = (decision: ClusterDecision): readonly Change[] => {
    if (decision.do === "remove") return removals(row, at);
    if (decision.do !== "record") return [];
    return [(state) => record(rowAt(state, at), decision)];
  };
  switch (firstCall(cluster, NOW)) {
    case "nothing":
      return row.status === "gone" ? [] : follow(decideUnasked(cluster));
    case "attempt":
      return [setRow(at, { attempted: 1 })];
    case "create": {
      const made: Change = (state) => {
        const one = rowAt(state, at);
        if (one.aws === "none") one.aws = "creating";
      };
      const answered = follow(decideCreated(cluster, { kind: "creating", ...SEEN }, false));
      const conflict = follow(decideCreated(cluster, { kind: "conflict", cause: "" }, false));
      return [made, ...answered.map((change) => both(made, change)), ...conflict];
    }
    case "find":
      return follow(decideFound(cluster, observation(row), NOW));
    case "observe":
      return follow(decideSeen(cluster, observation(row), NOW));
    case "remove":
      return removals(row, at);
  }
}

function removals(row: Row, at: number): readonly Change[] {
  const cluster = clusterOfRow(row);
  const answered = (kind: "removing" | "absent" | "busy"): readonly Change[] => {
    const decision = decideRemoved(cluster, { kind }, NOW);
    return decision.do === "record" ? [(state) => record(rowAt(state, at), decision)] : [];
  };
  if (row.aws === "none") return answered("absent");
  if (row.aws === "creating") return answered("busy");
  const removed = setRow(at, { aws: "deleting" });
  return [removed, ...answered("removing").map((change) => both(removed, change))];
}

function record(row: Row, decision: Extract<ClusterDecision, { do: "record" }>): void {
  if (decision.status !== row.status) row.since = 1;
  row.status = decision.status;
  row.reason = decision.reason;
  if (decision.status === "removing") row.use = "remove";
  if (decision.seen) row.known = true;
  if (decision.attempted === "clear") row.attempted = 0;
  if (decision.absent === "note") row.absent = 1;
  if (decision.absent === "clear") row.absent = 0;
}

function timeChanges(row: Row, at: number): readonly Change[] {
  const passed: Partial<Row>[] = [];
  if (row.aws === "creating") passed.push({ aws: "active" });
  if (row.aws === "deleting") passed.push({ aws: "none" });
  if (row.attempted === 1) passed.push({ attempted: 2 });
  if (row.absent === 1) passed.push({ absent: 2 });
  if (row.since === 1) passed.push({ since: 2 });
  return passed.map((change) => setRow(at, change));
}

/** A person opens, closes, pushes, or deletes a cluster by hand. */
function personChanges({ budget, rows }: State): readonly Change[] {
  if (budget === 0) return [];
  const spend = (change: Change) => both(set({ budget: budget - 1 }), change);
  const turn: Change = (state) => {
    state.wanted = state.wanted === "present" ? "absent" : "present";
    if (state.wanted === "present") state.ready = false;
    state.queued = false;
    state.ended = state.wanted === "absent" && state.serving === null && state.ended;
    push(state);
  };
  const deletions = rows.flatMap((row, at): Change[] =>
    row.aws === "active" ? [setRow(at, { aws: "deleting" })] : [],
  );
  return [turn, push, ...deletions].map(spend);
}

function push(state: State): void {
  state.planRead = false;
  for (const row of state.rows) row.plan = "behind";
}

function environmentChanges(state: State): readonly Change[] {
  const at = (index: number | null) => (index === null ? null : clusterOfRow(rowAt(state, index)));
  const [serving, next] = [at(servingOf(state)), at(state.next)];
  const environment = environmentOf({
    wanted: state.wanted,
    planGeneration: state.planRead ? 1 : 0,
    readyAt: state.ready ? NOW : null,
    queuedAt: state.queued ? NOW : null,
    endedAt: state.ended ? NOW : null,
    servingId: state.serving === null ? null : "cl_1",
  });
  const first = decideEnvironment(environment, serving, next, null, NOW);
  const offer =
    state.rows.length < CLUSTERS_MAX
      ? ({ kind: "free" } as const)
      : ({ kind: "wait", scope: "slots", position: 1, limit: CLUSTERS_MAX } as const);
  const decision =
    first.do === "ask_slot" ? decideEnvironment(environment, serving, next, offer, NOW) : first;
  const target = "target" in decision ? decision.target : "serving";
  const plan = (word: Row["plan"]) => setRow(Number(state[target]), { plan: word });
  switch (decision.do) {
    case "expire":
    case "ask_slot":
      throw new Error(`The model does not expect ${decision.do}.`);
    case "rest":
      return [];
    case "read_plan":
      return [set({ planRead: true })];
    case "queue":
      return state.queued ? [] : [set({ queued: true })];
    case "leave_queue":
      return [set({ queued: false })];
    case "intend":
      return [(one) => intend(one, target)];
    case "migrate":
      return [plan("applied"), plan("diverged")];
    case "verify":
      return [both(plan("verified"), set({ ready: state.ready || target === "serving" }))];
    case "retire":
    case "restore":
      throw new Error(`The model does not expect ${decision.do}.`);
    default:
      return [release(decision.do)];
  }
}

/** As read-clusters has it: an unwanted environment has not ended while a cluster that it let go of is there. */
function servingOf({ wanted, serving, rows }: State): number | null {
  const isLeft = wanted === "present" || (serving !== null && rows[serving]?.status !== "gone");
  const left = rows.findIndex((row) => row.status !== "gone");
  return isLeft || left < 0 ? serving : left;
}

/** The decisions that let go of a cluster, as reconcile-environment carries them out. */
function release(what: "detach" | "discard" | "drop_next" | "switch" | "remove" | "end"): Change {
  return (state) => {
    const leaving = what === "drop_next" ? state.next : state.serving;
    if (what !== "detach" && what !== "end" && leaving !== null) remove(rowAt(state, leaving));
    if (what === "drop_next") state.next = null;
    if (what === "switch") Object.assign(state, { serving: state.next, next: null, ready: true });
    if (what === "detach" || what === "discard" || what === "end") {
      Object.assign(state, { serving: null, ready: false, ended: what === "end" });
    }
  };
}

function remove(row: Row): void {
  if (row.status !== "removing" && row.status !== "gone") row.use = "remove";
}

function intend(state: State, target: "serving" | "next"): void {
  state[target] = state.rows.length;
  state.queued = false;
  state.rows.push({
    status: "intended",
    use: "serve",
    attempted: 0,
    absent: 0,
    since: 1,
    known: false,
    reason: null,
    plan: "behind",
    aws: "none",
  });
}

/** A row that is gone, as it should be, and that nobody links has no future; it is dropped to keep the model finite. */
function withoutGone(state: State): State {
  const { rows, serving, next } = state;
  const keep = rows.map(
    (row, at) => row.status !== "gone" || row.aws !== "none" || at === serving || at === next,
  );
  const moved = (at: number | null) => (at === null ? null : keep.slice(0, at).filter(Boolean).length);
  return { ...state, serving: moved(serving), next: moved(next), rows: rows.filter((_, at) => keep[at]) };
}

function clusterOfRow(row: Row): Cluster {
  const when = (at: When) => (at === 0 ? null : at === 1 ? NOW : ago(LONG_AGO_MS));
  const verified = row.plan === "verified";
  return clusterOf({
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

function observation({ aws }: Row): Observation {
  if (aws === "none") return { kind: "absent" };
  return { kind: aws === "active" ? "usable" : aws, ...SEEN };
}

function rowAt(state: State, at: number): Row {
  const row = state.rows[at];
  if (!row) throw new Error(`There is no row ${at}.`);
  return row;
}

function set(change: Partial<State>): Change {
  return (state) => void Object.assign(state, change);
}

function setRow(at: number, change: Partial<Row>): Change {
  return (state) => void Object.assign(rowAt(state, at), change);
}

function both(one: Change, other: Change): Change {
  return (state) => {
    one(state);
    other(state);
  };
}
