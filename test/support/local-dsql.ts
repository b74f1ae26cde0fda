import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { LocalDsqlReady } from "../../local/dsql/main.ts";

export interface LocalDsqlOptions {
  directory: string;
  /** Further flags of local/dsql/main.ts, e.g. `{ quota: 3, "creating-ms": 200, "no-engines": true }`. */
  flags?: Readonly<Record<string, string | number | true>>;
}

export interface LocalDsql {
  ready: LocalDsqlReady;
  pid: number;
  /** Ends the process in order. Out: its exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL: what it started stays behind, for the next start to find. */
  kill(): Promise<void>;
}

const MAIN = fileURLToPath(new URL("../../local/dsql/main.ts", import.meta.url));

/** Starts the local DSQL as a process of its own. Throws with what it said when it does not get ready. */
export async function startLocalDsql({ directory, flags = {} }: LocalDsqlOptions): Promise<LocalDsql> {
  const given = Object.entries<string | number | true>({ directory, ...flags }).map(([name, value]) =>
    value === true ? `--${name}` : `--${name}=${value}`,
  );
  const child = spawn(process.execPath, [MAIN, ...given], { stdio: ["ignore", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-10_000);
  });
  const ended = once(child, "close");
  const line = await Promise.race([once(createInterface(child.stdout), "line"), ended.then(() => undefined)]);
  if (line === undefined) throw new Error(`The local DSQL did not start: ${complaint.trim()}`);
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    await ended;
    return child.exitCode;
  };
  return {
    ready: JSON.parse(String(line[0])) as LocalDsqlReady,
    pid: child.pid ?? 0,
    stop: () => end("SIGTERM"),
    kill: async () => {
      await end("SIGKILL");
    },
  };
}
