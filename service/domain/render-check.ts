import type { Check, CheckAnnotation, CheckConclusion } from "./check.ts";
import { CHECK_SUMMARY_CHARACTERS, CHECK_TITLE_CHARACTERS, CHECK_WAIT_MS } from "./limits.ts";
import { cleanLine } from "./markdown.ts";
import { sectionOf } from "./render.ts";
import { endText } from "./render-end.ts";
import type { Detail, StateOf } from "./render-section.ts";
import { countText, durationText, ordinalText } from "./render-time.ts";
import type { EndReason, ReportState, ReportView } from "./report.ts";
import { outside } from "./text.ts";
import { textDigest } from "./text-digest.ts";

/** A check run, and a digest that differs whenever it would read differently. */
export interface RenderedCheck {
  readonly check: Check;
  readonly digest: string;
  /** It tells of an end: not worth a check run of its own. */
  readonly ended: boolean;
}

/** The first one that any database is in is the check's. */
const RANKS = ["failure", "timed_out", "in_progress", "queued", "success", "neutral"] as const;

/** What one database contributes. */
interface Part {
  readonly rank: (typeof RANKS)[number];
  readonly title: string;
}

const BLANK_LINE = "\n\n";
/** No folds: how to connect is one of them. */
const DETAIL: Detail = { fileTable: false, folds: false, codeCharacters: 4_000 };
const MORE = "More, such as how to connect and the commands, is in Offshoot's comment on this pull request.";
const END_TITLES: Readonly<Record<EndReason, string>> = {
  pull_closed: "Closed",
  pull_merged: "Closed",
  command_destroy: "Destroyed",
  expired: "Expired",
  repository_gone: "No access",
};
const SKIP_TITLES = {
  fork: "Fork: no database",
  bot: "No database for a bot",
  opened_before_installation: "No database yet",
} as const;
const ENDED: ReadonlySet<ReportState["phase"]> = new Set(["closed", "retired", "destroyed"]);

/**
 * The check run of a pull request's head with all its databases. `lacking` is a line of Markdown of our own, told first.
 * Pure. Throws without a view, since there is nothing to speak of.
 */
export function renderCheck(views: readonly ReportView[], lacking: string | null, now: Date): RenderedCheck {
  const parts = views.map((view) => ({ view, part: partOf(view.state, now) }));
  const [worst] = parts.toSorted((one, other) => rankOf(one.part) - rankOf(other.part));
  if (!worst) throw new Error("A check run needs at least one database.");
  const { rank, title } = worst.part;
  const many = views.length > 1 ? ` (${countText(views.length, "database")})` : "";
  const blocks = parts.flatMap(({ view, part }) => summaryBlocks(view, part));
  const texts = [...(lacking === null ? [] : [lacking]), ...blocks, MORE];
  const check = {
    ...stateOf(rank),
    title: `${title}${many}`,
    summary: texts.join(BLANK_LINE).slice(0, CHECK_SUMMARY_CHARACTERS).toWellFormed(),
    annotation: worst.view.state.phase === "failed" ? annotationOf(worst.view.state) : null,
  };
  const ended = views.every(({ state }) => ENDED.has(state.phase));
  return { check, digest: digestOf(check), ended };
}

/** What the check run of a former head says, if it was still open; or one that is there twice. */
export function renderSuperseded(): RenderedCheck {
  const check = {
    ...stateOf("neutral"),
    title: "Superseded",
    summary: "Another commit, or another check run of this one, tells how the database is.",
    annotation: null,
  };
  return { check, digest: digestOf(check), ended: true };
}

function digestOf({ status, conclusion, title, summary }: Check): string {
  return textDigest(JSON.stringify([status, conclusion, title, summary]));
}

function stateOf(rank: Part["rank"]): Pick<Check, "status" | "conclusion"> {
  if (rank === "in_progress" || rank === "queued") return { status: rank, conclusion: null };
  return { status: "completed", conclusion: rank satisfies CheckConclusion };
}

function rankOf({ rank }: Part): number {
  return RANKS.indexOf(rank);
}

function partOf(state: ReportState, now: Date): Part {
  switch (state.phase) {
    case "queued":
      return { rank: "queued", title: "Queued" };
    case "creating":
      return { rank: "in_progress", title: "Creating" };
    case "restoring":
      return { rank: "in_progress", title: "Restoring" };
    case "migrating":
      return { rank: "in_progress", title: `Migrating ${state.done}/${state.total}` };
    case "verifying":
      return { rank: "in_progress", title: "Checking" };
    case "unverified":
      return { rank: "timed_out", title: "Database does not answer" };
    case "ready":
      return { rank: "success", title: `Ready in ${durationText(state.timings.totalMs)}` };
    case "failed":
      return { rank: "failure", title: failureTitle(state) };
    case "waiting":
      return waitedTooLong(state, now)
        ? { rank: "timed_out", title: `No slot within ${durationText(CHECK_WAIT_MS)}` }
        : { rank: "in_progress", title: `Waiting for a slot, ${ordinalText(state.position)}` };
    case "closed":
    case "retired":
    case "destroyed":
      return { rank: "neutral", title: END_TITLES[state.reason] };
    case "skipped":
      return { rank: "neutral", title: SKIP_TITLES[state.reason] };
  }
}

function waitedTooLong({ since }: StateOf<"waiting">, now: Date): boolean {
  return now.getTime() - since.getTime() > CHECK_WAIT_MS;
}

/** 0007_orders.sql:14 ADD COLUMN with constraint not supported */
function failureTitle({ problem }: StateOf<"failed">): string {
  const { file, line, message } = problem;
  const name = file.replace(/\/$/, "").split("/").at(-1) ?? file;
  const place = line > 0 ? `${name}:${line}` : name;
  return cleanLine(outside(`${place} ${message}`), CHECK_TITLE_CHARACTERS);
}

function annotationOf({ problem }: StateOf<"failed">): CheckAnnotation | null {
  const { file, line, code, message } = problem;
  if (line < 1) return null;
  const text = code === "" ? message : `${code}: ${message}`;
  return { path: file, line, message: cleanLine(outside(text), CHECK_TITLE_CHARACTERS) };
}

/** What the comment says, without what changes often, and without how to connect. */
function summaryBlocks(view: ReportView, { rank }: Part): readonly string[] {
  const { state } = view;
  const { heading, blocks } = sectionOf(view, DETAIL);
  switch (state.phase) {
    case "queued":
    case "verifying":
      return [heading, "This check ends when the database is ready, or when something needs you."];
    case "unverified":
      return [
        heading,
        ...blocks.slice(0, 1),
        "**Next:** it is asked again until it answers; then this check passes.",
      ];
    case "ready":
      return [heading, ...blocks.slice(0, 1)];
    case "waiting":
      return [
        heading,
        rank === "timed_out"
          ? "This check waits no longer. The database still does, and the check passes once it is ready."
          : "It is created by itself once a slot is free. The comment says who holds them, and what to do.",
      ];
    case "closed":
    case "retired":
    case "destroyed":
      // The same whatever becomes of the data, so that an end is written once.
      return [endText(state.reason)];
    default:
      return [heading, ...blocks];
  }
}
