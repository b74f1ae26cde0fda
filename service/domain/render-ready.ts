import { codeCell, codeSpan, fold } from "./markdown.ts";
import { connectBlocks, otherWays } from "./render-connect.ts";
import { offerText } from "./render-notice.ts";
import { commitLink, type Detail, headingOf, type Section, type StateOf } from "./render-section.ts";
import { clockText, countText, dayClockText, durationText } from "./render-time.ts";
import { troubleBlocks } from "./render-trouble.ts";
import type { ReadyTimings, ReportView } from "./report.ts";
import { outside } from "./text.ts";

export function readySection(view: ReportView, state: StateOf<"ready">, detail: Detail): Section {
  const facts = [
    `At ${commitLink(view)}`,
    `into ${codeSpan(state.baseRef)}`,
    countText(state.migrationFiles, "migration file"),
    `our query answered at ${clockText(state.verifiedAt)}`,
    `removed on ${dayClockText(state.until)} unless a push or \`/db create\` extends it`,
  ];
  const other = otherWays(state.connection);
  const blocks = [
    facts.join(" · "),
    ...troubleBlocks(state.trouble),
    ...connectBlocks(state.connection),
    ...(detail.folds ? [fold(other.summary, other.body)] : []),
    timingsBlock(state.timings, detail),
    offerText(["destroy", "help"]),
  ];
  return { heading: headingOf(view, "🟢 Database ready"), blocks };
}

function timingsBlock(timings: ReadyTimings, detail: Detail): string {
  const statements = timings.files.reduce((sum, file) => sum + file.statements, 0);
  const parts = [
    // A database that was there before this commit was not created for it.
    ...(timings.createMs > 0 ? [`created ${durationText(timings.createMs)}`] : []),
    `${countText(statements, "statement")} ${durationText(timings.migrateMs)}`,
    `checked ${durationText(timings.verifyMs)}`,
  ];
  const summary = `${durationText(timings.totalMs)}: ${parts.join(", ")}`;
  if (!detail.fileTable || timings.files.length === 0) return summary;
  const rows = timings.files.map(
    ({ file, statements: count, ms }) => `| ${codeCell(outside(file))} | ${count} | ${durationText(ms)} |`,
  );
  return fold(summary, ["| file | statements | time |", "|---|---|---|", ...rows].join("\n"));
}
