/** `offshoot tenant …`: one database per customer. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TenantPatch } from "../client/client.ts";
import { type Command, type Input, LABEL_OPTION, type Option, URL_OPTION, WAIT_OPTIONS } from "./command.ts";
import { environmentFacts } from "./describe.ts";
import { finish, printList } from "./env.ts";
import { EXIT, usage } from "./exit.ts";
import { clientOf } from "./service.ts";
import { secondsOf } from "./target.ts";
import { type Io, say, sayJson, shown } from "./terminal.ts";
import { printToken, TOKEN_OPTIONS } from "./token.ts";
import { confirmed, labelsOf, untilOf } from "./values.ts";

const KEY = { usage: "<key>", args: [1, 1] } as const;
const SETTINGS: Readonly<Record<string, Option>> = {
  ...LABEL_OPTION,
  until: { type: "string", value: "time|never", help: "when it ends, such as 30d" },
  protect: { type: "boolean", help: "it cannot be deleted" },
  unprotect: { type: "boolean", help: "it can be deleted" },
  "grace-hours": { type: "string", value: "hours", help: "how long data is kept after a delete" },
  "token-seconds": { type: "string", value: "seconds", help: "the longest life of a token" },
};
const IF_MATCH: Readonly<Record<string, Option>> = {
  "if-revision": { type: "string", value: "number", help: "only if nobody has changed it since" },
};

const put: Command = {
  name: "tenant put",
  ...KEY,
  summary: "make a customer's database, once",
  options: { ...URL_OPTION, ...SETTINGS, ...WAIT_OPTIONS },
  async run(io, input) {
    const client = await clientOf(io, { url: input.text("url") });
    return finish(io, input, client, await client.tenants.put(keyOf(input), settings(input)));
  },
};

const list: Command = {
  name: "tenant list",
  usage: "",
  summary: "list customers",
  args: [0, 0],
  options: { ...URL_OPTION, ...LABEL_OPTION, all: { type: "boolean", help: "more than a screenful" } },
  async run(io, input) {
    const client = await clientOf(io, { url: input.text("url") });
    return printList(io, input, client.tenants.all({ labels: labelsOf(input.texts("label")) }));
  },
};

const show: Command = {
  name: "tenant show",
  ...KEY,
  summary: "show a customer's database",
  options: URL_OPTION,
  async run(io, input) {
    const client = await clientOf(io, { url: input.text("url") });
    return print(io, input, await client.tenants.get(keyOf(input)));
  },
};

const patch: Command = {
  name: "tenant patch",
  ...KEY,
  summary: "change labels, limits, end or protection",
  options: {
    ...URL_OPTION,
    ...SETTINGS,
    "remove-label": { type: "string", multiple: true, value: "name", help: "a label to remove" },
    ...IF_MATCH,
  },
  async run(io, input) {
    const removed = Object.fromEntries(input.texts("remove-label").map((name) => [name, null]));
    const { labels, ...others } = settings(input);
    const all = { ...labels, ...removed };
    const body: TenantPatch = { ...others, ...(Object.keys(all).length > 0 && { labels: all }) };
    if (Object.keys(body).length === 0)
      throw usage("Nothing to change. `offshoot help tenant patch` says what can be.");
    const client = await clientOf(io, { url: input.text("url") });
    return print(io, input, await client.tenants.patch(keyOf(input), body, ifMatch(input)));
  },
};

const remove: Command = {
  name: "tenant delete",
  ...KEY,
  summary: "remove a customer's database; its data is kept for the grace",
  options: {
    ...URL_OPTION,
    confirm: { type: "string", value: "key", help: "the key, repeated, where nobody can be asked" },
    ...IF_MATCH,
    ...WAIT_OPTIONS,
  },
  details: "Protection must be lifted first: `offshoot tenant patch <key> --unprotect`.",
  async run(io, input) {
    const key = keyOf(input);
    const what = `This removes the database of customer ${shown(key)}.`;
    await confirmed(io, { what, expected: key, given: input.text("confirm") });
    const client = await clientOf(io, { url: input.text("url") });
    return finish(io, input, client, await client.tenants.delete(key, ifMatch(input)));
  },
};

const restore: Command = {
  name: "tenant restore",
  ...KEY,
  summary: "bring a deleted customer back within the grace",
  options: { ...URL_OPTION, ...WAIT_OPTIONS },
  async run(io, input) {
    const client = await clientOf(io, { url: input.text("url") });
    return finish(io, input, client, await client.tenants.restore(keyOf(input)));
  },
};

const migrate: Command = {
  name: "tenant migrate",
  usage: "<key> <directory>",
  summary: "apply the .sql files of a directory, in the order of their names",
  args: [2, 2],
  options: { ...URL_OPTION, ...WAIT_OPTIONS },
  details: "The directory holds all files from the first one. Files that were applied must not change.",
  async run(io, input) {
    const directory = input.args[1] ?? "";
    const names = (await readdir(directory)).filter((name) => name.endsWith(".sql")).sort();
    if (names.length === 0) throw usage(`${directory} holds no .sql file.`);
    const read = async (path: string) => ({ path, sql: await readFile(join(directory, path), "utf8") });
    const files = await Promise.all(names.map(read));
    const client = await clientOf(io, { url: input.text("url") });
    return finish(io, input, client, await client.tenants.migrate(keyOf(input), { files }));
  },
};

const token: Command = {
  name: "tenant token",
  ...KEY,
  summary: "print a token for a customer's database",
  options: { ...URL_OPTION, ...TOKEN_OPTIONS },
  async run(io, input) {
    const client = await clientOf(io, { url: input.text("url") });
    return printToken(io, input, client, await client.tenants.get(keyOf(input)));
  },
};

/** What the options say, without what they do not. */
function settings(input: Input) {
  const labels = labelsOf(input.texts("label"));
  const graceHours = secondsOf(input.text("grace-hours"), "grace-hours");
  const tokenSeconds = secondsOf(input.text("token-seconds"), "token-seconds");
  if (input.is("protect") && input.is("unprotect")) throw usage("Either --protect or --unprotect.");
  const limits = {
    ...(graceHours !== undefined && { graceHours }),
    ...(tokenSeconds !== undefined && { tokenSeconds }),
  };
  return {
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...untilOf(input.text("until")),
    ...(input.is("protect") && { protected: true }),
    ...(input.is("unprotect") && { protected: false }),
  };
}

function ifMatch(input: Input): { ifMatch?: number } {
  const revision = secondsOf(input.text("if-revision"), "if-revision");
  return revision === undefined ? {} : { ifMatch: revision };
}

function keyOf(input: Input): string {
  return input.args[0] ?? "";
}

function print(io: Io, input: Input, environment: Parameters<typeof environmentFacts>[1]): number {
  if (input.json) sayJson(io, environment);
  else say(io, environmentFacts(io, environment));
  return EXIT.done;
}

export const commands: readonly Command[] = [put, list, show, patch, remove, restore, migrate, token];
