import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { createBackEndKey } from "./key.ts";
import { STATE_FILE } from "./process.ts";
import { type Stack, startStack } from "./stack.ts";
import { playStory } from "./story.ts";

/** What a person sees of creation: AWS needs 5 to 60 s, a demo need not. */
const CREATING_MS = 1_500;

const USAGE = "Usage: scripts/demo [--once [--record <file>]]";
const { once, record } = readArguments();
process.exitCode = await (once ? playOnce() : stay());

function readArguments(): { readonly once: boolean; readonly record: string | undefined } {
  try {
    const options = { once: { type: "boolean" }, record: { type: "string" } } as const;
    const { values } = parseArgs({ options });
    if (values.record !== undefined && !values.once) throw new Error("--record needs --once");
    return { once: values.once ?? false, record: values.record };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exit(2);
  }
}

/** Plays the story and proves that nothing is left. Exit code 0 only if every step held. */
async function playOnce(): Promise<number> {
  const begun = performance.now();
  const tell = (step: string, detail: string) =>
    console.log(`${seconds(begun)}  ${step.padEnd(44)} ${detail}`);
  const directory = await mkdtemp(join(tmpdir(), "offshoot-demo-"));
  let stack: Stack | null = null;
  try {
    const githubArgs = record ? ["--record", resolve(record)] : [];
    stack = await startStack({ directory, dsqlArgs: ["--creating-ms", "300"], githubArgs });
    tell("service, local DSQL and local GitHub started", stack.github.pageUrl);
    await playStory(stack, tell);
    await endStack(stack);
    tell("stopped", "no process and no directory is left");
    return 0;
  } catch (error) {
    console.error(`${seconds(begun)}  FAILED: ${error instanceof Error ? error.message : error}`);
    console.error(`Logs: ${join(directory, "log")}`);
    await stack?.stop();
    return 1;
  }
}

/** Stops everything, then looks whether something is left; throws if so. */
async function endStack(stack: Stack): Promise<void> {
  const clusters = join(stack.directory, "dsql", "clusters");
  const left = existsSync(clusters) ? await readdir(clusters) : [];
  const previews = left.filter((name) => name !== stack.storeIdentifier);
  if (previews.length > 0)
    throw new Error(`Directories of removed clusters are left: ${previews.join(", ")}`);
  await stack.stop();
  await rm(stack.directory, { recursive: true, force: true });
  const alive = await processesOf(stack.directory);
  if (alive.length > 0) throw new Error(`Processes are left: ${alive.join("; ")}`);
  if (existsSync(stack.directory)) throw new Error(`${stack.directory} is left.`);
}

/** Command lines that mention the directory; only where /proc tells. */
async function processesOf(directory: string): Promise<readonly string[]> {
  if (!existsSync("/proc/self/cmdline")) return [];
  const found: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(join("/proc", pid, "cmdline"), "utf8").catch(() => "");
    if (line.includes(directory)) found.push(`${pid} ${line.replaceAll("\0", " ").trim()}`);
  }
  return found;
}

/** Runs until Ctrl-C, then leaves nothing running; also if that comes while it starts. */
async function stay(): Promise<number> {
  const interrupted = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  const directory = await mkdtemp(join(tmpdir(), "offshoot-demo-"));
  try {
    const stack = await startStack({ directory, dsqlArgs: ["--creating-ms", String(CREATING_MS)] });
    await mkdir(dirname(STATE_FILE), { recursive: true });
    await writeFile(STATE_FILE, JSON.stringify({ pageUrl: stack.github.pageUrl }), { mode: 0o600 });
    console.log(welcome(stack, await createBackEndKey(stack), join(directory, "log")));
    await interrupted;
    console.log("\nStopping…");
    await stack.stop();
    return 0;
  } finally {
    await rm(STATE_FILE, { force: true });
    await rm(directory, { recursive: true, force: true });
  }
}

function welcome({ github, serviceUrl }: Stack, key: string, logs: string): string {
  return `
Offshoot is running. Open ${github.pageUrl}

  1. Open a pull request in acme/shop: a comment appears, and a few seconds later it says how to connect.
  2. In another terminal: scripts/connect 1
  3. Comment /db status, /db destroy or /db create as wendy (write) or rita (read only).
  4. Close the pull request and watch its cluster go.

The API is at ${serviceUrl}/v1. To try docs/api.md in another terminal:

export OFFSHOOT_URL=${serviceUrl}
export OFFSHOOT_KEY=${key}

Logs are in ${logs}. Ctrl-C ends everything.`;
}

function seconds(begun: number): string {
  return `${((performance.now() - begun) / 1000).toFixed(1).padStart(5)} s`;
}
