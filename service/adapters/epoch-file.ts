import { open, readFile, rename } from "node:fs/promises";
import { type OuterEpoch, readOuter, writeOuter } from "../domain/epoch.ts";
import { Retryable } from "../domain/errors.ts";
import type { EpochKeeper } from "../handlers/ports-brake.ts";

/** The epoch in a file of this machine, for a service that is one process. It must not be restored with the store. */
export function createEpochFile(path: string): EpochKeeper {
  return {
    async read() {
      try {
        return readOuter(await readFile(path, "utf8"));
      } catch (error) {
        if (Object(error).code === "ENOENT") return null;
        throw unavailable(path, error);
      }
    },
    async write(epoch) {
      await replace(path, epoch).catch((error: unknown) => {
        throw unavailable(path, error);
      });
    },
    close: () => {},
  };
}

/** A crash leaves the old file or the new one, and a crash of the machine does not bring the old one back. */
async function replace(path: string, epoch: OuterEpoch): Promise<void> {
  const draft = `${path}.${process.pid}`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(writeOuter(epoch));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

function unavailable(path: string, cause: unknown): Retryable {
  const why = cause instanceof Error ? cause.message : String(cause);
  const next = "Nothing is done until it can be read and written: check OFFSHOOT_EPOCH_FILE.";
  return new Retryable("epoch_unavailable", `The epoch in ${path}: ${why}. ${next}`, { cause });
}
