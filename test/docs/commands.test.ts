import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readTold } from "../../scripts/destroy-plan.ts";
import type { Command } from "../../service/cli/command.ts";
import { commands as connect } from "../../service/cli/connect.ts";
import { commands as doctor } from "../../service/cli/doctor.ts";
import { commands as env } from "../../service/cli/env.ts";
import { commands as login } from "../../service/cli/login.ts";
import { commands as operator } from "../../service/cli/operator/commands.ts";
import { commands as run } from "../../service/cli/run-command.ts";
import { commands as tenant } from "../../service/cli/tenant.ts";
import { commands as token } from "../../service/cli/token.ts";
import { commands as why } from "../../service/cli/why.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const COMMANDS = [connect, doctor, env, login, operator, run, tenant, token, why].flat();
const COMMON = ["json", "help"];
const docs = readdirSync(join(ROOT, "docs")).filter((name) => name.endsWith(".md"));
const PAGES = ["README.md", "SECURITY.md", ...docs.map((name) => join("docs", name))];

/**
 * Commands of AWS that pages tell to run, with their options, as botocore 1.43 has them; `logs tail` is the CLI's own. A
 * new one is to be looked up before it is added here.
 */
const OF_AWS: Readonly<Record<string, readonly string[]>> = {
  "backup list-recovery-points-by-resource": ["resource-arn"],
  "cloudformation delete-stack": ["stack-name"],
  "cloudformation describe-stacks": ["stack-name"],
  "cloudformation list-stack-resources": ["stack-name"],
  "cloudformation wait": ["stack-name"],
  "cloudwatch describe-alarms": ["alarm-name-prefix", "state-value"],
  "events list-rules": ["name-prefix"],
  "lambda get-function-concurrency": ["function-name"],
  "lambda list-event-source-mappings": ["function-name"],
  "lambda update-function-configuration": ["function-name", "description"],
  "logs tail": ["since"],
  "secretsmanager delete-secret": ["secret-id"],
  "secretsmanager get-secret-value": ["secret-id"],
  "secretsmanager put-secret-value": ["secret-id", "secret-string"],
  "sqs purge-queue": ["queue-url"],
  "sqs receive-message": ["queue-url", "visibility-timeout"],
  "ssm delete-parameter": ["name"],
};
const OF_ALL_AWS = ["output", "query", "region", "profile"];

/** What stands as code on a page: spans, and the lines of blocks. */
function codeOf(page: string): readonly string[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = ""]) =>
    block.split("\n"),
  );
  const spans = [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/`([^`]+)`/g)].map(
    ([, span = ""]) => span,
  );
  return [...blocks, ...spans.map((span) => span.replace(/\s+/g, " "))];
}

function asked(pattern: RegExp): readonly (readonly [page: string, line: string])[] {
  return PAGES.flatMap((page) =>
    codeOf(page).flatMap((line) =>
      [...line.matchAll(pattern)].map(([, rest = ""]) => [page, rest.trim()] as const),
    ),
  );
}

const optionsOf = (line: string) =>
  [...line.matchAll(/(?<![\w-])--([a-z-]+)/g)].map(([, name]) => String(name));

function commandOf(line: string): Command | undefined {
  const [first = "", second = ""] = line.split(" ");
  return (
    COMMANDS.find(({ name }) => name === `${first} ${second}`) ?? COMMANDS.find(({ name }) => name === first)
  );
}

const OURS = asked(/(?:^|\s|\()(?:offshoot|scripts\/operate|run offshoot --) ([a-z][^|;&#)]*)/g).filter(
  ([, line]) => !/^(help|-)/.test(line),
);
const DESTROYS = asked(/scripts\/destroy((?: --[a-z-]+)*)/g);
const AWS_COMMANDS = asked(/(?:^|\s|\()aws ([a-z0-9]+ [a-z-]+[^;|]*)/g);

describe("a command that a page tells to run", () => {
  it.each(OURS)("is one of offshoot, in %s: %s", (_page, line) => {
    const command = commandOf(line);
    expect(command, line).toBeDefined();
    const known = [...COMMON, ...Object.keys(command?.options ?? {})];
    const [own = ""] = command?.takesRest ? line.split(" -- ") : [line];
    expect(optionsOf(own).filter((name) => !known.includes(name))).toEqual([]);
  });

  it.each(DESTROYS)("is understood by scripts/destroy, in %s: %s", (_page, line) => {
    expect(readTold(line.split(" ").filter(Boolean)).kind).toBe("told");
  });

  it.each(AWS_COMMANDS)("is one of AWS', in %s: %s", (_page, line) => {
    const [words = ""] = /^\S+ \S+/.exec(line) ?? [];
    const options = OF_AWS[words];
    expect(options, words).toBeDefined();
    // What is asked for within is a command of its own.
    const own = line.replace(/\$\([^)]*\)/g, "").replace(/aws .*/, "");
    expect(optionsOf(own).filter((name) => ![...OF_ALL_AWS, ...(options ?? [])].includes(name))).toEqual([]);
  });

  it("is found where there is one, of each kind", () => {
    expect(OURS.length).toBeGreaterThan(30);
    expect(DESTROYS.length).toBeGreaterThan(2);
    const told = AWS_COMMANDS.map(([, line]) => /^\S+ \S+/.exec(line)?.[0]);
    expect(Object.keys(OF_AWS).filter((words) => !told.includes(words))).toEqual([]);
  });
});
