import { describe, expect, it } from "vitest";
import { clockText, findingsOf, Gap } from "../../service/cli/findings.ts";

describe("findings", () => {
  it("hide none behind a failed one, and each that failed says what to do", async () => {
    const findings = await findingsOf([
      ["first", () => Promise.reject(new Gap("It is missing.", "make it")), "Do this."],
      ["second", () => Promise.reject(new Error("It is broken.")), "Do that."],
      ["third", async () => ({ text: "is there", request: "make more" }), "Do nothing."],
      ["fourth", async () => "is there", "Do nothing."],
    ]);
    expect(findings).toEqual([
      { name: "first", ok: false, text: "It is missing.", request: "make it" },
      { name: "second", ok: false, text: "It is broken.", next: "Do that." },
      { name: "third", ok: true, text: "is there", request: "make more" },
      { name: "fourth", ok: true, text: "is there" },
    ]);
  });
});

describe("this clock", () => {
  it.each([0, 30_000, -30_000])("is good %i ms off another one", (ms) => {
    expect(clockText(new Date(Date.now() + ms), "AWS")).toMatch(/^within \d+ s of AWS's$/);
  });

  it.each([3_600_000, -3_600_000])("is told when it is %i ms off, and how to set it", (ms) => {
    expect(() => clockText(new Date(Date.now() + ms), "AWS")).toThrow(/3600 s off AWS's/);
  });

  it("is not judged by one that tells no time", () => {
    expect(clockText(null, "AWS")).toBe("AWS tells no time");
    expect(clockText(new Date(Number.NaN), "GitHub")).toBe("GitHub tells no time");
  });
});
