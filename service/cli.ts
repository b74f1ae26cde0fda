#!/usr/bin/env node
/** The command of operators, people and CI jobs: the commands are in cli/. What is asked most often loads nothing else. */
import module from "node:module";
import { VERSION } from "./cli/version.ts";

const [first] = process.argv.slice(2);
if (first === "--version" || first === "-v") {
  process.stdout.write(`${VERSION}\n`);
} else {
  // Node 22 and newer keep the compiled code for the next start.
  module.enableCompileCache?.();
  import("./cli/main.ts")
    .then(({ main }) => main(process.argv.slice(2), process))
    .then((code) => {
      // Set, not called: what was written to a pipe must still arrive.
      process.exitCode = code;
    });
}
