import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { resourcesOf, STACK } from "./golden-stack.ts";

const RUNBOOK = readFileSync(join(import.meta.dirname, "..", "..", "docs", "runbook.md"), "utf8");
/** What whoever is woken by an alarm wants to know, in this order. */
const ANSWERS = ["Means", "Noticed by", "First", "Mend", "Harmless", "Over"];

const chapter = RUNBOOK.slice(RUNBOOK.indexOf("\n## Alarms"), RUNBOOK.indexOf("\n## Stacks that"));
const sections = new Map(
  chapter
    .split(/^### /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf("\n")), text] as const),
);

describe("the runbook", () => {
  it("has a section for each alarm of the stack, and for no other", () => {
    const names = resourcesOf("AWS::CloudWatch::Alarm").map(({ Properties }) =>
      String(Properties["AlarmName"]).replace(/^offshoot-/, ""),
    );
    expect([...sections.keys()].sort()).toEqual(names.sort());
  });

  it.each([...sections])("answers every question about %s", (_name, text) => {
    const asked = [...text.matchAll(/^- \*\*([^:*]+):\*\* \S/gm)].map(([, question]) => question);
    expect(asked).toEqual(ANSWERS);
    expect(/^- \*\*First:\*\* .*`[^`]+`/m.test(text)).toBe(true);
  });

  it("names resources and outputs that the stack has", () => {
    const ids = Object.entries(STACK.Resources).map(([id, { Type }]) => `${Type.replace("AWS::", "")} ${id}`);
    const asked = [...RUNBOOK.matchAll(/\(resource (\w+::\w+) (\w+)\)/g)].map(
      ([, type, id]) => `${type} ${id}`,
    );
    const logs = [...RUNBOOK.matchAll(/`logs (\w+?)(?:Logs)?(?: \d+m)?`/g)].map(
      ([, id]) => `Logs::LogGroup ${id}Logs`,
    );
    expect(asked.length).toBeGreaterThan(3);
    expect(logs.length).toBeGreaterThan(3);
    const missing = [...asked, ...logs].filter((one) => !ids.some((id) => id.startsWith(one)));
    expect(missing).toEqual([]);
    const outputs = [...RUNBOOK.matchAll(/\(output (\w+)\)/g)].map(([, name]) => String(name));
    expect([...new Set(outputs)].filter((name) => !(name in STACK.Outputs))).toEqual([]);
  });
});
