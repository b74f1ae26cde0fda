/** A process that plays lives one after the other, as its parent asks, on a Postgres of its own. */
import { openConnections } from "./connections.ts";
import { playLife } from "./life.ts";
import type { Part } from "./lives.ts";
import { MUTATIONS } from "./mutations.ts";

const opened = await openConnections();
let playing: Promise<void> = Promise.resolve();

process.on("message", (part: Part) => {
  playing = play(part);
});
process.on("disconnect", () => void playing.then(() => opened.close()));
// A terminal sends Ctrl-C to the whole group; the parent's end closes the channel.
process.on("SIGINT", () => {});

async function play({ seed, mutation, trace }: Part): Promise<void> {
  const result = await playLife(opened.connections, {
    seed,
    ...(mutation ? { mutation: MUTATIONS[mutation] } : {}),
    ...(trace ? { print: (line: string) => void process.stdout.write(line) } : {}),
  });
  await opened.clean();
  if (process.connected) process.send?.(result);
}
