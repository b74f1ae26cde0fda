/** `offshoot store backup` and `offshoot store restore`: the store as one file. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { type BackupLine, backupStore } from "../../adapters/store/backup.ts";
import { restoreStore } from "../../adapters/store/restore.ts";
import type { Command, Input } from "../command.ts";
import { EXIT, Exit, usage } from "../exit.ts";
import { say, sayJson } from "../terminal.ts";
import { withStore } from "./store.ts";

const backup: Command = {
  name: "store backup",
  usage: "--out <file>",
  summary: "write the store to a file (operators)",
  args: [0, 0],
  options: { out: { type: "string", value: "file", help: "a new file, which only you can read" } },
  details:
    "The file is as of one moment, unless reading takes more than 4 minutes; then the command says of how many. For a store on DSQL, AWS Backup is the better way: see docs/runbook.md.",
  run: (io, input) =>
    withStore(io, async ({ pool }) => {
      const { rows, snapshots } = await writeLines(
        fileOf(input, "out"),
        backupStore(pool, () => new Date()),
      );
      if (input.json) sayJson(io, { rows, snapshots });
      else say(io, `Wrote ${total(rows)} rows${snapshots > 1 ? `, as of ${snapshots} moments` : ""}.`);
      return EXIT.done;
    }),
};

const restore: Command = {
  name: "store restore",
  usage: "--in <file>",
  summary: "fill an empty store from such a file (operators)",
  args: [0, 0],
  options: { in: { type: "string", value: "file", help: "what `offshoot store backup` wrote" } },
  details:
    "The store must have been made by `offshoot store migrate` of the backup's version. Afterwards the service does nothing until `offshoot store confirm`.",
  run: (io, input) =>
    withStore(io, async ({ pool }) => {
      const path = fileOf(input, "in");
      const file = createReadStream(path, "utf8");
      const lines = createInterface({ input: file, crlfDelay: Number.POSITIVE_INFINITY });
      // Without this a file that cannot be read would end the loop like one that is empty.
      const failed = new Promise<never>((_resolve, reject) =>
        file.once("error", (error) => reject(withAdvice(error, path))),
      );
      const rows = await Promise.race([restoreStore(pool, lines, new Date()), failed]);
      if (input.json) sayJson(io, { rows });
      else
        say(io, `Restored ${total(rows)} rows. Nothing is done with them until \`offshoot store confirm\`.`);
      return EXIT.done;
    }),
};

interface Written {
  readonly rows: Readonly<Record<string, number>>;
  readonly snapshots: number;
}

/** Writes a new file, for its owner only, and makes sure that the disk has it. */
async function writeLines(path: string, lines: AsyncIterable<BackupLine>): Promise<Written> {
  const file = await open(path, "wx", 0o600).catch((error: unknown) => {
    throw withAdvice(error, path);
  });
  let written: Written = { rows: {}, snapshots: 0 };
  try {
    for await (const line of lines) {
      await file.appendFile(`${JSON.stringify(line)}\n`);
      if ("end" in line) written = line.end;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return written;
}

/** The two mistakes that people make, with what to do; anything else as it is. */
function withAdvice(error: unknown, path: string): unknown {
  const failed = (message: string) => new Exit(EXIT.failed, message);
  const { code } = Object(error);
  if (code === "EEXIST")
    return failed(`${path} exists. Name a new file, or delete it if a backup broke off.`);
  if (code === "ENOENT") return failed(`There is no ${path}. Check the path and its folder.`);
  return error;
}

function fileOf(input: Input, option: "in" | "out"): string {
  const path = input.text(option);
  if (!path) throw usage(`Which file? --${option} <file>`);
  return path;
}

function total(rows: Readonly<Record<string, number>>): number {
  return Object.values(rows).reduce((sum, count) => sum + count, 0);
}

export const backupCommands: readonly Command[] = [backup, restore];
