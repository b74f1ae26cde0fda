/** The bundle has the version inlined (scripts/build.ts); from source it is read. */
declare const OFFSHOOT_VERSION: string | undefined;

export const VERSION: string = typeof OFFSHOOT_VERSION === "string" ? OFFSHOOT_VERSION : await fromPackage();

async function fromPackage(): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(await readFile(file, "utf8")) as { version: string }).version;
}

export const USER_AGENT = `offshoot-cli/${VERSION}`;
