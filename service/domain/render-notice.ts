import { COMMANDS, type CommandAccess, type CommandVerb } from "./command.ts";
import { codeSpan } from "./markdown.ts";
import { dayClockText } from "./render-time.ts";
import type { CommandNotice } from "./report.ts";

/** GitHub logins have at most 39 characters; with room for a suffix such as [bot]. */
const LOGIN_CHARACTERS = 60;

const ACCESS: Readonly<Record<CommandAccess, string>> = { write: "write access", read: "read access" };

/** The commands that may be used in a state: `/db destroy` (write access) · `/db help` */
export function offerText(verbs: readonly CommandVerb[]): string {
  return COMMANDS.filter(({ verb }) => verbs.includes(verb))
    .map(({ verb, who }) => (who === "read" ? `\`/db ${verb}\`` : `\`/db ${verb}\` (${ACCESS[who]})`))
    .join(" · ");
}

/** What became of the newest command: one line, and the list of commands if it was asked for. */
export function noticeBlocks(notice: CommandNotice): readonly string[] {
  const asked = notice.verb === "unknown" ? "A `/db` line" : `\`/db ${notice.verb}\``;
  const author = codeSpan(notice.author, LOGIN_CHARACTERS);
  const line = `${asked} by ${author} on ${dayClockText(notice.at)}: ${outcomeText(notice)}`;
  const help = notice.verb === "help" && notice.outcome === "answered";
  return help ? [line, helpTable()] : [line];
}

function outcomeText({ verb, outcome, at }: CommandNotice): string {
  switch (outcome) {
    case "accepted":
      return "accepted.";
    case "fork":
      return "refused, because this version creates no databases for forks.";
    case "answered":
      return verb === "status"
        ? `the state above is as of ${dayClockText(at)} or later.`
        : "these are the commands, each on a line of its own comment.";
    case "needs_write": {
      const access = ACCESS[accessFor(verb)];
      return `refused, because it needs ${access} to this repository. Ask someone who has it.`;
    }
    case "unknown_verb":
      return "refused, because there is no such command. `/db help` lists them.";
    case "edited":
      return "refused, because the comment was edited. Write a new comment.";
    case "bad_arguments":
      return `refused, because nothing may follow it on its line. Write a new comment with just ${verb === "unknown" ? "the command" : `\`/db ${verb}\``}.`;
  }
}

/** Who may not even be told that a word is no command has no access at all. */
function accessFor(verb: CommandNotice["verb"]): CommandAccess {
  return COMMANDS.find((command) => command.verb === verb)?.who ?? "read";
}

function helpTable(): string {
  const rows = COMMANDS.map(({ verb, who, does }) => `| \`/db ${verb}\` | ${ACCESS[who]} | ${does} |`);
  return ["| command | who | what it does |", "|---|---|---|", ...rows].join("\n");
}
