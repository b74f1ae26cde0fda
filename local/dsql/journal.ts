import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { replaceFile } from "../durable-file.ts";

export interface JournalOptions<Change> {
  path: string;
  /** Takes the first line, which is a snapshot of everything. Throws when it is not one of ours. */
  load(snapshot: unknown): void;
  /** Takes a later line. Applying it again must change nothing. */
  apply(change: Change): void;
  /** What the first line will be when the file is written anew. */
  snapshot(): unknown;
  /** What the file is, for the complaint about one that is not. */
  what: string;
}

/** A file of more lines than this is written anew with one, so that what a change costs does not grow with what is kept. */
const MAX_LINES = 4_000;

/**
 * Records in a file that is only appended to: a snapshot as its first line, and a line of JSON for every change since. A change is
 * with the operating system when `append` returns, so that a SIGKILL loses nothing that was acknowledged; what it cuts off in the
 * middle of a line was not. Throws when the file cannot be read as one of ours, and leaves it alone then.
 */
export function openJournal<Change>(options: JournalOptions<Change>): { append(change: Change): void } {
  const { path, load, apply, snapshot, what } = options;
  const lines = readLines(path);
  try {
    const [first, ...rest] = lines;
    if (first !== undefined) load(JSON.parse(first));
    for (const line of rest) apply(JSON.parse(line));
  } catch (cause) {
    throw new Error(`${path} is not ${what}: move it away to start empty`, { cause });
  }
  let file: number | undefined;
  let count = 0;
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  const rewrite = (): void => {
    close();
    replaceFile(path, `${JSON.stringify(snapshot())}\n`);
    file = openSync(path, "a", 0o600);
    count = 1;
  };
  return {
    append(change) {
      // The first change after a start also drops the half of a line that a SIGKILL may have left.
      if (file === undefined || count >= MAX_LINES) return rewrite();
      const line = Buffer.from(`${JSON.stringify(change)}\n`);
      let written = 0;
      try {
        written = writeSync(file, line);
        count += 1;
      } finally {
        // A full disk may have taken a part of the line; nothing may follow it.
        if (written < line.length) close();
      }
      if (file === undefined) rewrite();
    },
  };
}

/** The file's whole lines; the first one counts without its end, too, because it is never appended. */
function readLines(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
  const lines = text.split("\n");
  return lines.length === 1 ? lines : lines.slice(0, -1);
}
