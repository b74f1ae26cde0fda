import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Account } from "./account.ts";
import type { Binaries } from "./binaries.ts";

export interface LaunchOptions {
  binaries: Binaries;
  account: Account | undefined;
  /** A data directory that belongs to the account. */
  data: string;
  /** A private directory of the account, short enough for a socket's path (107 bytes). */
  socketDirectory: string;
  /** Postgres settings on top of the template's. */
  settings: Readonly<Record<string, string>>;
  /** Also listens on a loopback TCP port that the system picks. */
  listen?: boolean;
}

export interface Postmaster {
  port: number;
  pid: number;
  /** Settles when the process has ended, however it ended. */
  ended: Promise<void>;
  /** Ends all sessions and the process. Idempotent. */
  stop(): Promise<void>;
}

/** With the socket in a directory of its own, its number never collides. */
const SOCKET_PORT = 5432;

/** Starting takes 15 ms; recovery after a SIGKILL of a large cluster may take seconds. */
const READY_TIMEOUT_MS = 30_000;

/** Between finding a free TCP port and Postgres taking it, another process may have it. */
const PORT_ATTEMPTS = 5;

/** A fast shutdown takes milliseconds; one that hangs is cut, and the next start recovers. */
const STOP_TIMEOUT_MS = 5_000;

const LOG_TAIL_CHARACTERS = 4_096;

/** Starts Postgres on a data directory and waits until it answers. Throws with the end of its log when it does not. */
export async function launch(options: LaunchOptions): Promise<Postmaster> {
  for (let attempt = 1; ; attempt++) {
    const port = options.listen ? await freePort() : SOCKET_PORT;
    try {
      return await launchOn(port, options);
    } catch (error) {
      const taken = error instanceof Error && error.message.includes("could not bind");
      if (!options.listen || !taken || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/**
 * Stops the postmaster of a data directory that a killed process of ours left running. Idempotent.
 * `postmaster.pid` may name a process that has nothing to do with us any more, so its working directory is compared where
 * the system shows it.
 */
export async function stopOrphan(data: string): Promise<void> {
  const pid = await postmasterPid(data);
  if (pid === undefined || !alive(pid)) return;
  if (!(await worksIn(pid, data))) return;
  signal(pid, "SIGINT");
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (alive(pid) && Date.now() < deadline) await delay(5);
  if (alive(pid)) signal(pid, "SIGKILL");
  while (alive(pid)) await delay(5);
  await rm(join(data, "postmaster.pid"), { force: true });
}

async function launchOn(port: number, options: LaunchOptions): Promise<Postmaster> {
  const settings = {
    port: String(port),
    unix_socket_directories: options.socketDirectory,
    listen_addresses: options.listen ? "127.0.0.1" : "",
    ...options.settings,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = spawn(options.binaries.postgres, ["-D", options.data, ...args], {
    ...options.account,
    cwd: "/",
    // A group of its own: Ctrl-C in a terminal must reach only us, who then stop things in order.
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", () => resolve());
  });
  await ready(child.stderr, ended);
  const pid = child.pid ?? 0;
  const stop = async (): Promise<void> => {
    const hurry = setTimeout(() => child.kill("SIGQUIT"), STOP_TIMEOUT_MS);
    child.kill("SIGINT");
    await ended;
    clearTimeout(hurry);
  };
  return { port, pid, ended, stop };
}

async function ready(log: NodeJS.ReadableStream, ended: Promise<void>): Promise<void> {
  let tail = "";
  let timer: NodeJS.Timeout | undefined;
  log.setEncoding("utf8");
  const answers = new Promise<boolean>((resolve) => {
    log.on("data", (text: string) => {
      tail = (tail + text).slice(-LOG_TAIL_CHARACTERS);
      if (tail.includes("database system is ready to accept connections")) resolve(true);
    });
    timer = setTimeout(() => resolve(false), READY_TIMEOUT_MS);
  });
  const started = await Promise.race([answers, ended.then(() => false)]);
  clearTimeout(timer);
  if (!started) throw new Error(`Postgres did not start: ${tail.trim()}`);
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("The system gave no TCP port");
  return address.port;
}

async function postmasterPid(data: string): Promise<number | undefined> {
  const text = await readFile(join(data, "postmaster.pid"), "utf8").catch(() => "");
  const pid = Number.parseInt(text, 10);
  return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
}

/** A postmaster names its data directory in its arguments. Without /proc the lock file has to be believed. */
async function worksIn(pid: number, data: string): Promise<boolean> {
  if (process.platform !== "linux") return true;
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return command.split("\0").includes(data);
}

function alive(pid: number): boolean {
  return signal(pid, 0);
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
