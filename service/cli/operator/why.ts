/** `offshoot why`: the history of an environment, from the store itself where its variables are set, else by the API. */
import type { Why } from "../../handlers/why.ts";
import { type Command, URL_OPTION } from "../command.ts";
import { EXIT, Exit } from "../exit.ts";
import { type Io, say, sayJson, shown } from "../terminal.ts";

const why: Command = {
  name: "why",
  usage: "<database>",
  summary: "tell the history of a database (operators: from the store itself)",
  args: [1, 1],
  options: URL_OPTION,
  async run(io, input) {
    if (io.env["OFFSHOOT_STORE_URL"] === undefined) {
      const env = await import("../env.ts");
      const command = env.commands.find(({ name }) => name === "env why");
      return command ? command.run(io, input) : EXIT.usage;
    }
    const text = input.args[0] ?? "";
    const [{ withStore }, handler] = await Promise.all([
      import("./store.ts"),
      import("../../handlers/why.ts"),
    ]);
    const found = await withStore(io, ({ store }) => handler.why(store, { now: () => new Date() }, text));
    if (found.length === 0) {
      const next = "Give the address of a pull request or an id (env_…).";
      throw new Exit(EXIT.notFound, `No environment is known for ${shown(text)}. ${next}`);
    }
    if (input.json) sayJson(io, found);
    else for (const one of found) print(io, one);
    return EXIT.done;
  },
};

function print(io: Io, { environment, phase, identifier, events }: Why): void {
  const { id, ownerKey, wanted, wantedReason, headSha, generation } = environment;
  say(io, shown(`${id}  ${ownerKey}`));
  const at = headSha ? ` at ${headSha.slice(0, 7)}` : "";
  say(io, shown(`${phase}; wanted ${wanted} (${wantedReason})${at}, generation ${generation}`));
  if (identifier) say(io, `cluster ${identifier}`);
  for (const event of events) {
    const actor = event.actor ? ` by ${event.actor}` : "";
    say(io, `  ${shown(`${event.at.toISOString()}  ${event.kind}${actor}  ${event.detail ?? ""}`)}`);
  }
}

export const commands: readonly Command[] = [why];
