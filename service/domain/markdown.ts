import type { OutsideText } from "./text.ts";

/**
 * The only place where text from outside becomes Markdown: always as code, in which GitHub makes no mention, reference,
 * link, image or HTML active. Never put the result into an HTML block, such as a <summary>: there it would not be code.
 */

/** Names and paths: longer ones are cut where a line would no longer be read. */
export const SPAN_CHARACTERS = 200;
const NO_TEXT = "(no text)";
const CUT = "…";

/**
 * What is left of a text from outside: no control characters but line feed and tab, nothing invisible that reorders or
 * hides characters (bidi overrides, zero-width), no half surrogates. Idempotent.
 */
export function cleanText(text: OutsideText): string {
  return text.outside
    .toWellFormed()
    .replace(/\r\n?|[\u2028\u2029]/g, "\n")
    .replace(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, "");
}

/** One line of a cleaned text, cut visibly at `characters`. */
export function cleanLine(text: OutsideText, characters: number): string {
  return cut(cleanText(text).replace(/\s+/g, " ").trim(), characters, CUT);
}

/** An inline code span. */
export function codeSpan(text: OutsideText, characters: number = SPAN_CHARACTERS): string {
  return span(cleanLine(text, characters));
}

/**
 * A code span within a table. A pipe ends the cell even there, and parsers disagree on a backslash before it, so it is
 * shown as a broken bar.
 */
export function codeCell(text: OutsideText): string {
  return span(cleanLine(text, SPAN_CHARACTERS).replaceAll("|", "¦"));
}

/** A fenced block, cut visibly at `characters`. `language` is our own word. */
export function codeBlock(language: string, text: OutsideText, characters: number): string {
  const clean = cleanText(text)
    .replace(/^\s*\n/, "")
    .trimEnd();
  return fenced(language, cut(clean, characters, `\n${CUT} (cut after ${characters} characters)`));
}

/** A fenced block of text of our own, such as a command to paste. Never cut: half a command would be another one. */
export function fenced(language: string, text: string): string {
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}

/** A link of our own, with a name of the repository's in its address. */
export function link(label: string, address: string): string {
  const escaped = encodeURI(address.toWellFormed()).replaceAll("(", "%28").replaceAll(")", "%29");
  return `[${label}](${escaped})`;
}

/** A folded section. `summary` is our own plain text: GitHub reads it as HTML, not as Markdown. */
export function fold(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n</details>`;
}

function span(line: string): string {
  if (line === "") return NO_TEXT;
  const fence = "`".repeat(longestRun(line) + 1);
  const pad = line.startsWith("`") || line.endsWith("`") ? " " : "";
  return `${fence}${pad}${line}${pad}${fence}`;
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0);
}

function cut(text: string, characters: number, mark: string): string {
  if (text.length <= characters) return text;
  return text.slice(0, characters).toWellFormed() + mark;
}
