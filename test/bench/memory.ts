import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";

const KB = 1024;
const MB = 1024 * 1024;

/** The resident memory of a process in MB, or null where /proc does not tell. */
export async function residentMb(pid: number): Promise<number | null> {
  return kilobytes(`/proc/${pid}/status`, /^VmRSS:\s+(\d+) kB$/m);
}

/** The mean of what one Postgres below a directory holds with its helpers (PSS, MB), or null where /proc does not tell. */
export async function clusterMb(directory: string): Promise<number | null> {
  if (!existsSync("/proc/self/smaps_rollup")) return null;
  const all = await processes();
  const postmasters = all.filter((one) => one.command.includes(`${directory}/`));
  let sum = 0;
  for (const { pid } of postmasters) {
    const members = [pid, ...all.filter((one) => one.parent === pid).map((one) => one.pid)];
    for (const member of members) sum += await proportionalMb(member);
  }
  return postmasters.length === 0 ? null : sum / postmasters.length;
}

async function proportionalMb(pid: number): Promise<number> {
  return (await kilobytes(`/proc/${pid}/smaps_rollup`, /^Pss:\s+(\d+) kB$/m)) ?? 0;
}

async function kilobytes(file: string, pattern: RegExp): Promise<number | null> {
  const found = pattern.exec(await readFile(file, "utf8").catch(() => ""))?.[1];
  return found === undefined ? null : (Number(found) * KB) / MB;
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

async function processes(): Promise<readonly Process[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  return Promise.all(
    pids.map(async (pid) => ({
      pid,
      parent: Number(/^PPid:\s+(\d+)$/m.exec(await readText(`/proc/${pid}/status`))?.[1]),
      command: (await readText(`/proc/${pid}/cmdline`)).replaceAll("\0", " "),
    })),
  );
}

/** A process may end while it is read. */
function readText(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
