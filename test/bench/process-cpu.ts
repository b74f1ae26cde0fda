import { readFileSync } from "node:fs";

/** Linux tells times to programs in hundredths of a second on every architecture (USER_HZ). */
const MS_PER_TICK = 10;
/** Of what follows the name in /proc/<pid>/stat: user and system time of the process, and of its children that ended. */
const FIRST = 11;
const LAST = 15;

/** The processor time of a process since it started, in ms. Throws if it has ended, or where there is no /proc. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z") throw new Error(`Process ${pid} has ended.`);
  return fields.slice(FIRST, LAST).reduce((sum, ticks) => sum + Number(ticks) * MS_PER_TICK, 0);
}
