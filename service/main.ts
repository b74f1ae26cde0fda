#!/usr/bin/env node
/** The long-running process: config, compose, listen, work, graceful close. */
import { compose } from "./compose.ts";
import { ConfigProblems, readConfig } from "./config.ts";
import { Refused } from "./domain/errors.ts";

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

async function run(): Promise<void> {
  const system = await compose(readConfig(process.env));
  const { log } = system;
  await system.start();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      log.info({ signal }, "closing");
      setTimeout(() => process.exit(1), CLOSE_TIMEOUT_MS).unref();
      system.close().then(
        () => log.info({}, "closed"),
        (error: unknown) => log.error({ cause: String(error) }, "closing failed"),
      );
    });
  }
}
