import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BackupLine } from "../../service/adapters/store/backup.ts";
import { readBackup, writeBackup } from "../../service/cli/operator/backup-file.ts";

const END = { rows: { label: 2 }, snapshots: 1 };
const LINES: readonly BackupLine[] = [
  { table: "label", columns: ["name"], key: ["name"] },
  ["a\nb"],
  ["\u{1F680} \r"],
  { end: END },
];

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-backup-file-"));
  path = join(directory, "store.jsonl");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function* lines(after = LINES.length, then: () => Promise<void> = async () => {}) {
  yield* LINES.slice(0, after);
  await then();
}
const full = async () => {
  throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
};

describe("the file of a backup", () => {
  it("has its name once it is whole, only its owner reads it, and its lines come back", async () => {
    expect(await writeBackup(path, lines())).toEqual(END);
    expect(await readdir(directory)).toEqual(["store.jsonl"]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const read: unknown[] = [];
    for await (const line of readBackup(path)) read.push(JSON.parse(line));
    expect(read).toEqual(LINES);
  });

  it("leaves nothing if it cannot be written to its end", async () => {
    await expect(writeBackup(path, lines(2, full))).rejects.toThrow("no space left");
    expect(await readdir(directory)).toEqual([]);
  });

  it("is not there under its name while it is written, as after a kill, and the next one says what to do", async () => {
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const writing = writeBackup(
      path,
      lines(2, async () => {
        reached.resolve();
        await gate.promise;
      }),
    );
    await reached.promise;
    expect(await readdir(directory)).toEqual(["store.jsonl.partial"]);
    await expect(writeBackup(path, lines())).rejects.toThrow(/partial exists: a backup broke off/);
    expect(await readdir(directory)).toEqual(["store.jsonl.partial"]);
    gate.resolve();
    await writing;
  });

  it("is never written over, also if it came meanwhile", async () => {
    await writeFile(path, "mine");
    await expect(writeBackup(path, lines())).rejects.toThrow(/exists. Name a new file/);
    await rm(path);
    await expect(
      writeBackup(
        path,
        lines(2, () => writeFile(path, "mine")),
      ),
    ).rejects.toThrow(/Name a new file/);
    expect(await readFile(path, "utf8")).toBe("mine");
    expect(await readdir(directory)).toEqual(["store.jsonl"]);
  });

  it("that is not there is told with what to check", async () => {
    await expect(readBackup(path).next()).rejects.toThrow(/There is no .*Check the path/);
    await expect(writeBackup(join(path, "x"), lines())).rejects.toThrow(/Check the path/);
  });
});
