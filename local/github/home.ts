/** What is kept in the process' directory over its starts: the App's private key, and how many starts there were. */
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../durable-file.ts";

const keyFile = (directory: string): string => join(directory, "app.pem");

/** Counts this start of the directory. Out: how many there were before. Throws if that cannot be read: no id may come again. */
export function countStart(directory: string): number {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, "starts");
  const before = statSync(file, { throwIfNoEntry: false }) ? readFileSync(file, "utf8") : "0";
  if (!/^\d{1,9}$/.test(before)) throw new Error(`${file} is not a number of starts`);
  replaceFile(file, String(Number(before) + 1));
  return Number(before);
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
  if (pem === undefined) rmSync(file, { force: true });
  else replaceFile(file, pem);
  return file;
}
