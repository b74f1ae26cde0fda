import { appendFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import type { Heard } from "./principals.ts";

type Tags = Readonly<Record<string, string>>;

/** What was asked, once for each role, action, resource and its tags at that time. */
export interface Call {
  /** The name of the caller's role. */
  role: string;
  action: string;
  resource: string;
  tags?: Tags;
}

/** More different calls than a test makes; a file without a bound could fill a disk. */
const MAX_CALLS = 100_000;

/**
 * Writes every different call that policies decide about into a file, a line of JSON each, so that a test can hold it against
 * what roles are allowed. In: the file, which is emptied, and the tags of a resource.
 */
export function recordCalls(file: string, tagsOf: (resource: string) => Tags | undefined): Heard {
  writeFileSync(file, "");
  const seen = new Set<string>();
  return ({ principalArn }, action, resource) => {
    const tags = tagsOf(resource);
    const call: Call = { role: basename(principalArn), action, resource, ...(tags && { tags }) };
    const line = JSON.stringify(call);
    if (seen.has(line) || seen.size >= MAX_CALLS) return;
    seen.add(line);
    appendFileSync(file, `${line}\n`);
  };
}
