import { readFileSync } from "node:fs";

/** The bundle has the version inlined (scripts/build.ts); from source it is read. */
declare const OFFSHOOT_VERSION: string | undefined;

export const VERSION: string = typeof OFFSHOOT_VERSION === "string" ? OFFSHOOT_VERSION : fromPackage();

export const USER_AGENT = `offshoot-cli/${VERSION}`;

function fromPackage(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
