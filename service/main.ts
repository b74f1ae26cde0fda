#!/usr/bin/env node
/** The long-running process: config, compose, listen, work, graceful close. */
import { compose } from "./compose.ts";
import { ConfigProblems, readConfig, readSetupConfig } from "./config.ts";
import { Refused } from "./domain/errors.ts";
import type { Log } from "./handlers/ports.ts";
import { composeSetup, needsSetup, openSecretBook, withSecrets } from "./setup.ts";

/** After SIGTERM steps that run may end; a step that does not is left to its lease. */
const CLOSE_TIMEOUT_MS = 10_000;

try {
  await run();
} catch (error) {
  // What a person can mend is told in plain words; anything else keeps its stack.
  const plain = error instanceof ConfigProblems || error instanceof Refused;
  console.error(plain ? error.message : error);
  process.exitCode = 1;
}

/** What runs: the service, or before it the set-up that makes its GitHub App. */
interface Running {
  readonly log: Log;
  close(): Promise<void>;
}

async function run(): Promise<void> {
  let running: Running | null = null;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => (running ? close(running, signal) : process.exit(1)));
  }
  const setup = await startSetup();
  if (setup) {
    running = setup;
    if ((await setup.ended) === "closed") return;
    await setup.close();
    running = null;
  }
  const system = await compose(readConfig(await withSecrets(process.env)));
  await system.start();
  running = system;
}

/** Null if there is a GitHub App, or no place where set-up could keep one. */
async function startSetup() {
  const env = await withSecrets(process.env);
  const book = needsSetup(env) ? openSecretBook(env) : null;
  if (!book) return null;
  const setup = composeSetup(readSetupConfig(env), book);
  await setup.start();
  return setup;
}

function close({ log, close }: Running, signal: string): void {
  log.info({ signal }, "closing");
  setTimeout(() => process.exit(1), CLOSE_TIMEOUT_MS).unref();
  close().then(
    () => log.info({}, "closed"),
    (error: unknown) => log.error({ cause: String(error) }, "closing failed"),
  );
}
