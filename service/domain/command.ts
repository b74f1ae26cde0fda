import { type OutsideText, outside } from "./text.ts";

/**
 * The commands of this version; the parser, the help and every offer in a report read this table, so they cannot
 * disagree. `who` is the access to the repository that is asked for live.
 */
export const COMMANDS = [
  {
    verb: "create",
    who: "write",
    does: "creates the database, or gives a present one its full time again",
  },
  {
    verb: "destroy",
    who: "write",
    does: "removes the database with its data, or leaves the queue for a slot",
  },
  { verb: "status", who: "read", does: "brings this comment up to date" },
  { verb: "help", who: "read", does: "shows this list" },
] as const;

export type CommandVerb = (typeof COMMANDS)[number]["verb"];
export type CommandAccess = (typeof COMMANDS)[number]["who"];

export const COMMAND_VERBS: readonly CommandVerb[] = COMMANDS.map((command) => command.verb);

/** What a comment says to us. `none`: nothing, so nobody answers. */
export type ParsedComment =
  | { readonly kind: "none" }
  | { readonly kind: "command"; readonly verb: CommandVerb }
  | { readonly kind: "bad_arguments"; readonly verb: CommandVerb }
  /** A `/db` line whose word is none of ours. */
  | { readonly kind: "unknown"; readonly text: OutsideText };

/** GitHub refuses longer comments, so a longer text is not one. */
export const COMMAND_BODY_CHARACTERS = 65_536;
/** What is kept of a word that is no verb: enough to recognize a slip of the finger. */
const UNKNOWN_CHARACTERS = 40;

const COMMAND_LINE = /^(`?)\/db(?:[ \t]+([^`]*?))?[ \t]*\1[ \t]*$/i;
const QUOTE = /^ {0,3}>/;
const FENCE_OPENING = /^( {0,3}(?:(?:[-*+]|\d{1,9}[.)]) {1,4})?)(`{3,}(?=[^`]*$)|~{3,})/;
/** HTML whose inside GitHub does not show, or shows as it is. */
const HIDING = [
  { opening: /<!--/, closing: "-->" },
  { opening: /<pre(?:[\s>]|$)/i, closing: "</pre>" },
];
const HTML_LINE = /^ {0,3}<\/?[a-z][a-z0-9-]*(?:[\s/>]|$)/i;

/** A stretch of lines that holds no command: how it ends, and what makes its end uncertain. */
interface Skipped {
  readonly ends: (line: string) => boolean;
  readonly uncertain: (line: string) => boolean;
}

/**
 * Reads the command of a comment: the first line that starts, in its first column, with `/db`. Case and a pair of
 * backticks around the line do not matter; a bare `/db` is help. Quotes (with the lines that follow without a blank one, as
 * GitHub shows them), fenced and indented code, HTML comments and HTML blocks are skipped. Later commands of the same comment are not read: write one comment for each. In doubt, such as after a
 * fence that is never closed, a line is taken for code, since an unwanted command is worse than a missing one.
 * Total: never throws.
 */
export function parseCommand(body: string): ParsedComment {
  if (body.length > COMMAND_BODY_CHARACTERS) return { kind: "none" };
  let skipped: Skipped | null = null;
  let quoted = false;
  for (const line of body.split(/\r\n|\r|\n/)) {
    if (skipped) {
      if (skipped.uncertain(line)) return { kind: "none" };
      if (skipped.ends(line)) skipped = null;
      continue;
    }
    skipped = readFence(line) ?? readHtml(line);
    quoted = QUOTE.test(line) || (quoted && line.trim() !== "");
    const match = skipped || quoted ? null : COMMAND_LINE.exec(line);
    if (match) return readWords(match[2] ?? "");
  }
  return { kind: "none" };
}

/**
 * The fence that this line opens, or null. GitHub closes a fence by a line that is indented by at most 3 more than the
 * list item around it; an indented fence also ends with its list item, which is not followed here.
 */
function readFence(line: string): Skipped | null {
  const [, before, fence] = FENCE_OPENING.exec(line) ?? [];
  if (before === undefined || fence === undefined) return null;
  const indent = before.length;
  const most = before.trim() === "" ? 3 : indent + 3;
  const closing = new RegExp(`^ {${indent},${most}}${fence.charAt(0)}{${fence.length},}[ \t]*$`);
  return {
    ends: (later) => closing.test(later),
    uncertain: (later) => later.trim() !== "" && !later.startsWith(before.replace(/./g, " ")),
  };
}

/** The same for HTML: a comment or <pre>, whose end is certain only if it starts in the first column, or a block of tags. */
function readHtml(line: string): Skipped | null {
  for (const { opening, closing } of HIDING) {
    const begin = line.search(opening);
    const ends = (later: string) => later.toLowerCase().includes(closing);
    if (begin >= 0 && !ends(line.slice(begin))) return { ends, uncertain: () => begin > 0 };
  }
  if (!HTML_LINE.test(line)) return null;
  return {
    ends: (later) => later.trim() === "",
    uncertain: (later) => FENCE_OPENING.test(later) || HIDING.some(({ opening }) => opening.test(later)),
  };
}

function readWords(text: string): ParsedComment {
  const [word = "help", ...rest] = text.split(/[ \t]+/).filter((one) => one !== "");
  const verb = COMMAND_VERBS.find((one) => one === word.toLowerCase());
  if (!verb) return { kind: "unknown", text: outside(word.slice(0, UNKNOWN_CHARACTERS)) };
  return rest.length > 0 ? { kind: "bad_arguments", verb } : { kind: "command", verb };
}
