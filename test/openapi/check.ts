import { readFileSync } from "node:fs";
import type { Description } from "./description.ts";
import { type Call, createChecker } from "./violations.ts";

/** How many different violations are printed; the rest is counted. */
const PRINTED_MAX = 50;

/** Prints every violation once, with how often it was seen. Out: the exit code. */
function check(descriptionFile: string, recordFile: string): number {
  const calls = readFileSync(recordFile, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Call);
  if (calls.length === 0) {
    console.error(`${recordFile} holds no request: nothing was checked.`);
    return 1;
  }
  const findViolations = createChecker(JSON.parse(readFileSync(descriptionFile, "utf8")) as Description);
  const seen = new Map<string, number>();
  for (const call of calls) {
    for (const violation of findViolations(call)) {
      const text = `${call.method} ${call.path} -> ${call.status}: ${violation}`.replace(/\/\d+/g, "/…");
      seen.set(text, (seen.get(text) ?? 0) + 1);
    }
  }
  for (const [text, times] of [...seen].slice(0, PRINTED_MAX)) console.error(`${text} (${times} times)`);
  console.log(
    `${calls.length} requests checked against GitHub's description, ${seen.size} kinds of violation.`,
  );
  return seen.size === 0 ? 0 : 1;
}

const [descriptionFile, recordFile] = process.argv.slice(2);
if (!descriptionFile || !recordFile) throw new Error("usage: check.ts <description> <record file>");
process.exitCode = check(descriptionFile, recordFile);
