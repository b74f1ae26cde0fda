import { spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { join } from "node:path";

/** A script of this directory in a process of its own, that tells its parent by message when it is ready. */
export interface Part<Ready> {
  readonly pid: number;
  readonly ready: Ready;
  /** Sends a message and waits for the next one. Throws if the process ends instead. */
  ask<Answer>(message: object): Promise<Answer>;
  /** Ends it with SIGTERM and waits. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a script. Its output goes straight to the file: a parent that reads along would take time from what is
 * measured. `nodeArgs` come before the script, such as --cpu-prof.
 */
export async function startPart<Ready>(
  script: string,
  env: Readonly<Record<string, string>>,
  logFile: string,
  nodeArgs: readonly string[] = [],
): Promise<Part<Ready>> {
  const log = await open(logFile, "a");
  const child = spawn(process.execPath, [...nodeArgs, join(import.meta.dirname, script)], {
    env: { ...process.env, ...env },
    stdio: ["ignore", log.fd, log.fd, "ipc"],
  });
  await log.close();
  const ended = once(child, "exit");
  const failed = ended.then(([code, signal]) => {
    throw new Error(`${script} ended with ${signal ?? code}; its output is in ${logFile}`);
  });
  // Whoever waits for an answer hears of it; an end that nobody waits for is none of a failure.
  failed.catch(() => {});
  const answer = async <T>() => (await Promise.race([once(child, "message"), failed]))[0] as T;
  return {
    ready: await answer<Ready>(),
    pid: child.pid ?? 0,
    ask(message) {
      child.send(message);
      return answer();
    },
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
