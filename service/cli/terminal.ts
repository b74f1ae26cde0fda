import type { Readable, Writable } from "node:stream";
import util from "node:util";
import { cleanLine } from "../domain/markdown.ts";
import { outside } from "../domain/text.ts";

/** What a command sees of the process it runs in; a test gives its own. */
export interface Io {
  readonly stdin: Readable & { isTTY?: boolean };
  readonly stdout: Writable & { isTTY?: boolean; columns?: number };
  readonly stderr: Writable & { isTTY?: boolean; columns?: number };
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A text that comes from outside is shown up to this length. */
const LINE_CHARACTERS = 1_000;
const COLUMNS = 100;
const GAP = "  ";
/** A column is not made narrower than this for the sake of the others. */
const COLUMN_LEAST = 8;
/** Characters that take two places, as far as names have them: CJK, Hangul, full-width forms, emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u;

/** Text of others without what could command the terminal, as one line. */
export function shown(text: string, characters: number = LINE_CHARACTERS): string {
  return cleanLine(outside(text), characters);
}

export function say(io: Io, text: string): void {
  io.stdout.write(`${text}\n`);
}

/** For people, beside the output that a program may read. */
export function note(io: Io, text: string): void {
  io.stderr.write(`${text}\n`);
}

/** JSON leaves some characters as they are that could command a terminal; as escapes they mean the same. */
export function sayJson(io: Io, value: unknown): void {
  const text = JSON.stringify(value, null, 2);
  say(
    io,
    text.replace(/(?!\n)[\p{Cc}\p{Cf}]/gu, (character) => character.split("").map(escaped).join("")),
  );
}

/** Coloured on a terminal only; NO_COLOR is obeyed. */
export function styled(io: Io, style: "bold" | "dim" | "red" | "green" | "yellow", text: string): string {
  const wanted = io.stdout.isTTY === true && !io.env["NO_COLOR"] && io.env["TERM"] !== "dumb";
  // Node 20 has it since 20.12.
  return wanted && typeof util.styleText === "function" ? util.styleText(style, text) : text;
}

/** Aligned columns, cleaned; on a terminal the widest is cut until a row fits. */
export function table(io: Io, names: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((text) => shown(text)));
  const widths = names.map((name, i) =>
    Math.max(widthOf(name), ...cells.map((row) => widthOf(row[i] ?? ""))),
  );
  if (io.stdout.isTTY) narrow(widths, (io.stdout.columns ?? COLUMNS) - GAP.length * (names.length - 1));
  const line = (row: readonly string[]) =>
    row
      .map((text, i) => padded(text, widths[i] ?? 0))
      .join(GAP)
      .trimEnd();
  return [styled(io, "bold", line(names)), ...cells.map(line)].join("\n");
}

/** Names and values, one line each; what is null is left out. */
export function facts(io: Io, pairs: readonly (readonly [string, string | null])[]): string {
  const told = pairs.filter((pair): pair is [string, string] => pair[1] !== null);
  const width = Math.max(...told.map(([name]) => name.length));
  return told
    .map(([name, value]) => `${styled(io, "dim", name.padEnd(width))}${GAP}${shown(value)}`)
    .join("\n");
}

/** A time for people: UTC, to the second; as long for every row. */
export function time(iso: string | Date | null): string {
  return iso === null ? "" : new Date(iso).toISOString().replace("T", " ").slice(0, 19);
}

/** One line that changes in place, on a terminal only. `end` removes it. */
export function progress(io: Io): { show(text: string): void; end(): void } {
  if (!io.stderr.isTTY) return { show: () => undefined, end: () => undefined };
  const began = Date.now();
  let text = "";
  const draw = () => {
    const seconds = Math.floor((Date.now() - began) / 1000);
    const line = `${text} ${seconds > 0 ? `(${seconds} s)` : ""}`;
    io.stderr.write(`\r\u001b[K${line.slice(0, (io.stderr.columns ?? COLUMNS) - 1)}`);
  };
  const timer = setInterval(draw, 1_000);
  timer.unref();
  return {
    show(now) {
      text = shown(now);
      draw();
    },
    end() {
      clearInterval(timer);
      if (text !== "") io.stderr.write("\r\u001b[K");
    },
  };
}

/** Places that a text takes on a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += /\p{M}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function padded(text: string, width: number): string {
  let cut = text;
  while (widthOf(cut) > width) cut = `${[...cut].slice(0, cut.endsWith("…") ? -2 : -1).join("")}…`;
  return cut + " ".repeat(Math.max(0, width - widthOf(cut)));
}

function narrow(widths: number[], columns: number): void {
  for (let over = widths.reduce((sum, width) => sum + width, 0) - columns; over > 0; ) {
    const widest = widths.indexOf(Math.max(...widths));
    const width = widths[widest] ?? 0;
    if (width <= COLUMN_LEAST) return;
    const next = Math.max(
      COLUMN_LEAST,
      width - over,
      Math.max(0, ...widths.filter((_, i) => i !== widest)) - 1,
    );
    const cut = Math.max(1, width - next);
    widths[widest] = width - cut;
    over -= cut;
  }
}
