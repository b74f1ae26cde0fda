/** `offshoot sweep --dry-run`: what exists at AWS against what should. */
import { createCredentials } from "../../adapters/dsql-credentials.ts";
import { clusterControlOf, stackControlOf } from "../../compose-parts.ts";
import { readClustersConfig, readStoreConfig } from "../../config.ts";
import { type SweepReport, sweep } from "../../handlers/sweep.ts";
import type { Command, Input } from "../command.ts";
import { EXIT, usage } from "../exit.ts";
import { type Io, note, say, sayJson, shown } from "../terminal.ts";
import { withStore } from "./store.ts";

const command: Command = {
  name: "sweep",
  usage: "--dry-run",
  summary: "compare the clusters and stacks at AWS with the store (operators)",
  args: [0, 0],
  options: {
    "dry-run": { type: "boolean", help: "only report; required, because this version deletes nothing" },
  },
  details: "Exit code 1 if something differs. Customers' clusters are only ever reported.",
  async run(io, input) {
    if (!input.is("dry-run")) throw usage("This version only reports: offshoot sweep --dry-run");
    return tell(io, input, await withStore(io, ({ store }) => compare(io, store)));
  },
};

/** What AWS holds against what the store says. Reads only. */
export async function compare(io: Io, store: Parameters<typeof sweep>[0]["store"]): Promise<SweepReport> {
  const { aws } = readStoreConfig(io.env);
  const { account, region } = aws;
  const clusters = readClustersConfig(io.env);
  const connection = { region, credentials: createCredentials() };
  const control = clusterControlOf({ aws, clusters }, connection);
  const stacks = stackControlOf({ clusters }, connection);
  try {
    return await sweep({ store, control, stacks, policy: { account, region, stacks: clusters.stacks } });
  } finally {
    control.close();
    stacks.close();
  }
}

function tell(io: Io, input: Input, report: SweepReport): number {
  if (input.json) sayJson(io, report);
  else {
    tellDifferences(io, report, say);
    if (report.findings.length === 0) say(io, "Nothing differs.");
  }
  return report.findings.length === 0 ? EXIT.done : EXIT.failed;
}

/** One line for each difference, by `print`: a command whose answer is another one prints them as notes. */
export function tellDifferences(
  io: Io,
  { listed, rows, findings }: SweepReport,
  print: typeof say = note,
): void {
  note(io, `${listed} clusters at AWS, ${rows} rows of ours.`);
  for (const { reason, message } of findings) print(io, `${reason}: ${shown(message)}`);
}

export const sweepCommands: readonly Command[] = [command];
