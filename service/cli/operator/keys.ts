/** `offshoot keys …`: the API keys of a service, made by who can reach its store. */
import { randomBytes } from "node:crypto";
import { userInfo } from "node:os";
import { secrets } from "../../adapters/secrets.ts";
import { SCOPES } from "../../domain/caller.ts";
import { type CredentialContext, createKey, type KeyView, listKeys, revokeKey } from "../../handlers/keys.ts";
import type { Command } from "../command.ts";
import { EXIT } from "../exit.ts";
import { type Io, note, say, sayJson, table, time } from "../terminal.ts";
import { endOf, labelsOf } from "../values.ts";
import { QUIET, withStore } from "./store.ts";

/** Runs `work` with what the handlers of keys need, on the store. */
function withKeys<T>(io: Io, work: (context: CredentialContext) => Promise<T>): Promise<T> {
  return withStore(io, ({ store }) =>
    work({
      store,
      clock: { now: () => new Date() },
      chance: { number: Math.random, bytes: (count) => randomBytes(count) },
      secrets,
      log: QUIET,
    }),
  );
}

/** How history names who works on this machine. */
function actor(): string {
  return `operator ${userInfo().username}`;
}

const create: Command = {
  name: "keys create",
  usage: "<name>",
  summary: "make an API key, shown once (operators)",
  args: [1, 1],
  options: {
    scope: {
      type: "string",
      multiple: true,
      value: SCOPES.join("|"),
      help: "what it may do; may be repeated",
    },
    label: {
      type: "string",
      multiple: true,
      value: "name=value",
      help: "it sees and makes only what has this label",
    },
    until: { type: "string", value: "time", help: "when it ends, such as 90d" },
  },
  details: "The key alone goes to standard output: offshoot keys create ci --scope read > key",
  async run(io, input) {
    const labels = labelsOf(input.texts("label"));
    const until = input.text("until");
    const wanted = {
      name: input.args[0] ?? "",
      scopes: input.texts("scope"),
      selector: Object.keys(labels).length > 0 ? labels : null,
      expiresAt: until ? endOf(until, new Date()) : null,
    };
    const { key, credential } = await withKeys(io, (context) => createKey(context, wanted, actor()));
    if (input.json) sayJson(io, { ...key, credential });
    else {
      note(io, `${keyTable(io, [key])}\nThis is the only time that it is shown:`);
      say(io, credential);
    }
    return EXIT.done;
  },
};

const list: Command = {
  name: "keys list",
  usage: "",
  summary: "list API keys, without their secrets (operators)",
  args: [0, 0],
  async run(io, input) {
    const keys = await withKeys(io, listKeys);
    if (input.json) sayJson(io, keys);
    else if (keys.length > 0) say(io, keyTable(io, keys));
    else note(io, "There is none. `offshoot keys create <name> --scope read` makes one.");
    return EXIT.done;
  },
};

const revoke: Command = {
  name: "keys revoke",
  usage: "<id>",
  summary: "end an API key at once (operators)",
  args: [1, 1],
  async run(io, input) {
    const key = await withKeys(io, (context) => revokeKey(context, input.args[0] ?? "", actor()));
    if (input.json) sayJson(io, key);
    else say(io, keyTable(io, [key]));
    return EXIT.done;
  },
};

function keyTable(io: Io, keys: readonly KeyView[]): string {
  const rows = keys.map((key) => [
    key.id,
    key.name,
    key.scopes.join(", "),
    Object.entries(key.selector ?? {})
      .map(([name, value]) => `${name}=${value}`)
      .join(" "),
    time(key.usedAt),
    key.revokedAt ? `revoked ${time(key.revokedAt)}` : time(key.expiresAt),
  ]);
  return table(io, ["ID", "NAME", "SCOPES", "ONLY", "LAST USE (UTC)", "END (UTC)"], rows);
}

export const keyCommands: readonly Command[] = [create, list, revoke];
