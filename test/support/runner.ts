import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseYaml } from "@redocly/openapi-core";

const ROOT = join(import.meta.dirname, "..", "..");

interface Step {
  readonly id?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, string>>;
}
export interface StepResult {
  /** Null if its condition did not hold, or an earlier step had failed. */
  readonly code: number | null;
  /** What a person reads in the log: secrets are stars. */
  readonly log: string;
  readonly outputs: Readonly<Record<string, string>>;
}
export interface JobResult {
  readonly steps: readonly StepResult[];
  readonly masks: readonly string[];
  /** Everything that was written, before masks. */
  readonly raw: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs the steps of a workflow's only job as GitHub's runner does, as far as docs/workflow.yml needs it. */
export async function runJob(
  workflow: string,
  variables: Readonly<Record<string, string>>,
  change: (inputs: Record<string, string>) => Record<string, string>,
): Promise<JobResult> {
  const parsed = parseYaml(workflow) as { jobs: Record<string, { steps: Step[] }> };
  const [job] = Object.values(parsed.jobs);
  const directory = await mkdtemp(join(tmpdir(), "offshoot-runner-"));
  const state = {
    env: {} as Record<string, string>,
    masks: [] as string[],
    raw: "",
    outputs: {} as Record<string, Record<string, string>>,
  };
  const steps: StepResult[] = [];
  try {
    for (const step of job?.steps ?? []) {
      const failed = steps.some(({ code }) => code !== null && code !== 0);
      if (failed || !holds(step.if, state.outputs)) steps.push({ code: null, log: "", outputs: {} });
      else steps.push(await runStep(step, directory, variables, state, change));
    }
    return { steps, masks: state.masks, raw: state.raw, env: state.env };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runStep(
  step: Step,
  directory: string,
  variables: Readonly<Record<string, string>>,
  state: {
    env: Record<string, string>;
    masks: string[];
    raw: string;
    outputs: Record<string, Record<string, string>>;
  },
  change: (inputs: Record<string, string>) => Record<string, string>,
): Promise<StepResult> {
  const files = { GITHUB_ENV: join(directory, "env"), GITHUB_OUTPUT: join(directory, "output") };
  for (const file of Object.values(files)) await writeFile(file, "");
  const common = { PATH: process.env["PATH"] ?? "", HOME: directory, ...variables, ...files, ...state.env };
  const [command, args, inputs] = step.run
    ? (["bash", ["-e", "-c", step.run], {}] as const)
    : await actionOf(change({ ...step.with }));
  const child = spawn(command, [...args], {
    env: { ...common, ...inputs },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err] = await Promise.all([
    child.stdout.toArray(),
    child.stderr.toArray(),
    once(child, "close"),
  ]);
  const raw = out.join("") + err.join("");
  state.raw += raw;
  state.masks.push(...[...raw.matchAll(/^::add-mask::(.*)$/gm)].map((match) => unescaped(match[1] ?? "")));
  Object.assign(state.env, readPairs(await readFile(files.GITHUB_ENV, "utf8")));
  const outputs = readPairs(await readFile(files.GITHUB_OUTPUT, "utf8"));
  if (step.id) state.outputs[step.id] = outputs;
  const visible = raw.replace(/^::add-mask::.*\n/gm, "");
  const log = state.masks.reduce((text, mask) => text.replaceAll(mask, "***"), visible);
  return { code: child.exitCode, log, outputs };
}

/** What a command of the runner carries. */
function unescaped(text: string): string {
  return text.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
}

/** The Action of this checkout, with the defaults of its inputs. */
async function actionOf(given: Record<string, string>) {
  const action = parseYaml(await readFile(join(ROOT, "action.yml"), "utf8")) as {
    inputs: Record<string, { required?: boolean; default?: string }>;
    runs: { using: string; main: string };
  };
  const unknown = Object.keys(given).filter((name) => !(name in action.inputs));
  if (unknown.length > 0) throw new Error(`The Action has no input ${unknown.join(", ")}.`);
  const inputs = Object.entries(action.inputs).map(([name, input]) => {
    return [`INPUT_${name.toUpperCase()}`, given[name] ?? input.default ?? ""] as const;
  });
  return [process.execPath, [join(ROOT, action.runs.main)], Object.fromEntries(inputs)] as const;
}

/** The form `name<<delimiter`, which is all that the Action writes. */
function readPairs(text: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  const lines = text.split("\n");
  while (lines.length > 0 && lines[0] !== "") {
    const [, name = "", delimiter = ""] = /^(.+?)<<(.+)$/.exec(lines.shift() ?? "") ?? [];
    const end = lines.indexOf(delimiter);
    if (end === -1) throw new Error(`${name} does not end.`);
    pairs[name] = lines
      .splice(0, end + 1)
      .slice(0, -1)
      .join("\n");
  }
  return pairs;
}

/** The one form of a condition that the sample has. */
function holds(condition: string | undefined, outputs: Record<string, Record<string, string>>): boolean {
  if (condition === undefined) return true;
  const [, id = "", name = "", not, value] =
    /^steps\.(\w+)\.outputs\.([\w-]+) (!=|==) '(.*)'$/.exec(condition) ?? [];
  if (id === "") throw new Error(`A condition that this runner does not know: ${condition}`);
  return ((outputs[id]?.[name] ?? "") === value) === (not === "==");
}
