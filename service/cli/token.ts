/** `offshoot token`: a password for a while. */
import type { Client, Environment } from "../client/client.ts";
import { type Command, type Input, type Option, URL_OPTION } from "./command.ts";
import { EXIT } from "./exit.ts";
import { openTarget, secondsOf, TARGET_HELP, tokenFor } from "./target.ts";
import { type Io, say, sayJson } from "./terminal.ts";

export const TOKEN_OPTIONS: Readonly<Record<string, Option>> = {
  role: { type: "string", value: "owner|reader", help: "whose rights; by default what you may have" },
  seconds: { type: "string", value: "seconds", help: "how long it lives; 900 by default" },
};

const token: Command = {
  name: "token",
  usage: "[<database>]",
  summary: "print a token: PGPASSWORD for a while",
  args: [0, 1],
  options: {
    ...URL_OPTION,
    database: { type: "string", value: "name", help: "one of several databases of a place" },
    ...TOKEN_OPTIONS,
  },
  details: `${TARGET_HELP} --json shows host, user and end of the token, too.`,
  async run(io, input) {
    const { client, environment } = await openTarget(io, {
      target: input.args[0],
      url: input.text("url"),
      database: input.text("database"),
    });
    return printToken(io, input, client, environment);
  },
};

/** Prints a token, alone on its line, so that `PGPASSWORD="$(offshoot token …)"` works. */
export async function printToken(
  io: Io,
  input: Input,
  client: Client,
  environment: Environment,
): Promise<number> {
  const seconds = secondsOf(input.text("seconds"), "seconds");
  const given = await tokenFor(client, environment, { role: input.text("role"), seconds });
  if (input.json) sayJson(io, given);
  else say(io, given.token);
  return EXIT.done;
}

export const commands: readonly Command[] = [token];
