import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../local/demo/process.ts";

const VERSION = "14.3.2";
const DIRECTORY = join(ROOT, ".cache", "bench", VERSION);

/** Installs Probot beside, not in, our own dependencies. Out: the file to import. Idempotent. */
export async function installProbot(): Promise<string> {
  const entry = join(DIRECTORY, "node_modules", "probot", "lib", "index.js");
  if (!existsSync(entry)) {
    await mkdir(DIRECTORY, { recursive: true });
    const args = [
      "install",
      "--prefix",
      DIRECTORY,
      "--no-save",
      "--no-fund",
      "--no-audit",
      `probot@${VERSION}`,
    ];
    await promisify(execFile)("npm", args, { cwd: DIRECTORY });
  }
  return entry;
}
