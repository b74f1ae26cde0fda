/** `offshoot why`: the history of a database; for operators from the store itself, which knows more than the API tells. */
import { type Command, URL_OPTION } from "./command.ts";
import { why as byApi } from "./env.ts";

const why: Command = {
  name: "why",
  usage: "<database>",
  summary: "tell the history of a database (operators: from the store itself)",
  args: [1, 1],
  options: URL_OPTION,
  async run(io, input) {
    if (io.env["OFFSHOOT_STORE_URL"] === undefined) return byApi.run(io, input);
    const { tellWhy } = await import("./operator/commands.ts");
    return tellWhy(io, input);
  },
};

export const commands: readonly Command[] = [why];
