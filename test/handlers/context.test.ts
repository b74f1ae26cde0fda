import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { newId } from "../../service/handlers/context.ts";
import { NOW } from "../domain/builders.ts";

it("ids of events rise in the order in which a process writes them, also within one millisecond", () => {
  const context = { clock: { now: () => NOW }, chance: { number: () => 0, bytes: randomBytes } };
  const ids = Array.from({ length: 200 }, () => newId(context, "evt"));
  expect(ids).toEqual([...new Set(ids)].sort());
});
