import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Nobody but us reads it. */
const OWN_MODE = 0o600;

/**
 * Writes a file of which a crash or a power cut leaves the old text or the new one, never a part: it is written beside its
 * place and onto the disk first. Who had the old one open still has the old one.
 */
export function replaceFile(path: string, text: string, mode: number = OWN_MODE): void {
  const beside = `${path}.new`;
  rmSync(beside, { force: true });
  const file = openSync(beside, "wx", mode);
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
