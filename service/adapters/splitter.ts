import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { MIGRATION_FILE_BYTES, SPLIT_TIMEOUT_MS } from "../domain/limits.ts";
import type { MigrationFile } from "../domain/migration.ts";
import type { Splitter } from "../handlers/ports.ts";
import { problemAt, type SplitAnswer } from "./splitter-problem.ts";

/** The parse tree of the largest allowed file, as JSON and as objects, stays well below this. */
const SPLIT_MEMORY_MB = 512;

/** The parser is of use only while somebody pushes; without work for this long its process is ended. */
const IDLE_MS = 10_000;
/**
 * V8 would compile the parser's big functions anew to make them faster, and take 500 MB for a moment to do so; the first
 * compilation parses a file in a millisecond. So only function 0 may be compiled again. Measured on Node 24.21.
 */
const NO_RECOMPILATION = "--wasm-tier-up-filter=0";

/** In a bundle the worker is a bundle of its own, whose name scripts/build-functions.ts puts here. */
declare const SPLITTER_WORKER: string | undefined;
const WORKER = typeof SPLITTER_WORKER === "undefined" ? "./splitter-worker.ts" : SPLITTER_WORKER;

export interface SplitterOptions {
  readonly timeoutMs?: number;
  readonly memoryMb?: number;
  /** The worker's file, for tests. */
  readonly worker?: URL;
}

/**
 * The splitter: libpg-query in a process of its own with an empty environment, so that a hostile file can neither block
 * nor kill the service, nor find a secret there, and its memory is given back.
 * One worker process, started at the first use, serves one file at a time; it is replaced after a time-out or a crash, and ended
 * when there is nothing to split.
 * `split` never throws for a text: what cannot be split is a problem that names the file. `close` ends the worker.
 */
export function createSplitter(options: SplitterOptions = {}): Splitter & { close(): Promise<void> } {
  const limits = {
    timeoutMs: options.timeoutMs ?? SPLIT_TIMEOUT_MS,
    memoryMb: options.memoryMb ?? SPLIT_MEMORY_MB,
    worker: options.worker ?? new URL(WORKER, import.meta.url),
  };
  let worker: ChildProcess | null = null;
  // Each turn waits for the one before it.
  let last: Promise<unknown> = Promise.resolve();

  let idle: NodeJS.Timeout | undefined;
  const endIdle = () => {
    worker?.kill("SIGKILL");
    worker = null;
  };

  const splitOne = async (file: MigrationFile): Promise<SplitAnswer> => {
    const asked = worker?.connected ? worker : startWorker(limits.worker, limits.memoryMb);
    worker = asked;
    clearTimeout(idle);
    const answer = await ask(asked, file, limits.timeoutMs);
    idle = setTimeout(endIdle, IDLE_MS).unref();
    if (typeof answer !== "string") return answer;
    worker = null;
    await end(asked);
    return fileProblem(file, answer);
  };

  return {
    split(file) {
      if (Buffer.byteLength(file.text) > MIGRATION_FILE_BYTES) {
        return Promise.resolve(fileProblem(file, "file_too_large"));
      }
      const turn = last.then(() => splitOne(file));
      last = turn.catch(() => undefined);
      return turn;
    },
    async close() {
      await last;
      clearTimeout(idle);
      if (worker) await end(worker);
      worker = null;
    },
  };
}

type Failure = "split_timeout" | "split_crashed" | "file_too_large";

const MESSAGES: Readonly<Record<Failure, string>> = {
  split_timeout: "The file took too long to parse. Split it into smaller files.",
  split_crashed: "The file needs too much memory to parse. Split it into smaller files.",
  file_too_large: `The file is larger than ${MIGRATION_FILE_BYTES / 1024 / 1024} MiB. Split it into smaller files.`,
};

function fileProblem(file: MigrationFile, code: Failure): SplitAnswer {
  const source = { path: file.path, text: "" };
  return problemAt(source, { at: 0, sql: "", code, message: MESSAGES[code] });
}

function startWorker(url: URL, memoryMb: number): ChildProcess {
  const worker = fork(fileURLToPath(url), {
    execArgv: [`--max-old-space-size=${memoryMb}`, NO_RECOMPILATION],
    env: {},
    serialization: "advanced",
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  // A waiting worker must not keep a process alive that has nothing else to do; it ends with its channel.
  worker.unref();
  worker.channel?.unref();
  // Its end is noticed by whoever waits for an answer; without one there is nothing to do.
  worker.on("error", () => undefined);
  return worker;
}

/** Ends a worker and waits until it has gone. */
async function end(worker: ChildProcess): Promise<void> {
  if (worker.pid === undefined || worker.exitCode !== null || worker.signalCode !== null) return;
  const gone = once(worker, "exit");
  worker.ref();
  worker.kill("SIGKILL");
  await gone;
}

/** The worker's answer, or why there is none. */
function ask(worker: ChildProcess, file: MigrationFile, timeoutMs: number): Promise<SplitAnswer | Failure> {
  return new Promise((resolve) => {
    const crash = () => finish("split_crashed");
    const heard = (answer: unknown) => finish(answer as SplitAnswer);
    const finish = (answer: SplitAnswer | Failure) => {
      clearTimeout(timer);
      worker.off("message", heard).off("error", crash).off("exit", crash);
      resolve(answer);
    };
    const timer = setTimeout(finish, timeoutMs, "split_timeout");
    worker.on("message", heard).on("error", crash).on("exit", crash);
    worker.send({ ...file });
  });
}
