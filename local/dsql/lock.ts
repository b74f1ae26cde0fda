import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Two starters may both find the same dead holder; one more look settles it. */
const ATTEMPTS = 3;

/**
 * Makes this process the only one of its directory. Out: a function that gives the directory back. A holder that was killed is
 * recognised by its process id and start time together, because ids are used again. Throws when another process holds it.
 */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, "process");
  const mine = `${process.pid} ${startOf(process.pid) ?? ""}\n`;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      writeFileSync(path, mine, { flag: "wx", mode: 0o600 });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    const [pid = 0, start] = /^(\d+) (.+)\n$/.exec(readText(path))?.slice(1) ?? [];
    if (start !== undefined && startOf(Number(pid)) === start) {
      throw new Error(
        `${directory} is in use by the process ${pid}: stop that one first, or choose another directory`,
      );
    }
    rmSync(path, { force: true });
  }
  throw new Error(`${directory} is being taken by another process`);
}

/** When a process started, as a text to compare; nothing if it does not run. */
function startOf(pid: number): string | undefined {
  if (process.platform === "linux") {
    // proc(5): the name in parentheses may contain spaces; after it come the state and, as field 22, the start time.
    const fields = readText(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
    return fields[0] === "Z" ? undefined : fields[19];
  }
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || undefined;
  } catch {
    return undefined;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
