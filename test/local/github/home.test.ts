import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { countStart, keptKey, writeKey } from "../../../local/github/home.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "offshoot-home-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it("counts starts", () => {
  expect([countStart(directory), countStart(directory), countStart(directory)]).toEqual([0, 1, 2]);
});

it.each(["", "-1", "many"])("does not begin to count again when it finds %j", (text) => {
  writeFileSync(join(directory, "starts"), text);
  expect(() => countStart(directory)).toThrow("is not a number of starts");
});

it("writes beside the file and then in its place, so that a crash leaves the old or the new", () => {
  countStart(directory);
  const path = join(directory, "starts");
  const before = openSync(path, "r");
  // What a crash left half-written is in nobody's way.
  writeFileSync(`${path}.new`, "");
  countStart(directory);
  expect([readFileSync(before, "utf8"), readFileSync(path, "utf8")]).toEqual(["1", "2"]);
  closeSync(before);
});

it("keeps the App's key for itself, and no key of an App that is gone", () => {
  const path = writeKey(directory, "first");
  const before = openSync(path, "r");
  writeKey(directory, "second");
  expect([readFileSync(before, "utf8"), keptKey(directory)]).toEqual(["first", "second"]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  closeSync(before);
  writeKey(directory, undefined);
  expect(keptKey(directory)).toBeUndefined();
});
