import { Worker } from "node:worker_threads";
import { MIGRATION_FILE_BYTES, SPLIT_TIMEOUT_MS } from "../domain/limits.ts";
import type { MigrationFile } from "../domain/migration.ts";
import type { Splitter } from "../handlers/ports.ts";
import { problemAt, type SplitAnswer } from "./splitter-problem.ts";

/** The parse tree of the largest allowed file, as JSON and as objects, stays well below this. */
const SPLIT_MEMORY_MB = 512;

/** A worker and its parser hold 40 MB; without work for this long it is ended, and the next file waits 0.3 s for another. */
const IDLE_MS = 10_000;

export interface SplitterOptions {
  readonly timeoutMs?: number;
  readonly memoryMb?: number;
  /** The worker's file; the bundle for Lambda gives its own. */
  readonly worker?: URL;
}

/**
 * The splitter: libpg-query in a worker thread, so that a hostile file can neither block nor kill the process.
 * One worker, started at the first use, serves one file at a time; it is replaced after a time-out or a crash, and ended
 * when there is nothing to split.
 * `split` never throws for a text: what cannot be split is a problem that names the file. `close` ends the worker.
 */
export function createSplitter(options: SplitterOptions = {}): Splitter & { close(): Promise<void> } {
  const limits = {
    timeoutMs: options.timeoutMs ?? SPLIT_TIMEOUT_MS,
    memoryMb: options.memoryMb ?? SPLIT_MEMORY_MB,
    worker: options.worker ?? new URL("./splitter-worker.ts", import.meta.url),
  };
  let worker: Worker | null = null;
  // Each turn waits for the one before it.
  let last: Promise<unknown> = Promise.resolve();

  let idle: NodeJS.Timeout | undefined;
  const endIdle = () => {
    void worker?.terminate();
    worker = null;
  };

  const splitOne = async (file: MigrationFile): Promise<SplitAnswer> => {
    // A worker that has ended by itself has lost its thread id.
    const asked = worker && worker.threadId > 0 ? worker : startWorker(limits.worker, limits.memoryMb);
    worker = asked;
    clearTimeout(idle);
    const answer = await ask(asked, file, limits.timeoutMs);
    idle = setTimeout(endIdle, IDLE_MS).unref();
    if (typeof answer !== "string") return answer;
    worker = null;
    await asked.terminate();
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
      await worker?.terminate();
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

function startWorker(url: URL, memoryMb: number): Worker {
  const worker = new Worker(url, { resourceLimits: { maxOldGenerationSizeMb: memoryMb } });
  // A waiting worker must not keep a process alive that has nothing else to do.
  worker.unref();
  // Its end is noticed by whoever waits for an answer; without one there is nothing to do.
  worker.on("error", () => undefined);
  return worker;
}

/** The worker's answer, or why there is none. */
function ask(worker: Worker, file: MigrationFile, timeoutMs: number): Promise<SplitAnswer | Failure> {
  return new Promise((resolve) => {
    const crash = () => finish("split_crashed");
    const finish = (answer: SplitAnswer | Failure) => {
      clearTimeout(timer);
      worker.off("message", finish).off("error", crash).off("exit", crash);
      resolve(answer);
    };
    const timer = setTimeout(finish, timeoutMs, "split_timeout");
    worker.on("message", finish).on("error", crash).on("exit", crash);
    worker.postMessage(file);
  });
}
