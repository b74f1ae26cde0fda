import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Writes a small file of which a crash or a power cut leaves the old text or the new one, never a part: it is written beside
 * its place and onto the disk first. Nobody but us can read it, and who had the old one open still has the old one.
 */
export function replaceFile(path: string, text: string): void {
  const beside = `${path}.new`;
  rmSync(beside, { force: true });
  const file = openSync(beside, "wx", 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
  const directory = openSync(dirname(path), "r");
  try {
    // A name is on the disk once its directory is.
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
