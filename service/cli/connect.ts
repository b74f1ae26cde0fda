/** `offshoot connect <url>`: a prompt on a database, with nothing but a GitHub account. */
import { spawnSync } from "node:child_process";
import { childEnvironment, runChild } from "./child.ts";
import { type Command, URL_OPTION } from "./command.ts";
import { openLoopback } from "./loopback.ts";
import { openTarget, placeOf, secondsOf, TARGET_HELP, tokenFor, untilReady } from "./target.ts";
import { note, shown } from "./terminal.ts";

const connect: Command = {
  name: "connect",
  usage: "<database>",
  summary: "open psql, or a plain prompt, on a database",
  args: [1, 1],
  options: {
    ...URL_OPTION,
    database: { type: "string", value: "name", help: "one of several databases of a place" },
    role: { type: "string", value: "owner|reader", help: "whose rights; by default what you may have" },
    plain: { type: "boolean", help: "the plain prompt even if psql is installed" },
    "wait-seconds": { type: "string", value: "seconds", help: "wait at most so long until it is ready" },
  },
  details: `${TARGET_HELP} Signs you in with GitHub if you are not: who may write to the repository is admin, who may read it is a reader.`,
  async run(io, input) {
    const { client, environment: found } = await openTarget(io, {
      target: input.args[0],
      url: input.text("url"),
      database: input.text("database"),
      signIn: true,
    });
    const wait = secondsOf(input.text("wait-seconds"), "wait-seconds");
    const environment = await untilReady(io, client, found, wait);
    const token = () => tokenFor(client, environment, { role: input.text("role") });
    const first = await token();
    note(io, shown(`${placeOf(environment)} as ${first.user} (${first.role})`));
    // Through the loopback, psql of any version checks the certificate, and `\c` works after the token has ended.
    const loopback = await openLoopback(first, { token, onProblem: (message) => note(io, shown(message)) });
    try {
      if (!input.is("plain") && hasPsql()) {
        // -X: a ~/.psqlrc may ask for savepoints, which DSQL has not.
        return await runChild("psql", ["-X"], childEnvironment(io.env, loopback.environment));
      }
      const { runPrompt } = await import("./prompt.ts");
      const failures = await runPrompt(io, loopback.environment, first.database);
      return failures > 0 ? 1 : 0;
    } finally {
      await loopback.close();
    }
  },
};

function hasPsql(): boolean {
  return spawnSync("psql", ["--version"], { stdio: "ignore" }).status === 0;
}

export const commands: readonly Command[] = [connect];
