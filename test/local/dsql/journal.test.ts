import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openJournal } from "../../../local/dsql/journal.ts";
import { temporaryDirectory } from "./clients.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let path: string;

beforeEach(async () => {
  directory = await temporaryDirectory();
  path = join(directory.path, "numbers.json");
});

afterEach(() => directory.remove());

/** A set of numbers. */
function open() {
  const numbers = new Set<number>();
  const { append } = openJournal<number>({
    ...{ path, what: "a set of numbers" },
    load: (snapshot) => {
      for (const one of snapshot as number[]) numbers.add(one);
    },
    apply: (one) => numbers.add(one),
    snapshot: () => [...numbers],
  });
  const add = (one: number): void => {
    numbers.add(one);
    append(one);
  };
  return { numbers, add };
}

it("keeps a line for every change", () => {
  const { add } = open();
  for (const one of [1, 2, 3]) add(one);
  expect(readFileSync(path, "utf8")).toBe("[1]\n2\n3\n");
  expect([...open().numbers]).toEqual([1, 2, 3]);
});

it("reads a file of one line without its end, which is how it was written before", () => {
  writeFileSync(path, "[1,2]");
  const { add, numbers } = open();
  add(3);
  expect([...numbers]).toEqual([1, 2, 3]);
  expect([...open().numbers]).toEqual([1, 2, 3]);
});

it("drops the half of a line that was never acknowledged, and goes on", () => {
  writeFileSync(path, "[1]\n2\n3");
  const { add, numbers } = open();
  expect([...numbers]).toEqual([1, 2]);
  add(4);
  expect([...open().numbers]).toEqual([1, 2, 4]);
});

it("writes the file anew when it has become long", () => {
  const { add } = open();
  for (let one = 1; one <= 4_100; one++) add(one);
  expect(readFileSync(path, "utf8").split("\n").length).toBeLessThan(200);
  expect(open().numbers.size).toBe(4_100);
});

it("does not touch a file that it cannot read", () => {
  writeFileSync(path, "[1]\nrubbish\n");
  expect(open).toThrow(`${path} is not a set of numbers`);
  expect(readFileSync(path, "utf8")).toBe("[1]\nrubbish\n");
});
