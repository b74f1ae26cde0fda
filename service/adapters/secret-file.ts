import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { Refused } from "../domain/errors.ts";
import type { SecretBook } from "../handlers/ports-setup.ts";
import { pairsOfText } from "./secret-pairs.ts";
import { secrets } from "./secrets.ts";

/**
 * Secrets in a file of JSON that only its owner reads, for a container with a volume or a single machine. It is replaced as
 * a whole, by a rename. The file beside it that is renamed is also the lock: of two writers one finds it there.
 */
export function createSecretFile(path: string): SecretBook {
  const next = `${path}.next`;
  const read = async () => {
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      if (Object(error).code === "ENOENT") return "{}";
      throw refused(path, error);
    });
    return { pairs: pairsOfText(text, `The file ${path}`), version: secrets.digest(text) };
  };
  return {
    read,
    async replace(pairs, version) {
      const text = `${JSON.stringify(pairs, null, 2)}\n`;
      await writeFile(next, text, { flag: "wx", mode: 0o600, flush: true }).catch((error: unknown) => {
        if (Object(error).code !== "EEXIST") throw refused(path, error);
        const advice = `If nobody does, a crash left ${next} behind: delete it.`;
        throw new Refused("secrets_changed", `Somebody else writes ${path} now. ${advice}`);
      });
      try {
        if ((await read()).version !== version) {
          throw new Refused("secrets_changed", `Somebody else has changed ${path}. Start again.`);
        }
        await rename(next, path);
      } catch (error) {
        await rm(next, { force: true });
        throw error instanceof Refused ? error : refused(path, error);
      }
    },
  };
}

function refused(path: string, error: unknown): Refused {
  const cause = error instanceof Error ? error.message : String(error);
  return new Refused("secrets_refused", `The secrets in ${path} cannot be read or written: ${cause}`);
}
