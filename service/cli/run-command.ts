/** `offshoot run -- <command>`: any tool, with a database that it can reach for hours. */

import { childEnvironment, runChild } from "./child.ts";
import { type Command, URL_OPTION } from "./command.ts";
import { usage } from "./exit.ts";
import { type Loopback, openLoopback } from "./loopback.ts";
import { openTarget, secondsOf, TARGET_HELP, tokenFor, untilReady } from "./target.ts";
import { note, shown } from "./terminal.ts";

const run: Command = {
  name: "run",
  usage: "[--env <database>] -- <command>",
  summary: "run a command with PG* and DATABASE_URL set",
  args: [0, 0],
  takesRest: true,
  options: {
    ...URL_OPTION,
    env: { type: "string", value: "database", help: "which one; in a CI job, by default the job's own" },
    database: { type: "string", value: "name", help: "one of several databases of a place" },
    role: { type: "string", value: "owner|reader", help: "whose rights; by default what you may have" },
    "wait-seconds": { type: "string", value: "seconds", help: "wait at most so long until it is ready" },
  },
  details: `${TARGET_HELP} The command connects to a port of this machine; from there each connection goes on with TLS and a fresh token, so it never runs out. Ends with the command's own exit code.`,
  async run(io, input) {
    const [command, ...args] = input.rest;
    if (!command) throw usage("Which command? Give it after --, such as: offshoot run -- npm test");
    const wait = secondsOf(input.text("wait-seconds"), "wait-seconds");
    const { client, environment: found } = await openTarget(io, {
      target: input.text("env"),
      url: input.text("url"),
      database: input.text("database"),
      waits: { seconds: wait },
    });
    const environment = await untilReady(io, client, found, wait);
    const token = () => tokenFor(client, environment, { role: input.text("role") });
    const loopback: Loopback = await openLoopback(await token(), {
      token,
      onProblem: (message) => note(io, `offshoot: ${shown(message)}`),
    });
    try {
      return await runChild(command, args, childEnvironment(io.env, loopback.environment));
    } finally {
      await loopback.close();
    }
  },
};

export const commands: readonly Command[] = [run];
