/** A backup as a file: under its name it is whole, or it is not there. */
import { createReadStream } from "node:fs";
import { access, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { BackupEnd, BackupLine } from "../../adapters/store/backup.ts";
import { EXIT, Exit } from "../exit.ts";

/** What a backup is called while it is written. */
const PARTIAL = ".partial";

/**
 * Writes a new file, for its owner only. It has its name only once the disk has all of it: what a process leaves that is killed
 * is called `.partial`, and what fails leaves nothing. Throws Exit if there is such a file, else what the disk or `lines` throw.
 */
export async function writeBackup(path: string, lines: AsyncIterable<BackupLine>): Promise<BackupEnd["end"]> {
  await refuseExisting(path);
  const partial = `${path}${PARTIAL}`;
  const file = await open(partial, "wx", 0o600).catch((error: unknown) => {
    throw withAdvice(error, partial);
  });
  try {
    let written: BackupEnd["end"] = { rows: {}, snapshots: 0 };
    for await (const line of lines) {
      await file.appendFile(`${JSON.stringify(line)}\n`);
      if ("end" in line) written = line.end;
    }
    await file.sync();
    await refuseExisting(path);
    await rename(partial, path);
    await syncDirectory(dirname(path));
    return written;
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** The lines of a file. Throws Exit if there is none, else what the disk throws. */
export async function* readBackup(path: string): AsyncGenerator<string> {
  let rest = "";
  try {
    for await (const chunk of createReadStream(path, "utf8")) {
      const lines = `${rest}${chunk}`.split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch (error) {
    throw withAdvice(error, path);
  }
  if (rest !== "") yield rest;
}

async function refuseExisting(path: string): Promise<void> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) throw failed(`${path} exists. Name a new file.`);
}

/** So that the new name outlasts a crash of the machine, where the system lets a directory be opened for that. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r").catch(() => null);
  await directory?.sync().catch(() => undefined);
  await directory?.close();
}

/** The mistakes that people make, with what to do; anything else as it is. */
function withAdvice(error: unknown, path: string): unknown {
  const { code } = Object(error);
  if (code === "EEXIST")
    return failed(`${path} exists: a backup broke off, or still runs. If none runs, delete it.`);
  if (code === "ENOENT") return failed(`There is no ${path}. Check the path and its folder.`);
  return error;
}

function failed(message: string): Exit {
  return new Exit(EXIT.failed, message);
}
