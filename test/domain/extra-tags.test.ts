import { describe, expect, it } from "vitest";
import { extraTagsProblem, readExtraTags } from "../../service/domain/extra-tags.ts";

describe("tags of the organisation", () => {
  it("are pairs, separated by commas; a value may hold an equals sign or be empty", () => {
    const text = "team=db, cost-center=42,query=a=b,empty=";
    expect(extraTagsProblem(text)).toBeNull();
    expect(readExtraTags(text)).toEqual({ team: "db", "cost-center": "42", query: "a=b", empty: "" });
  });

  it.each([
    ["team", /key/],
    ["=db", /key/],
    ["te*m=db", /key/],
    [`${"k".repeat(129)}=db`, /key/],
    ["team=d;b", /value/],
    [`team=${"v".repeat(257)}`, /value/],
    ["offshoot:kind=tenant", /offshoot:/],
    ["Offshoot:kind=tenant", /offshoot:/],
    ["aws:x=y", /aws:/],
    ["Name=ours", /Name/],
    ["team=db,team=web", /once/],
    ["team=db,", /key/],
    [Array.from({ length: 31 }, (_, n) => `k${n}=v`).join(","), /at most 30/],
  ])("%s is refused", (text, problem) => {
    expect(extraTagsProblem(text)).toMatch(problem);
  });
});
