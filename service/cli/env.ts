/** `offshoot env …`: the databases of pull requests, git branches and customers. */
import type { Client, EnvironmentFilter, Started } from "../client/client.ts";
import { type Command, type Input, LABEL_OPTION, URL_OPTION, WAIT_OPTIONS } from "./command.ts";
import { endedText, environmentFacts, environmentTable, eventText, startedText } from "./describe.ts";
import { envFile } from "./env-file.ts";
import { EXIT, usage } from "./exit.ts";
import { clientOf } from "./service.ts";
import { openTarget, placeOf, secondsOf, TARGET_HELP, untilReady } from "./target.ts";
import { type Io, note, progress, say, sayJson, shown, time } from "./terminal.ts";
import { confirmed, endOf, labelsOf, untilOf } from "./values.ts";

/** Rows of `env list` unless --all is given: more than a screen holds. */
const LIST_MAX = 100;
const DATABASE = {
  database: { type: "string", value: "name", help: "one of several databases of a place" },
} as const;
const TARGET = { usage: "<database>", args: [1, 1], details: TARGET_HELP } as const;
const OF_ONE = { ...URL_OPTION, ...DATABASE };

const list: Command = {
  name: "env list",
  usage: "",
  summary: "list databases",
  args: [0, 0],
  options: {
    ...URL_OPTION,
    owner: { type: "string", value: "pull|branch|tenant", help: "whom they are for" },
    repository: { type: "string", value: "owner/name", help: "of this repository only" },
    ...LABEL_OPTION,
    all: { type: "boolean", help: `more than ${LIST_MAX}` },
  },
  async run(io, input) {
    const owner = input.text("owner");
    if (owner && !["pull", "branch", "tenant"].includes(owner))
      throw usage("--owner is pull, branch or tenant.");
    const repository = input.text("repository");
    const filter: EnvironmentFilter = {
      labels: labelsOf(input.texts("label")),
      ...(owner && { owner: owner as "pull" }),
      ...(repository && { repository }),
    };
    const client = await clientOf(io, { url: input.text("url") });
    return printList(io, input, client.environments.all(filter));
  },
};

/** Prints a list up to a screenful, or all of it. */
export async function printList(
  io: Io,
  input: Input,
  all: ReturnType<Client["environments"]["all"]>,
): Promise<number> {
  const found = [];
  let more = false;
  for await (const one of all) {
    more = found.length === LIST_MAX && !input.is("all");
    if (more) break;
    found.push(one);
  }
  if (input.json) sayJson(io, found);
  else if (found.length > 0) say(io, environmentTable(io, found));
  else note(io, "There is none.");
  if (more) note(io, `These are the first ${LIST_MAX}; --all shows the others too.`);
  return EXIT.done;
}

const show: Command = {
  name: "env show",
  ...TARGET,
  summary: "show one database",
  options: OF_ONE,
  async run(io, input) {
    const { environment } = await found(io, input);
    if (input.json) sayJson(io, environment);
    else say(io, environmentFacts(io, environment));
    return EXIT.done;
  },
};

const create: Command = {
  name: "env create",
  usage: "<owner/name> <git branch>",
  summary: "make a database for a git branch",
  args: [2, 2],
  options: {
    ...URL_OPTION,
    ...LABEL_OPTION,
    until: { type: "string", value: "time", help: "when it ends, such as 3d" },
    ...WAIT_OPTIONS,
  },
  async run(io, input) {
    const [repository = "", gitBranch = ""] = input.args;
    const client = await clientOf(io, { url: input.text("url") });
    const labels = labelsOf(input.texts("label"));
    const body = { repository, gitBranch, labels, ...untilOf(input.text("until")) };
    return finish(io, input, client, await client.environments.create(body));
  },
};

/** Prints what a request began; with --wait, what became of it. */
export async function finish(io: Io, input: Input, client: Client, started: Started): Promise<number> {
  if (!input.is("wait")) {
    if (input.json) sayJson(io, started);
    else say(io, startedText(started));
    return EXIT.done;
  }
  const seconds = secondsOf(input.text("wait-seconds"), "wait-seconds");
  const line = progress(io);
  line.show(startedText(started));
  try {
    const operation = await client.waitFor(started, seconds === undefined ? {} : { seconds });
    const environment = await client.environments.get(started.environment.id);
    line.end();
    if (input.json) sayJson(io, { environment, operation });
    else say(io, endedText(environment, operation));
    return EXIT.done;
  } finally {
    line.end();
  }
}

const destroy: Command = {
  name: "env destroy",
  ...TARGET,
  summary: "remove a database of a pull request or git branch",
  options: {
    ...OF_ONE,
    confirm: { type: "string", value: "id", help: "its id, repeated, where nobody can be asked" },
    ...WAIT_OPTIONS,
  },
  async run(io, input) {
    const { client, environment } = await found(io, input);
    const what = `This removes the database of ${shown(placeOf(environment))}.`;
    await confirmed(io, { what, expected: environment.id, given: input.text("confirm") });
    return finish(io, input, client, await client.environments.destroy(environment.id));
  },
};

const keep: Command = {
  name: "env keep",
  usage: "<database> <3d|12h|time>",
  summary: "keep a database at least that long",
  args: [2, 2],
  options: OF_ONE,
  async run(io, input) {
    const until = endOf(input.args[1] ?? "", new Date());
    const { client, environment } = await found(io, input);
    const kept = await client.environments.keep(environment.id, until);
    if (input.json) sayJson(io, kept);
    else say(io, `${shown(placeOf(kept))}: kept until ${time(kept.until)} UTC`);
    return EXIT.done;
  },
};

const reset: Command = {
  name: "env reset",
  ...TARGET,
  summary: "build the database anew",
  options: { ...OF_ONE, ...WAIT_OPTIONS },
  async run(io, input) {
    const { client, environment } = await found(io, input);
    return finish(io, input, client, await client.environments.reset(environment.id));
  },
};

const restore: Command = {
  name: "env restore",
  ...TARGET,
  summary: "bring a closed database back while its data is kept",
  options: { ...OF_ONE, ...WAIT_OPTIONS },
  async run(io, input) {
    const { client, environment } = await found(io, input);
    return finish(io, input, client, await client.environments.restore(environment.id));
  },
};

const wait: Command = {
  name: "env wait",
  usage: "[<database>]",
  summary: "wait until a database is ready",
  args: [0, 1],
  options: {
    ...OF_ONE,
    "wait-seconds": { type: "string", value: "seconds", help: "at most; 600 by default" },
  },
  details: `${TARGET_HELP} In a CI job, without it: the job's own, at the job's commit. Ends with 6 if there is none for this place.`,
  async run(io, input) {
    const seconds = secondsOf(input.text("wait-seconds"), "wait-seconds");
    const { client, environment } = await found(io, input, { seconds });
    const ready = await untilReady(io, client, environment, seconds);
    if (input.json) sayJson(io, ready);
    else say(io, endedText(ready, null));
    return EXIT.done;
  },
};

export const why: Command = {
  name: "env why",
  ...TARGET,
  summary: "tell the history of a database",
  options: OF_ONE,
  async run(io, input) {
    const { client, environment } = await found(io, input);
    const events = client.environments.allEvents(environment.id);
    const told = [];
    if (!input.json) say(io, `${environmentFacts(io, environment)}\n`);
    for await (const event of events) input.json ? told.push(event) : say(io, eventText(event));
    if (input.json) sayJson(io, { environment, events: told });
    return EXIT.done;
  },
};

function found(io: Io, input: Input, waits?: { readonly seconds: number | undefined }) {
  const [target] = input.args;
  const request = { target, url: input.text("url"), database: input.text("database") };
  return openTarget(io, { ...request, ...(waits && { waits }) });
}

export const commands: readonly Command[] = [
  envFile,
  ...[list, show, create, destroy, keep, reset, restore, wait, why],
];
