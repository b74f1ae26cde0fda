import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { programFile } from "../../local/demo/process.ts";

/** Flags of a local process' main.ts, e.g. `{ quota: 3, "creating-ms": 200, "no-engines": true }`. */
export type Flags = Readonly<Record<string, string | number | true>>;

/** A local process of ours, the local DSQL for one. */
export interface Local<Ready> {
  ready: Ready;
  pid: number;
  /** Ends the process in order. Out: its exit code. */
  stop(): Promise<number | null>;
  /** Kills the process, as a crash would. */
  kill(): Promise<void>;
}

/** Starts `local/<part>/main.ts` as a process of its own. Throws with what it said when it does not get ready. */
export async function startLocal<Ready>(part: string, flags: Flags): Promise<Local<Ready>> {
  const given = Object.entries(flags).map(([name, value]) =>
    value === true ? `--${name}` : `--${name}=${value}`,
  );
  const child = spawn(process.execPath, [programFile(`local/${part}/main.ts`), ...given], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-10_000);
  });
  const ended = once(child, "close");
  const line = await Promise.race([once(createInterface(child.stdout), "line"), ended.then(() => undefined)]);
  if (line === undefined) throw new Error(`The local ${part} did not start: ${complaint.trim()}`);
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    await ended;
    return child.exitCode;
  };
  return {
    ready: JSON.parse(String(line[0])) as Ready,
    pid: child.pid ?? 0,
    stop: () => end("SIGTERM"),
    kill: async () => {
      await end("SIGKILL");
    },
  };
}
