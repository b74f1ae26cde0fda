/** What is kept in the process' directory over its starts: the App's private key, and how many starts there were. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const keyFile = (directory: string): string => join(directory, "app.pem");

/** Counts this start of the directory. Out: how many there were before. */
export function countStart(directory: string): number {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, "starts");
  const before = statSync(file, { throwIfNoEntry: false }) ? Number(readFileSync(file, "utf8")) : 0;
  if (!Number.isSafeInteger(before)) throw new Error(`${file} is not a number of starts`);
  writeFileSync(file, String(before + 1));
  return before;
}

/** The App's key of the start before, which the service may still use; not one that others can read. */
export function keptKey(directory: string): string | undefined {
  const found = statSync(keyFile(directory), { throwIfNoEntry: false });
  if (!found || (found.mode & 0o077) !== 0) return undefined;
  return readFileSync(keyFile(directory), "utf8");
}

/** Written anew, so that nobody else can have it open; an App's key that is gone is removed. Out: its path. */
export function writeKey(directory: string, pem: string | undefined): string {
  const file = keyFile(directory);
  rmSync(file, { force: true });
  if (pem !== undefined) writeFileSync(file, pem, { mode: 0o600, flag: "wx" });
  return file;
}
