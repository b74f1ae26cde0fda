/** `offshoot store backup` and `offshoot store restore`: the store as one file. */
import { backupStore } from "../../adapters/store/backup.ts";
import { restoreStore } from "../../adapters/store/restore.ts";
import type { Command, Input } from "../command.ts";
import { EXIT, usage } from "../exit.ts";
import { say, sayJson } from "../terminal.ts";
import { readBackup, writeBackup } from "./backup-file.ts";
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
      const { rows, snapshots } = await writeBackup(
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
      const rows = await restoreStore(pool, () => readBackup(path), new Date());
      if (input.json) sayJson(io, { rows });
      else
        say(io, `Restored ${total(rows)} rows. Nothing is done with them until \`offshoot store confirm\`.`);
      return EXIT.done;
    }),
};

function fileOf(input: Input, option: "in" | "out"): string {
  const path = input.text(option);
  if (!path) throw usage(`Which file? --${option} <file>`);
  return path;
}

function total(rows: Readonly<Record<string, number>>): number {
  return Object.values(rows).reduce((sum, count) => sum + count, 0);
}

export const backupCommands: readonly Command[] = [backup, restore];
