/** The history of an environment, from the store itself. */
import { type Why, why } from "../../handlers/why.ts";
import type { Input } from "../command.ts";
import { EXIT, Exit } from "../exit.ts";
import { type Io, note, say, sayJson, shown } from "../terminal.ts";
import { pausedText } from "./confirm.ts";
import { withStore } from "./store.ts";

/** Prints it. Out: the exit code. Throws Exit if nothing is known. */
export async function tellWhy(io: Io, input: Input): Promise<number> {
  const text = input.args[0] ?? "";
  const found = await withStore(io, async (opened) => {
    const paused = await pausedText(io, opened);
    if (paused !== null) note(io, shown(paused));
    return why(opened.store, { now: () => new Date() }, text);
  });
  if (found.length === 0) {
    const next = "Give the address of a pull request or an id (env_…).";
    throw new Exit(EXIT.notFound, `No environment is known for ${shown(text)}. ${next}`);
  }
  if (input.json) sayJson(io, found);
  else for (const one of found) print(io, one);
  return EXIT.done;
}

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
