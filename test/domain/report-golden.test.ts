import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { renderReport } from "../../service/domain/render.ts";
import { notices, statesOf, viewOf } from "./report-views.ts";

const DIRECTORY = new URL("./golden/", import.meta.url);
const UPDATE = process.env["UPDATE_GOLDEN"] === "1";

const states = Object.entries(statesOf());
const told = Object.entries(notices);

test.each(states)("says on %s what its golden file says", (name, state) => {
  compare(name, renderReport([viewOf(state)]).body);
});

test.each(told)("tells of the command %s what its golden file tells", (name, notice) => {
  compare(`notice-${name}`, renderReport([viewOf({ phase: "skipped", reason: "bot" }, notice)]).body);
});

test("shows all databases of a pull request in one comment", () => {
  const { queued, failed } = statesOf();
  compare("two-databases", renderReport([viewOf(queued!), viewOf(failed!, null, "reports")]).body);
});

test("has no golden file that no test compares", () => {
  const expected = [
    ...states.map(([name]) => name),
    ...told.map(([name]) => `notice-${name}`),
    "two-databases",
  ];
  expect(readdirSync(DIRECTORY).sort()).toEqual(expected.map((name) => `${name}.md`).sort());
});

function compare(name: string, body: string): void {
  const file = new URL(`${name}.md`, DIRECTORY);
  if (UPDATE) writeFileSync(file, body);
  expect(body).toBe(readFileSync(file, "utf8"));
}
