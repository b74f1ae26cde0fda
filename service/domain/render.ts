import { COMMENT_CHARACTERS } from "./limits.ts";
import { closedSection, destroyedSection, retiredSection, skippedSection } from "./render-end.ts";
import { failedSection } from "./render-failed.ts";
import { noticeBlocks } from "./render-notice.ts";
import {
  creatingSection,
  migratingSection,
  queuedSection,
  restoringSection,
  unverifiedSection,
  verifyingSection,
} from "./render-progress.ts";
import { readySection } from "./render-ready.ts";
import { DETAILS, type Detail, type Section } from "./render-section.ts";
import { waitingSection } from "./render-waiting.ts";
import type { ReportView } from "./report.ts";
import { textDigest } from "./text-digest.ts";

/** A comment, and a digest that differs whenever it would read differently. */
export interface RenderedReport {
  readonly body: string;
  readonly digest: string;
}

const BLANK_LINE = "\n\n";
/** If not even the shortest texts fit: 50 headings of at most 1,000 characters each do. */
const HEADINGS_MAX = 50;

/**
 * The comment of one pull request with all its databases, in Markdown as GitHub reads it, of at most
 * COMMENT_CHARACTERS. What does not fit is left out in the order of DETAILS; the marker and the headings never are.
 * Pure: the same views give the same text. Throws without a view, since there is nothing to speak of.
 */
export function renderReport(views: readonly ReportView[]): RenderedReport {
  const marker = reportMarker(views);
  const room = COMMENT_CHARACTERS - marker.length - "d=0123456789abcdef -->\n".length;
  const text = fittingText(views, room);
  const digest = textDigest(text);
  return { body: `${marker}d=${digest} -->\n${text}`, digest };
}

/** How the first line of the comment begins whatever its state: by this it is found again. */
export function reportMarker(views: readonly ReportView[]): string {
  const [first] = views;
  if (!first) throw new Error("A report needs at least one database.");
  return `<!-- offshoot:v1 ${first.environmentId} `;
}

function fittingText(views: readonly ReportView[], room: number): string {
  const notice = views.find((view) => view.notice)?.notice;
  const end = notice ? noticeBlocks(notice) : [];
  for (const detail of DETAILS) {
    const blocks = views.flatMap((view) => {
      const section = sectionOf(view, detail);
      return [section.heading, ...section.blocks];
    });
    const text = [...blocks, ...end].join(BLANK_LINE);
    if (text.length <= room) return text;
  }
  return [...headings(views), ...end].join(BLANK_LINE);
}

function headings(views: readonly ReportView[]): readonly string[] {
  const [detail] = DETAILS.slice(-1);
  const shown = views
    .slice(0, HEADINGS_MAX)
    .flatMap((view) => (detail ? [sectionOf(view, detail).heading] : []));
  const rest = views.length - shown.length;
  return rest > 0 ? [...shown, `…and ${rest} more.`] : shown;
}

/** What is said of one database. */
export function sectionOf(view: ReportView, detail: Detail): Section {
  const { state } = view;
  switch (state.phase) {
    case "queued":
      return queuedSection(view, state);
    case "waiting":
      return waitingSection(view, state);
    case "creating":
      return creatingSection(view, state);
    case "migrating":
      return migratingSection(view, state);
    case "verifying":
      return verifyingSection(view, state);
    case "unverified":
      return unverifiedSection(view, state);
    case "ready":
      return readySection(view, state, detail);
    case "failed":
      return failedSection(view, state, detail);
    case "restoring":
      return restoringSection(view, state);
    case "retired":
      return retiredSection(view, state);
    case "closed":
      return closedSection(view, state);
    case "destroyed":
      return destroyedSection(view, state);
    case "skipped":
      return skippedSection(view, state);
  }
}
