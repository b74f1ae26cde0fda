import { describe, expect, it } from "vitest";
import { inTurn } from "../../service/handlers/turn.ts";

describe("work in turn", () => {
  const journal: string[] = [];
  const work =
    (name: string, fails = false) =>
    async () => {
      journal.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      journal.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    };

  it("runs one after the other for one owner, also after a failure, and beside that of another", async () => {
    const [one, other] = [{}, {}];
    const all = await Promise.allSettled([
      inTurn(one, work("a", true)),
      inTurn(one, work("b")),
      inTurn(other, work("c")),
    ]);
    expect(all.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
    expect(journal.indexOf("b begins")).toBeGreaterThan(journal.indexOf("a ends"));
    expect(journal.indexOf("c begins")).toBeLessThan(journal.indexOf("a ends"));
  });
});
