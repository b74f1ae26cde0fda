import { headingOf, type Section, type StateOf } from "./render-section.ts";
import { countText, dayClockText, durationText } from "./render-time.ts";
import { troubleBlocks } from "./render-trouble.ts";
import type { EndReason, ReportView } from "./report.ts";

const REASONS: Readonly<Record<EndReason, string>> = {
  pull_closed: "pull request closed",
  pull_merged: "pull request merged",
  command_destroy: "`/db destroy`",
  expired: "its time ran out",
  repository_gone: "Offshoot has no access to the repository any more",
};

/** How to have a database again, or null where nobody can ask any more. Old data is never promised. */
const AGAIN: Readonly<Record<EndReason, string | null>> = {
  pull_closed: "**Reopen** the pull request, or comment `/db create` (write access), for a new database.",
  pull_merged: "Comment `/db create` (write access) for a new database.",
  command_destroy: "Comment `/db create` (write access) for a new database.",
  expired: "Push a commit, or comment `/db create` (write access), for a new database.",
  repository_gone: null,
};

/** The same while it is removed, kept or gone. */
export function endText(reason: EndReason): string {
  return `No database is wanted for this commit any more · reason: ${REASONS[reason]}. Offshoot's comment says what became of the data, and how to have a database again.`;
}

export function closedSection(view: ReportView, state: StateOf<"closed">): Section {
  const closed = state.reason === "pull_closed" || state.reason === "pull_merged";
  const title = closed ? "⚫ Closed · database is being removed" : "⚫ Database is being removed";
  const text = `Since ${dayClockText(state.at)} · reason: ${REASONS[state.reason]} · its data is not kept.`;
  const [first = "", ...again] = withAgain(text, state.reason);
  return { heading: headingOf(view, title), blocks: [first, ...troubleBlocks(state.trouble), ...again] };
}

/** The ends that a pull request can be brought back from by reopening it. */
const REOPENED: ReadonlySet<EndReason> = new Set(["pull_closed"]);
/** Sessions that were open when the policy was read back end within this (design.md, Access). */
const SESSIONS_END_MS = 60 * 60_000;

export function retiredSection(view: ReportView, state: StateOf<"retired">): Section {
  const { keptUntil, fencedAt, reason } = state;
  const title = REOPENED.has(reason) || reason === "pull_merged" ? "⚫ Closed" : "⚫ Ended";
  const access = fencedAt
    ? `New connections are refused since ${dayClockText(fencedAt)}; sessions that were open end by ${dayClockText(new Date(fencedAt.getTime() + SESSIONS_END_MS))} at the latest.`
    : "Access is being revoked.";
  const again = REOPENED.has(reason)
    ? "**Reopen** the pull request, or comment `/db create` (write access), and the same data is back."
    : "Comment `/db create` (write access), and the same data is back.";
  return {
    heading: headingOf(view, title, `data kept until ${dayClockText(keptUntil)}`),
    blocks: [`${access} ${again} \`/db destroy\` removes it now. Reason: ${REASONS[reason]}.`],
  };
}

export function destroyedSection(view: ReportView, state: StateOf<"destroyed">): Section {
  const at = dayClockText(state.at);
  const reason = `reason: ${REASONS[state.reason]}`;
  if (state.livedMs === null) {
    const blocks = withAgain(`None was created until ${at} · ${reason}.`, state.reason);
    return { heading: headingOf(view, "⚫ No database"), blocks };
  }
  const lived = `Lived ${durationText(state.livedMs)} · ${countText(state.statements, "migration statement")}`;
  const text = `AWS confirmed that the cluster is gone. ${lived} · ${reason}. Preview data is never copied anywhere.`;
  return {
    heading: headingOf(view, "⚫ Database destroyed", at),
    blocks: withAgain(text, state.reason),
  };
}

export function skippedSection(view: ReportView, state: StateOf<"skipped">): Section {
  switch (state.reason) {
    case "fork":
      return {
        heading: headingOf(view, "⚪ No database", "this pull request comes from a fork"),
        blocks: [
          "Its SQL was written by someone who may not write to this repository, so this version of Offshoot creates no databases for forks. Tests that need a database should report *skipped*, not passed.",
        ],
      };
    case "bot":
      return {
        heading: headingOf(view, "⚪ No database", "opened by a bot"),
        blocks: ["Bots get none by themselves. For one here: comment `/db create` (write access)."],
      };
    case "opened_before_installation":
      return {
        heading: headingOf(view, "⚪ No database", "opened before Offshoot was installed"),
        blocks: ["For one here: push a commit, or comment `/db create` (write access)."],
      };
  }
}

function withAgain(text: string, reason: EndReason): readonly string[] {
  const again = AGAIN[reason];
  return again === null ? [text] : [text, again];
}
