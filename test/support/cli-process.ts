import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { programFile } from "../../local/demo/process.ts";
import type { Finding } from "../../service/cli/findings.ts";

const CLI = programFile("service/cli.ts");

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line in a process with these variables and no others of ours or of AWS. */
export async function runCli(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const child = spawn(process.execPath, [CLI, ...args], {
    // Without a home there is no profile of whoever runs the tests.
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nowhere", AWS_EC2_METADATA_DISABLED: "true", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return ended(child);
}

/** What a process said until it ended, and its exit code. */
export async function ended(child: ChildProcessByStdio<Writable | null, Readable, Readable>): Promise<Ended> {
  const [out, err] = await Promise.all([
    child.stdout.toArray(),
    child.stderr.toArray(),
    once(child, "close"),
  ]);
  return { code: child.exitCode, out: out.join(""), err: err.join("") };
}

/** What `offshoot doctor … --json` found, by name. */
export async function doctor(args: readonly string[], env: Readonly<Record<string, string>>) {
  const { code, out, err } = await runCli(["doctor", "--json", ...args], env);
  if (out === "") throw new Error(`doctor said nothing, and ended with ${code}:\n${err}`);
  const findings = JSON.parse(out) as Finding[];
  return { code, findings: new Map(findings.map((one) => [one.name, one])) };
}
