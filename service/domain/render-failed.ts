import { codeBlock, fold } from "./markdown.ts";
import type { MigrationProblem } from "./migration.ts";
import { connectBlocks } from "./render-connect.ts";
import { offerText } from "./render-notice.ts";
import {
  commitText,
  type Detail,
  headingOf,
  placeText,
  type Section,
  type StateOf,
} from "./render-section.ts";
import { countText } from "./render-time.ts";
import type { ReportView } from "./report.ts";
import { outside } from "./text.ts";

export function failedSection(view: ReportView, state: StateOf<"failed">, detail: Detail): Section {
  const { problem, appliedInFile, connection } = state;
  const sql = problem.sql === "" ? [] : [codeBlock("sql", outside(problem.sql), detail.codeCharacters)];
  const answer = problem.code === "" ? problem.message : `${problem.code}: ${problem.message}`;
  const message = codeBlock("text", outside(answer), detail.codeCharacters);
  const look =
    connection && detail.folds
      ? [fold("Look into the database as it is now", connectBlocks(connection).join("\n\n"))]
      : [];
  const heading = headingOf(view, "🔴 Migration failed", placeText(problem.file, problem.line));
  const blocks = [
    whereText(view, problem) + appliedText(problem, appliedInFile),
    [...sql, message].join("\n"),
    nextText(appliedInFile),
    ...look,
    offerText(["destroy", "help"]),
  ];
  return { heading, blocks };
}

function whereText(view: ReportView, { index, count }: MigrationProblem): string {
  const at = `at ${commitText(view)}`;
  if (index === 0) return `Found while reading it ${at}; nothing of this commit was sent to a database.`;
  return `Statement ${index} of ${count} of this file, ${at}.`;
}

function appliedText({ index, count }: MigrationProblem, applied: number): string {
  if (applied === 0) return index === 0 ? "" : " No statement of this file is applied.";
  if (applied !== index - 1) {
    return ` Applied from its text at an earlier commit: ${countText(applied, "statement")}.`;
  }
  const rest = index < count ? `${range(index, count)} are not` : `${index} is not`;
  const done = applied === 1 ? "Statement 1 is" : `Statements ${range(1, applied)} are`;
  return ` ${done} applied; ${rest}.`;
}

function nextText(applied: number): string {
  if (applied === 0) return "**Next:** push a fix.";
  const kept = applied === 1 ? "Statement 1 is" : `Statements ${range(1, applied)} are`;
  return `**Next:** push a fix. ${kept} kept if the text is unchanged, otherwise a fresh database is built.`;
}

/** 2 and 3, 2 to 5 */
function range(first: number, last: number): string {
  if (last - first === 1) return `${first} and ${last}`;
  return first === last ? `${first}` : `${first} to ${last}`;
}
