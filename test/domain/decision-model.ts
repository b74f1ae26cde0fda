/**
 * The two decisions as a model to be searched exhaustively: one environment, a few clusters, AWS, and a person. Every
 * answer may be lost, every call throttled, every step interrupted; times are coarse (just now, or long ago). What
 * people may do differs by setting, so that each search stays small.
 */
import { decideEnvironment } from "../../service/domain/decide-environment.ts";
import { ago, environmentOf, NOW } from "./builders.ts";
import {
  both,
  type Change,
  clusterChanges,
  clusterOfRow,
  GRACE_MS,
  LONG_AGO_MS,
  type Row,
  rowAt,
  type Setting,
  type State,
  set,
  setRow,
  timeChanges,
} from "./decision-model-clusters.ts";

export type { Setting, State } from "./decision-model-clusters.ts";

export function beginOf({ deeds }: Setting): State {
  return {
    wanted: "present",
    serving: null,
    next: null,
    planRead: false,
    ready: false,
    queued: false,
    ended: false,
    protected: false,
    rash: null,
    budget: deeds,
    rows: [],
  };
}

/** Every state that may come next. */
export function successors(setting: Setting, state: State): readonly State[] {
  const changes = [
    ...environmentChanges(setting, state),
    ...personChanges(setting, state),
    ...state.rows.flatMap((row, at) => [
      ...clusterChanges(clusterOfRow(setting, state, row), row, at),
      ...timeChanges(row, at),
    ]),
  ];
  return changes.map((change) => {
    const next = { ...state, rows: state.rows.map((row) => ({ ...row })) };
    change(next);
    return withoutGone(next);
  });
}

/** A promise that a state breaks, or null. */
export function brokenPromise({ clustersMax }: Setting, state: State): string | null {
  const { rows, serving, next, wanted, ended, rash } = state;
  if (rash) return rash;
  if (rows.some((row) => row.status === "gone" && isThere(row))) return "leak";
  const linked = (at: number) => at === serving || at === next;
  if (ended && wanted === "absent" && rows.some((row) => row.status !== "gone")) return "ended too early";
  const isHeld = ({ use }: Row) => use === "serve" || use === "retired";
  if (rows.some((row, at) => isHeld(row) && row.status !== "gone" && !linked(at))) return "orphan";
  const there = rows.filter(({ status, aws }) => status === "available" && aws === "active");
  if (there.some(({ use, fenced, shut }) => use === "retired" && fenced && !shut)) return "open";
  if (there.some(({ use, fenced, shut }) => use === "serve" && !fenced && shut)) return "shut";
  return rows.length > clustersMax ? "too many clusters" : null;
}

/**
 * A person opens, closes, pushes, asks for a new database, or deletes a cluster by hand; whoever waits has a retired one;
 * of a customer the API protects, deletes, and restores what is there.
 */
function personChanges({ kind, isKept, isReset }: Setting, state: State): readonly Change[] {
  const { budget, rows, wanted, protected: isProtected } = state;
  if (budget === 0) return [];
  const spend = (change: Change) => both(set({ budget: budget - 1 }), change);
  const deletions = rows.flatMap((row, at): Change[] =>
    row.aws === "active" && !row.guarded
      ? [setRow(at, { aws: "deleting", byHand: kind === "tenant" }), ...byHandStack(row, at, kind)]
      : [],
  );
  if (kind === "tenant") {
    const protect = wanted === "present" ? [set({ protected: !isProtected })] : [];
    return [...(mayTurn(state) ? [turn] : []), ...protect, push, ...deletions].map(spend);
  }
  const reset: Change = (one) => {
    for (const row of one.rows) row.old = true;
    push(one);
  };
  const resets = isReset && wanted === "present" ? [reset] : [];
  const yields = rows.flatMap((row, at): Change[] =>
    isKept && wanted === "absent" && row.use === "retired" && row.fenced
      ? [(one) => remove("preview", one, rowAt(one, at))]
      : [],
  );
  return [turn, push, ...resets, ...yields, ...deletions].map(spend);
}

/** Somebody deletes the stack, and with it what is in it. */
function byHandStack(row: Row, at: number, kind: Setting["kind"]): readonly Change[] {
  return row.stack === "whole" ? [setRow(at, { stack: "leaving", byHand: kind === "tenant" })] : [];
}

/** As the API has it: nothing protected is deleted, and only what is there is restored. */
function mayTurn({ wanted, ended, serving, rows, ready, protected: isProtected }: State): boolean {
  if (wanted === "present") return !isProtected;
  const row = rows[serving ?? -1];
  const isThere = row?.status === "available" && (row.use === "retired" || (row.use === "serve" && ready));
  return ended || isThere;
}

function turn(state: State): void {
  state.wanted = state.wanted === "present" ? "absent" : "present";
  state.queued = false;
  state.ended = state.wanted === "absent" && state.serving === null && state.ended;
  // Its grace begins anew with each end.
  if (state.wanted === "absent") for (const row of state.rows) row.over = false;
  push(state);
}

function push(state: State): void {
  state.planRead = false;
  for (const row of state.rows) row.plan = "behind";
}

function environmentChanges(setting: Setting, state: State): readonly Change[] {
  const { kind, isKept, clustersMax } = setting;
  const at = (index: number | null) =>
    index === null ? null : clusterOfRow(setting, state, rowAt(state, index));
  const isOver = state.rows.some(({ over }) => over);
  const graceMs = isKept ? GRACE_MS : 0;
  const [serving, next] = [at(servingOf(state)), at(state.next)];
  const environment = environmentOf({
    kind: kind === "tenant" ? "tenant" : "pull",
    wanted: state.wanted,
    wantedAt: isOver ? ago(LONG_AGO_MS) : NOW,
    resetGeneration: 1,
    protected: state.protected,
    planGeneration: state.planRead ? 1 : 0,
    readyAt: state.ready ? NOW : null,
    queuedAt: state.queued ? NOW : null,
    endedAt: state.ended ? NOW : null,
    servingId: state.serving === null ? null : "cl_1",
  });
  const first = decideEnvironment(environment, serving, next, null, NOW, graceMs);
  const offer =
    state.rows.length < clustersMax
      ? ({ kind: "free" } as const)
      : ({ kind: "wait", scope: "slots", position: 1, limit: clustersMax } as const);
  const decision =
    first.do === "ask_slot" ? decideEnvironment(environment, serving, next, offer, NOW, graceMs) : first;
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
      return [
        both(
          setRow(Number(state[target]), { plan: "verified", ready: kind === "tenant" }),
          set({ ready: state.ready || target === "serving" }),
        ),
      ];
    // As the store has it: what AWS was told last is not known, so it is told once more.
    case "retire":
      return [setRow(Number(state.serving), { use: "retired", fenced: false, overtaken: true, over: false })];
    case "restore":
      return [
        both(
          setRow(Number(state.serving), { use: "serve", fenced: true, overtaken: true, over: false }),
          set({ ready: true }),
        ),
      ];
    default:
      return [release(kind, decision.do)];
  }
}

/** As read-clusters has it: an unwanted environment has not ended while a cluster that it let go of is there. */
function servingOf({ wanted, serving, rows }: State): number | null {
  const isLeft = wanted === "present" || (serving !== null && rows[serving]?.status !== "gone");
  const left = rows.findIndex((row) => row.status !== "gone");
  return isLeft || left < 0 ? serving : left;
}

/** The decisions that let go of a cluster, as reconcile-environment carries them out. */
function release(
  kind: Setting["kind"],
  what: "detach" | "discard" | "drop_next" | "switch" | "remove" | "end",
): Change {
  return (state) => {
    const leaving = what === "drop_next" ? state.next : state.serving;
    if (what !== "detach" && what !== "end" && leaving !== null) {
      remove(kind, state, rowAt(state, leaving));
    }
    if (kind === "tenant" && what === "detach" && state.ready) state.rash = "a customer's data was let go of";
    if (what === "drop_next") state.next = null;
    if (what === "switch") Object.assign(state, { serving: state.next, next: null, ready: true });
    if (what === "detach" || what === "discard" || what === "end") {
      Object.assign(state, { serving: null, ready: false, ended: what === "end" });
    }
  };
}

/** A customer's data goes only after an absent wish and its grace. */
function remove(kind: Setting["kind"], state: State, row: Row): void {
  if (row.status === "removing" || row.status === "gone") return;
  row.use = "remove";
  row.overtaken = true;
  const isRash = kind === "tenant" && row.ready && !(state.wanted === "absent" && row.over);
  if (isRash && !row.byHand) state.rash = "a customer's data was removed before its time";
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
    stack: "none",
    fenced: false,
    shut: false,
    calling: null,
    overtaken: false,
    guarded: false,
    old: false,
    ready: false,
    over: false,
    byHand: false,
  });
}

/** A row that is gone, as it should be, and that nobody links has no future; it is dropped to keep the model finite. */
function withoutGone(state: State): State {
  const { rows, serving, next } = state;
  const keep = rows.map((row, at) => row.status !== "gone" || isThere(row) || at === serving || at === next);
  const moved = (at: number | null) => (at === null ? null : keep.slice(0, at).filter(Boolean).length);
  return { ...state, serving: moved(serving), next: moved(next), rows: rows.filter((_, at) => keep[at]) };
}

/** At AWS, as a cluster or as what is left of its stack. */
function isThere({ aws, stack }: Row): boolean {
  return aws !== "none" || stack !== "none";
}
