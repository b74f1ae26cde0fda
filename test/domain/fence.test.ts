import { describe, expect, it } from "vitest";
import { FENCE_POLICY, isFence, withoutFence } from "../../service/domain/fence.ts";

const [OURS] = JSON.parse(FENCE_POLICY).Statement;
const OWN = { Sid: "Own", Effect: "Deny", Principal: "*", Action: "dsql:DbConnect", Resource: "*" };
const policy = (...Statement: unknown[]) => JSON.stringify({ Version: "2012-10-17", Statement });

describe("the fence", () => {
  it.each([
    ["as it was put", FENCE_POLICY],
    ["beside a statement of somebody else", policy(OWN, OURS)],
    ["in AWS' own words", policy({ ...OURS, Principal: "*", Resource: ["*"] })],
    ["with a list of principals", policy({ ...OURS, Principal: { AWS: ["*"] } })],
    ["as the only statement, without a list", JSON.stringify({ Statement: OURS })],
  ])("is known %s", (_how, text) => {
    expect(isFence(text)).toBe(true);
  });

  it.each([
    ["no policy", null],
    ["no JSON", "OffshootRetired"],
    ["no policy but JSON", "7"],
    ["a policy of somebody else", policy(OWN)],
    ["one that only speaks of it", policy({ ...OWN, Sid: "NotOffshootRetired" })],
    ["our name with an Allow", policy({ ...OURS, Effect: "Allow" })],
    [
      "our name with a condition",
      policy({ ...OURS, Condition: { StringEquals: { "aws:PrincipalArn": "x" } } }),
    ],
    ["our name with one way to connect left", policy({ ...OURS, Action: ["dsql:DbConnect"] })],
    ["our name for some only", policy({ ...OURS, Principal: { AWS: "111122223333" } })],
  ])("is not %s", (_what, text) => {
    expect(isFence(text)).toBe(false);
  });
});

describe("a policy without the fence", () => {
  it.each<[string, string | null, string | null, string | null]>([
    ["is the former one", FENCE_POLICY, policy(OWN), policy(OWN)],
    ["is none if there was none", FENCE_POLICY, null, null],
    ["is the former one if somebody took all away", null, policy(OWN), policy(OWN)],
    ["is what somebody put in its place", policy(OWN), policy(OURS), policy(OWN)],
    ["is what somebody wrote beside it", policy(OURS, OWN), null, policy(OWN)],
  ])("%s", (_what, text, former, expected) => {
    expect(withoutFence(text, former)).toBe(expected);
  });
});
