import type { Command, Option } from "./command.ts";
import { EXIT_HELP, usage } from "./exit.ts";
import { type Io, shown, styled } from "./terminal.ts";

type Groups = Readonly<Record<string, () => Promise<{ readonly commands: readonly Command[] }>>>;
type Options = Readonly<Record<string, Option>>;

/** `help` alone lists all commands; with the words of one, or of a group, it tells about that. Throws Exit. */
export async function helpText(
  io: Io,
  words: readonly string[],
  groups: Groups,
  common: Options,
): Promise<string> {
  const loaded = await Promise.all(Object.values(groups).map((load) => load()));
  const all = [...new Set(loaded.flatMap(({ commands }) => commands))];
  const wanted = words.filter((word) => !word.startsWith("-")).join(" ");
  if (wanted === "") return overview(io, all);
  const one = all.filter(({ name }) => name === wanted);
  const group = all.filter(({ name }) => name.startsWith(`${wanted} `));
  if (one.length + group.length === 0)
    throw usage(`There is no command ${shown(wanted)}. \`offshoot help\` lists them all.`);
  const texts = one.map((command) => commandHelp(io, command, common));
  if (group.length > 0) texts.push(list([...group]));
  return texts.join("\n\n");
}

function overview(io: Io, all: readonly Command[]): string {
  return [
    styled(io, "bold", "offshoot: a database of its own for every pull request, git branch or customer"),
    list(all),
    "`offshoot help <command>` says more. OFFSHOOT_URL names the service, OFFSHOOT_KEY is an API key.",
    `Exit codes: ${EXIT_HELP}`,
  ].join("\n\n");
}

function list(commands: readonly Command[]): string {
  const rows = commands.map(({ name, usage: args, summary }) => [`${name} ${args}`.trim(), summary] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}

/** The help of one command. */
export function commandHelp(io: Io, command: Command, common: Options): string {
  const { name, usage: args, summary, details, options = {} } = command;
  const rows = Object.entries({ ...options, ...common }).map(
    ([option, { value, help }]) => [`--${option}${value ? ` <${value}>` : ""}`, help] as const,
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    `${styled(io, "bold", `offshoot ${name} ${args}`.trim())}\n${summary}`,
    ...(details ? [details] : []),
    rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n"),
  ].join("\n\n");
}
