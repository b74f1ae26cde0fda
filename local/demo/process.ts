import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The checkout's top folder. */
export const ROOT = join(import.meta.dirname, "..", "..");
/** Where scripts/connect finds the running demo. */
export const STATE_FILE = join(ROOT, ".offshoot", "demo.json");
/** A process that has not said that it is ready after this is called failed; a first start builds a template. */
const READY_TIMEOUT_MS = 60_000;
/** A process that has not ended this long after SIGTERM is killed. */
const STOP_TIMEOUT_MS = 15_000;

/** Tests bundle what they start often, and say here which file runs which script, as JSON: test/support/programs.ts. */
const PROGRAMS = JSON.parse(process.env["OFFSHOOT_PROGRAMS"] ?? "{}") as Readonly<Record<string, string>>;

/** The file that runs `script`, a TypeScript file relative to the checkout: its bundle if there is one. */
export function programFile(script: string): string {
  return PROGRAMS[script] ?? join(ROOT, script);
}

/** A child process of the demo with what it said when it was ready. */
export interface Running<Ready> {
  readonly pid: number;
  readonly ready: Ready;
  /** Ends it with SIGTERM and waits. Idempotent. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL, as a crash would, and waits. */
  kill(): Promise<void>;
  /** Settles when it has ended, whatever ended it. */
  readonly ended: Promise<void>;
}

export interface Launch {
  /** The script, relative to the checkout, and its arguments. */
  readonly script: string;
  readonly args?: readonly string[];
  /** Arguments of Node itself, before the script. */
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where its output goes. */
  readonly logFile: string;
}

/**
 * Starts a TypeScript file in a process of its own and waits for one line of JSON on its standard output for which
 * `isReady` gives a value. Throws, with the place of the log, if it ends or stays silent.
 */
export async function launch<Ready>(
  what: Launch,
  isReady: (line: Record<string, unknown>) => Ready | null,
): Promise<Running<Ready>> {
  const child = spawn(
    process.execPath,
    [...(what.nodeArgs ?? []), programFile(what.script), ...(what.args ?? [])],
    {
      cwd: ROOT,
      env: { ...inherited(), ...what.env },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const log = createWriteStream(what.logFile, { flags: "a" });
  child.stderr.pipe(log, { end: false });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const ready = await new Promise<Ready>((resolve, reject) => {
    const fail = (why: string) =>
      reject(new Error(`${what.script} ${why}; its output is in ${what.logFile}`));
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      fail(`was not ready after ${READY_TIMEOUT_MS / 1000} s`);
    }, READY_TIMEOUT_MS);
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      fail(`ended with ${signal ?? code} before it was ready`);
    });
    createInterface({ input: child.stdout }).on("line", (line) => {
      log.write(`${line}\n`);
      const value = isReady(parse(line));
      if (value === null) return;
      clearTimeout(timer);
      resolve(value);
    });
  });
  return { pid: child.pid ?? 0, ready, ended, ...endings(child, ended) };
}

function endings(child: ChildProcess, ended: Promise<void>) {
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  };
  return { stop: () => end("SIGTERM"), kill: () => end("SIGKILL") };
}

/** Runs a script to its end; throws with its output if it fails. */
export async function runToEnd(what: Launch): Promise<string> {
  const child = spawn(process.execPath, [programFile(what.script), ...(what.args ?? [])], {
    cwd: ROOT,
    env: { ...inherited(), ...what.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += String(data)));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (code !== 0)
    throw new Error(`${what.script} ${(what.args ?? []).join(" ")} ended with ${code}:\n${output}`);
  return output;
}

/** A loopback port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (!address || typeof address === "string") throw new Error("The system gave no port.");
  return address.port;
}

/** The environment without what would lead a child to somebody's real AWS account or another Offshoot. */
function inherited(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => !/^(AWS_|OFFSHOOT_|PG)/.test(name));
  return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

function parse(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
