/** The entry of the Action (action.yml). */
import { run } from "./run.ts";
import { createRunner } from "./runner.ts";

const runner = createRunner(process.env, (line) => process.stdout.write(`${line}\n`));

run(runner).catch((error: unknown) => {
  runner.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
