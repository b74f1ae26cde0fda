/** `offshoot store confirm`: a person lets the service go on after a restore of its store. */
import { createInterface } from "node:readline/promises";
import { brakeContextOf, type openStore } from "../../compose-parts.ts";
import { readStoreConfig } from "../../config.ts";
import { brakeText } from "../../domain/epoch.ts";
import { type BrakeContext, readBrake, releaseBrake } from "../../handlers/brake.ts";
import type { Command, Input } from "../command.ts";
import { EXIT, Exit } from "../exit.ts";
import { type Io, note, say, sayJson, shown } from "../terminal.ts";
import { QUIET, withStore } from "./store.ts";
import { compare, tellDifferences } from "./sweep.ts";

/** Runs `work` with what the brake compares. */
async function withBrake<T>(
  io: Io,
  { store }: Pick<ReturnType<typeof openStore>, "store">,
  work: (context: BrakeContext) => Promise<T>,
): Promise<T> {
  const context = brakeContextOf(readStoreConfig(io.env), store, { now: () => new Date() }, QUIET);
  try {
    return await work(context);
  } finally {
    context.keeper?.close();
  }
}

/** The line that says that the work is paused, or null. */
export function pausedText(
  io: Io,
  opened: Pick<ReturnType<typeof openStore>, "store">,
): Promise<string | null> {
  return withBrake(io, opened, async (context) => {
    const { why } = await readBrake(context);
    return why === null ? null : brakeText(why);
  });
}

const command: Command = {
  name: "store confirm",
  usage: "",
  summary: "let the service go on after a restore of its store (operators)",
  args: [0, 0],
  options: {
    phrase: {
      type: "string",
      value: "text",
      help: "the phrase that the command asks for, where nobody types",
    },
  },
  details:
    "It shows what differs between AWS and the restored store first. After it the service works on what the store says, which includes removing databases whose time is over.",
  run: (io, input) =>
    withStore(io, (opened) =>
      withBrake(io, opened, async (context) => {
        const { why, isWhole, epoch } = await readBrake(context);
        if (why === null)
          return tell(io, input, { confirmed: false, epoch: null }, "Nothing waits: the service works.");
        if (!isWhole)
          throw new Exit(EXIT.failed, `${brakeText(why)} Run \`offshoot store restore\` to its end first.`);
        note(io, shown(brakeText(why)));
        tellDifferences(io, await compare(io, opened.store));
        await ask(io, input, `resume at epoch ${epoch}`);
        await releaseBrake(context, epoch);
        return tell(
          io,
          input,
          { confirmed: true, epoch },
          `Confirmed: the service goes on within seconds, at epoch ${epoch}.`,
        );
      }),
    ),
};

/** The phrase holds the epoch: one that was typed for an earlier restore does not fit. */
async function ask(io: Io, input: Input, phrase: string): Promise<void> {
  const given = input.text("phrase") ?? (await typed(io, `Type "${phrase}" to go on: `));
  if (given.trim() === phrase) return;
  throw new Exit(EXIT.failed, `Nothing was confirmed. The phrase is "${phrase}".`);
}

async function typed(io: Io, question: string): Promise<string> {
  const lines = createInterface({ input: io.stdin, output: io.stderr, terminal: io.stdin.isTTY === true });
  const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
  try {
    return await Promise.race([lines.question(question), ended]);
  } finally {
    lines.close();
  }
}

function tell(io: Io, input: Input, json: object, text: string): number {
  if (input.json) sayJson(io, json);
  else say(io, text);
  return EXIT.done;
}

export const confirmCommands: readonly Command[] = [command];
