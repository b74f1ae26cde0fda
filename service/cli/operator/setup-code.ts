/** `offshoot setup-code`: a link, good once, that makes the GitHub App of a service that has none. */
import { randomBytes } from "node:crypto";
import { secrets } from "../../adapters/secrets.ts";
import { SETUP_CODE_HOURS, SETUP_CODE_HOURS_MAX } from "../../domain/limits.ts";
import { openSetup } from "../../handlers/setup.ts";
import { openSecretBook } from "../../setup.ts";
import type { Command } from "../command.ts";
import { EXIT, usage } from "../exit.ts";
import { note, say, sayJson, time } from "../terminal.ts";

const command: Command = {
  name: "setup-code",
  usage: "",
  summary: "print the link that makes the GitHub App of a new service (operators)",
  args: [0, 0],
  options: {
    hours: {
      type: "string",
      value: "hours",
      help: `how long it is good; ${SETUP_CODE_HOURS} by default, at most ${SETUP_CODE_HOURS_MAX}`,
    },
  },
  details:
    "It reads OFFSHOOT_PUBLIC_URL, and OFFSHOOT_SECRETS_FILE or OFFSHOOT_SECRETS_ARN, as the service does. Only the code's digest is kept; a new link ends the one before. The link alone goes to standard output.",
  async run(io, input) {
    const hours = Number(input.text("hours") ?? SETUP_CODE_HOURS);
    if (!Number.isInteger(hours) || hours < 1 || hours > SETUP_CODE_HOURS_MAX)
      throw usage(`--hours is a whole number from 1 to ${SETUP_CODE_HOURS_MAX}.`);
    const publicUrl = (io.env["OFFSHOOT_PUBLIC_URL"] ?? "").replace(/\/+$/, "");
    if (!/^https?:$/.test(URL.parse(publicUrl)?.protocol ?? ""))
      throw usage("Set OFFSHOOT_PUBLIC_URL to the address under which GitHub reaches the service.");
    const book = openSecretBook(io.env);
    if (!book) {
      const where = "a file that the service reads, or OFFSHOOT_SECRETS_ARN to a secret";
      throw usage(`There is no place for the App's secrets: set OFFSHOOT_SECRETS_FILE to ${where}.`);
    }
    const { link, expires } = await openSetup(
      {
        ...{ book, secrets, publicUrl },
        clock: { now: () => new Date() },
        chance: { number: Math.random, bytes: (count) => randomBytes(count) },
      },
      hours,
    );
    if (input.json) sayJson(io, { link, expires });
    else {
      note(io, `Open this within ${hours} hours (until ${time(expires)} UTC); whoever has it makes the App:`);
      say(io, link);
    }
    return EXIT.done;
  },
};

export const setupCommands: readonly Command[] = [command];
