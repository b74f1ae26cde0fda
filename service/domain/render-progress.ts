import { codeSpan } from "./markdown.ts";
import { commitText, headingOf, placeText, type Section, type StateOf } from "./render-section.ts";
import { clockText, countText } from "./render-time.ts";
import { troubleBlocks } from "./render-trouble.ts";
import type { ReportView } from "./report.ts";
import { outside } from "./text.ts";

export function queuedSection(view: ReportView, state: StateOf<"queued">): Section {
  const seen = `Seen ${commitText(view)} at ${clockText(state.seenAt)}.`;
  const next =
    "A database will be created and the migrations applied; this comment changes when it is ready or when something needs you.";
  return { heading: headingOf(view, "🟡 Database queued"), blocks: [`${seen} ${next}`] };
}

export function creatingSection(view: ReportView, state: StateOf<"creating">): Section {
  const files = countText(state.migrationFiles, "migration file");
  const then = state.migrationFiles > 0 ? ` Then: ${files} at ${commitText(view)}.` : "";
  const since = `Since ${clockText(state.since)}. AWS usually needs 5–60 s for a new cluster.${then}`;
  const host =
    state.host === null
      ? []
      : [`Host, already final: ${codeSpan(outside(state.host))} (refuses connections until ready)`];
  const blocks = [since, ...troubleBlocks(state.trouble), ...host];
  return { heading: headingOf(view, "🟡 Creating database"), blocks };
}

export function restoringSection(view: ReportView, state: StateOf<"restoring">): Section {
  const text = `Since ${clockText(state.since)}. The same data is coming back; connections are refused until the database is ready.`;
  const host = state.host === null ? [] : [`Host, as before: ${codeSpan(outside(state.host))}`];
  return { heading: headingOf(view, "🟡 Restoring database"), blocks: [text, ...host] };
}

export function migratingSection(view: ReportView, state: StateOf<"migrating">): Section {
  const building = state.building
    ? ": building an index (DSQL builds in the background; small tables take 5–30 s)"
    : "";
  const since = clockText(state.since);
  const text =
    state.file === ""
      ? `Since ${since}: the first statement is next.`
      : `${placeText(state.file, state.line)} since ${since}${building}.`;
  const heading = headingOf(view, "🟡 Migrating", `${state.done} of ${countText(state.total, "statement")}`);
  return { heading, blocks: [text] };
}

export function verifyingSection(view: ReportView, state: StateOf<"verifying">): Section {
  const done = `${countText(state.statements, "migration statement")} applied at ${commitText(view)}.`;
  const check = `Since ${clockText(state.since)} a query is being asked through the public endpoint; this comment changes when it is answered.`;
  return { heading: headingOf(view, "🟡 Checking database"), blocks: [`${done} ${check}`] };
}

export function unverifiedSection(view: ReportView, state: StateOf<"unverified">): Section {
  const done = `The cluster is created and migrated at ${commitText(view)}, but since ${clockText(state.since)} our query has not been answered: ${codeSpan(state.cause)}.`;
  const next =
    "**Next:** the query is asked again until it is answered; this comment changes then. To start over: `/db destroy`, then `/db create` (write access).";
  return { heading: headingOf(view, "🔴 Database does not answer"), blocks: [done, next] };
}
