import { spawn } from "node:child_process";
import { constants } from "node:os";
import { EXIT, Exit } from "./exit.ts";

/** As shells have it: a command that a signal ended, one that does not exist, one that may not be run. */
const SIGNAL_BASE = 128;
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const PASSED_ON = ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;
/** A terminal sends these to the whole group, so the child has them already. */
const OF_TERMINAL: readonly string[] = ["SIGINT", "SIGQUIT"];

/** Variables of libpq that say how a client shows things, not where it connects. */
const SHOWING = new Set(["PGAPPNAME", "PGCLIENTENCODING", "PGDATESTYLE", "PGTZ", "PGOPTIONS"]);

/** The environment of a command: `given` instead of every PG* variable that could lead it to another database. */
export function childEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  given: Readonly<Record<string, string>>,
): Record<string, string | undefined> {
  const kept = Object.entries(env).filter(([name]) => !/^PG[A-Z]+$/.test(name) || SHOWING.has(name));
  return { ...Object.fromEntries(kept), ...given };
}

/**
 * Runs a command in the place of ours: it has our terminal, our signals reach it, and its exit code is the answer.
 * What the services of Offshoot know stays out of its environment.
 */
export function runChild(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const { OFFSHOOT_KEY: _, ...shared } = env;
  const child = spawn(command, args, { stdio: "inherit", env: shared });
  const passing = PASSED_ON.map((signal) => {
    const pass = () => {
      if (!(OF_TERMINAL.includes(signal) && process.stdin.isTTY)) child.kill(signal);
    };
    process.on(signal, pass);
    return () => process.off(signal, pass);
  });
  return new Promise<number>((resolve, reject) => {
    child.once("error", (error) => {
      const code = Object(error).code;
      if (code === "ENOENT") reject(new Exit(NOT_FOUND, `There is no command ${command}.`));
      else if (code === "EACCES") reject(new Exit(NOT_EXECUTABLE, `${command} may not be run.`));
      else reject(new Exit(EXIT.failed, `${command}: ${error.message}`));
    });
    child.once("exit", (code, signal) => {
      resolve(code ?? SIGNAL_BASE + (signal ? (constants.signals[signal] ?? 0) : 0));
    });
  }).finally(() => {
    for (const stop of passing) stop();
  });
}
