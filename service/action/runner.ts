/** What the runner of GitHub Actions gives a step, and how the step answers it. */
import { randomUUID } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { EOL } from "node:os";

export type RunnerEnvironment = Readonly<Record<string, string | undefined>>;

export interface Runner {
  readonly env: RunnerEnvironment;
  /** An input of action.yml; empty if it was not given. */
  input(name: string): string;
  /** A variable of all later steps of the job. */
  exportVariable(name: string, value: string): Promise<void>;
  setOutput(name: string, value: string): Promise<void>;
  /** The runner hides it in the log from now on. */
  mask(secret: string): void;
  info(text: string): void;
  notice(text: string): void;
  error(text: string): void;
}

/** A runner of GitHub by its variables. `write` gets what belongs on standard output. */
export function createRunner(env: RunnerEnvironment, write: (line: string) => void): Runner {
  const command = (name: string, text: string) => write(`::${name}::${escaped(text)}`);
  return {
    env,
    input: (name) => (env[`INPUT_${name.replaceAll(" ", "_").toUpperCase()}`] ?? "").trim(),
    exportVariable: (name, value) => addTo(env, "GITHUB_ENV", name, value),
    setOutput: (name, value) => addTo(env, "GITHUB_OUTPUT", name, value),
    mask(secret) {
      // An empty mask would hide every character of the log, and a line break ends the command.
      for (const line of secret.split(/\r?\n/)) if (line.trim() !== "") command("add-mask", line);
    },
    // Text from outside must not begin a line with a command.
    info: (text) => write(text.replaceAll(/[\r\n]+/g, " ").replace(/^\s*::/, " : :")),
    notice: (text) => command("notice title=Offshoot", text),
    error: (text) => command("error title=Offshoot", text),
  };
}

/** Appends `name` and its value in the form with a delimiter, which nothing in the value can end. */
async function addTo(env: RunnerEnvironment, file: string, name: string, value: string): Promise<void> {
  const path = env[file];
  if (!path) throw new Error(`${file} is not set: this runs in a job of GitHub Actions only.`);
  const delimiter = `offshoot_${randomUUID()}`;
  if (value.includes(delimiter)) throw new Error("A value contains a delimiter that was made a moment ago.");
  await appendFile(path, `${name}<<${delimiter}${EOL}${value}${EOL}${delimiter}${EOL}`);
}

function escaped(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
