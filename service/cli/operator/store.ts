/** `offshoot store migrate`, and how the operator's commands open the store. */
import { checkStoreVersion, migrateStore } from "../../adapters/store/schema.ts";
import { openStore } from "../../compose-parts.ts";
import { readStoreConfig } from "../../config.ts";
import type { Log } from "../../handlers/ports.ts";
import type { Command } from "../command.ts";
import { EXIT } from "../exit.ts";
import { type Io, say, sayJson } from "../terminal.ts";

type Opened = ReturnType<typeof openStore>;

/** The log of handlers that a command runs: what it has to say, it says itself. */
export const QUIET: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** Runs `work` on the store, whose schema is this version's, and closes it. Throws ConfigProblems or Refused. */
export async function withStore<T>(io: Io, work: (opened: Opened) => Promise<T>): Promise<T> {
  const opened = openStore(readStoreConfig(io.env));
  try {
    await checkStoreVersion(opened.pool);
    return await work(opened);
  } finally {
    await opened.pool.end();
  }
}

const migrate: Command = {
  name: "store migrate",
  usage: "",
  summary: "apply the service's schema to the store; repeatable (operators)",
  args: [0, 0],
  details: "The store is named by OFFSHOOT_STORE_URL, as for the service.",
  async run(io, input) {
    const { pool, flavour } = openStore(readStoreConfig(io.env));
    try {
      const applied = await migrateStore(pool, flavour);
      if (input.json) sayJson(io, { applied });
      else say(io, applied.length > 0 ? `Applied ${applied.join(", ")}.` : "The store is up to date.");
      return EXIT.done;
    } finally {
      await pool.end();
    }
  },
};

export const storeCommands: readonly Command[] = [migrate];
