/** Finds the command, reads its options, runs it, and makes an exit code of what happens. */
import { parseArgs } from "node:util";
import { OffshootError } from "../client/client.ts";
import type { Command, Input, Option } from "./command.ts";
import { EXIT, exitCodeOf, isExit, usage } from "./exit.ts";
import { type Io, note, say, shown } from "./terminal.ts";

const operator = () => import("./operator/commands.ts");
/** The first word of a command, and where it is; loaded when it is called, so that the others cost nothing. */
const GROUPS: Readonly<Record<string, () => Promise<{ readonly commands: readonly Command[] }>>> = {
  login: () => import("./login.ts"),
  logout: () => import("./login.ts"),
  env: () => import("./env.ts"),
  tenant: () => import("./tenant.ts"),
  token: () => import("./token.ts"),
  connect: () => import("./connect.ts"),
  run: () => import("./run-command.ts"),
  doctor: () => import("./doctor.ts"),
  why: () => import("./why.ts"),
  store: operator,
  keys: operator,
  sweep: operator,
  iam: operator,
  "setup-code": operator,
};
const COMMON: Readonly<Record<string, Option>> = {
  json: { type: "boolean", help: "print JSON" },
  help: { type: "boolean", short: "h", help: "print this help" },
};

/** Runs the command line. Out: the exit code. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  try {
    if (args.length === 0 || args[0] === "help" || args[0] === "--help" || args[0] === "-h") {
      const { helpText } = await import("./help.ts");
      const text = await helpText(io, args.slice(1), GROUPS, COMMON);
      args.length === 0 ? note(io, text) : say(io, text);
      return args.length === 0 ? EXIT.usage : EXIT.done;
    }
    const command = await commandOf(args);
    const input = inputOf(command, args.slice(command.name.split(" ").length));
    if (!input.is("help")) return await command.run(io, input);
    const { commandHelp } = await import("./help.ts");
    say(io, commandHelp(io, command, COMMON));
    return EXIT.done;
  } catch (error) {
    tell(io, error, args.includes("--json"));
    return exitCodeOf(error);
  }
}

/** The command that these words name. Throws Exit if there is none. */
async function commandOf(args: readonly string[]): Promise<Command> {
  const [first = "", second = ""] = args;
  const load = Object.hasOwn(GROUPS, first) ? GROUPS[first] : undefined;
  if (!load) throw usage(`There is no command ${shown(first)}. \`offshoot help\` lists them all.`);
  const { commands } = await load();
  const found =
    commands.find(({ name }) => name === `${first} ${second}`) ?? commands.find(({ name }) => name === first);
  if (found) return found;
  const verbs = commands.map(({ name }) => name.split(" ")[1]).filter(Boolean);
  throw usage(`offshoot ${first} ${verbs.join("|")}: which one?`);
}

function inputOf(command: Command, args: readonly string[]): Input {
  const dashes = command.takesRest ? args.indexOf("--") : -1;
  const own = dashes === -1 ? args : args.slice(0, dashes);
  const { values, positionals } = parsed(command, own);
  const [least, most] = command.args;
  const wrong = positionals.length < least || positionals.length > most;
  if (wrong && values["help"] !== true) {
    throw usage(
      `Usage: offshoot ${command.name} ${command.usage}\n\`offshoot help ${command.name}\` says more.`,
    );
  }
  return {
    args: positionals,
    rest: dashes === -1 ? [] : args.slice(dashes + 1),
    json: values["json"] === true,
    text: (name) => (typeof values[name] === "string" ? values[name] : undefined),
    texts: (name) => (Array.isArray(values[name]) ? values[name].map(String) : []),
    is: (name) => values[name] === true,
  };
}

function parsed(command: Command, args: readonly string[]) {
  try {
    const options = { ...COMMON, ...command.options };
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const why = error instanceof Error ? error.message.split(".")[0] : String(error);
    throw usage(`${why}. \`offshoot help ${command.name}\` lists the options.`);
  }
}

/** One line for people, or an object for programs; a stack only for what is a bug of ours. */
function tell(io: Io, error: unknown, json: boolean): void {
  const { message = String(error), reason = null, status = null } = Object(error);
  if (json) {
    const requestId = error instanceof OffshootError ? error.requestId : null;
    const told = { message, reason, status, requestId, exitCode: exitCodeOf(error) };
    note(io, JSON.stringify({ error: told }));
  } else if (error instanceof OffshootError) {
    const id = error.requestId ? ` (request ${error.requestId})` : "";
    note(io, shown(`${error.detail}${id}`));
  } else note(io, isExit(error) || isPlain(error) ? lines(message) : lines(Object(error).stack ?? message));
}

/** Our own messages may have several lines, such as the problems of a configuration. */
function lines(text: string): string {
  return text
    .split("\n")
    .map((line) => shown(line))
    .join("\n");
}

/** An error that says what to do, and whose stack would help nobody: ours by name, the system's by its code. */
function isPlain(error: unknown): boolean {
  const { name, code } = Object(error);
  return ["ConfigProblems", "Refused", "Retryable"].includes(name) || typeof code === "string";
}
