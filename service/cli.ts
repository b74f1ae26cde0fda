#!/usr/bin/env node
/** The command of operators, people and CI jobs: the commands are in cli/. What is asked most often loads nothing else. */
import module from "node:module";
import { VERSION } from "./cli/version.ts";

// Node 22 and newer keep the compiled code for the next start.
module.enableCompileCache?.();

const [first] = process.argv.slice(2);
if (first === "--version" || first === "-v") {
  console.log(VERSION);
} else {
  const { main } = await import("./cli/main.ts");
  // Set, not called: what was written to a pipe must still arrive.
  process.exitCode = await main(process.argv.slice(2), process);
}
