import { codeSpan, link } from "./markdown.ts";
import type { ReportState, ReportView } from "./report.ts";
import { outside } from "./text.ts";

/** How much is shown; the renderer goes down this list until the comment fits. The heading is always there. */
export interface Detail {
  readonly fileTable: boolean;
  readonly folds: boolean;
  /** The longest SQL or message. */
  readonly codeCharacters: number;
}

/** 4,000 characters are some 50 lines: a statement is recognized by less, and the file is a click away. */
export const DETAILS: readonly Detail[] = [
  { fileTable: true, folds: true, codeCharacters: 4_000 },
  { fileTable: false, folds: true, codeCharacters: 4_000 },
  { fileTable: false, folds: false, codeCharacters: 4_000 },
  { fileTable: false, folds: false, codeCharacters: 400 },
];

/** The text of one database: its first line must say alone what the reader needs. */
export interface Section {
  readonly heading: string;
  /** Markdown blocks, which a blank line separates. */
  readonly blocks: readonly string[];
}

/** The state of one phase. */
export type StateOf<Phase extends ReportState["phase"]> = Extract<ReportState, { readonly phase: Phase }>;

const SHORT_SHA = 7;

/** ### 🟡 Title · `shop` · more */
export function headingOf(view: ReportView, title: string, ...more: readonly string[]): string {
  return `### ${[title, codeSpan(view.database), ...more].join(" · ")}`;
}

/** The head commit, short. */
export function commitText(view: ReportView): string {
  return codeSpan(outside(view.headSha.slice(0, SHORT_SHA)));
}

/** The head commit, short, with a link to it within the pull request. */
export function commitLink(view: ReportView): string {
  const { webUrl, repository, number, headSha } = view;
  return link(commitText(view), `${webUrl}/${repository}/pull/${number}/commits/${headSha}`);
}

/** `migrations/0007_orders.sql:14`; line 0 stands for the whole file. */
export function placeText(file: string, line: number): string {
  return codeSpan(outside(line > 0 ? `${file}:${line}` : file));
}
