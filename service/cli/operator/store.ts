/** `offshoot store migrate`, and how the operator's commands open the store. */
import { checkStoreVersion } from "../../adapters/store/schema.ts";
import { openStore, prepareStore } from "../../compose-parts.ts";
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
  details:
    "The store is named by OFFSHOOT_STORE_URL, as for the service. On DSQL it connects as admin and, if OFFSHOOT_STORE_ROLE is set, makes that role for the service, with rights on rows alone.",
  async run(io, input) {
    const applied = await prepareStore(readStoreConfig(io.env));
    if (input.json) sayJson(io, { applied });
    else say(io, applied.length > 0 ? `Applied ${applied.join(", ")}.` : "The store is up to date.");
    return EXIT.done;
  },
};

export const storeCommands: readonly Command[] = [migrate];
