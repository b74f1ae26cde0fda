import { describe, expect, it } from "vitest";
import { denies, parseResourcePolicy, parseSessionPolicy, permits } from "../../../local/dsql/policy.ts";

const WORKER = "arn:aws:iam::000000000000:role/offshoot/worker";
const CLUSTER = `arn:aws:dsql:us-east-1:000000000000:cluster/${"a".repeat(26)}`;
const QUESTION = {
  principalArn: WORKER,
  callerArn: "arn:aws:sts::000000000000:assumed-role/worker/one",
  action: "dsql:DbConnectAdmin",
  resource: CLUSTER,
};

function denied(statement: object, question = QUESTION): boolean {
  const deny = { Effect: "Deny", Principal: "*", Action: "dsql:*", Resource: "*", ...statement };
  return denies(parseResourcePolicy(JSON.stringify({ Statement: deny })), question);
}

function permitted(...statements: object[]): boolean {
  const Statement = statements.map((one) => ({ Effect: "Allow", Action: "dsql:*", Resource: "*", ...one }));
  return permits(parseSessionPolicy(JSON.stringify({ Version: "2012-10-17", Statement })), QUESTION);
}

describe("a resource policy", () => {
  it.each<[string, object]>([
    ["everybody", {}],
    ["one of several actions", { Action: ["dsql:GetCluster", "dsql:DbConnect*"] }],
    ["an action in another case", { Action: "dsql:dbconnectADMIN" }],
    ["the cluster", { Resource: [CLUSTER] }],
    ["the role", { Principal: { AWS: WORKER } }],
    ["the session", { Principal: { AWS: QUESTION.callerArn } }],
    ["the account", { Principal: { AWS: "000000000000" } }],
    ["the account's root", { Principal: { AWS: ["arn:aws:iam::000000000000:root"] } }],
    ["everybody but another", { Condition: { ArnNotEquals: { "aws:PrincipalArn": `${WORKER}2` } } }],
    ["everybody but others", { Condition: { StringNotEquals: { "aws:principalarn": ["a", "b"] } } }],
    ["a path of roles", { Condition: { ArnLike: { "aws:PrincipalArn": "arn:aws:iam::*:role/offshoot/*" } } }],
    ["an exact role", { Condition: { StringEquals: { "aws:PrincipalArn": ["other", WORKER] } } }],
  ])("denies %s", (_what, statement) => {
    expect(denied(statement)).toBe(true);
  });

  it.each<[string, object]>([
    ["what it allows", { Effect: "Allow" }],
    ["other actions", { Action: "dsql:DbConnect" }],
    ["other resources", { Resource: CLUSTER.replace("aaa", "bbb") }],
    ["other roles", { Principal: { AWS: `${WORKER}2` } }],
    ["other accounts", { Principal: { AWS: "111111111111" } }],
    ["the one that is left out", { Condition: { ArnNotEquals: { "aws:PrincipalArn": WORKER } } }],
    ["one of those left out", { Condition: { StringNotEquals: { "aws:PrincipalArn": ["a", WORKER] } } }],
    ["a wildcard in a plain text", { Condition: { StringEquals: { "aws:PrincipalArn": "arn:*" } } }],
    ["a wildcard beyond its part", { Condition: { ArnLike: { "aws:PrincipalArn": "arn:*" } } }],
    [
      "one condition of two",
      { Condition: { ArnEquals: { "aws:PrincipalArn": WORKER }, StringEquals: { "aws:PrincipalArn": "x" } } },
    ],
  ])("does not deny %s", (_what, statement) => {
    expect(denied(statement)).toBe(false);
  });

  it.each<[string, object, RegExp]>([
    [
      "another condition key",
      { Condition: { StringEquals: { "aws:SourceIp": "x" } } },
      /aws:SourceIp is not/,
    ],
    ["another operator", { Condition: { IpAddress: { "aws:PrincipalArn": "x" } } }, /IpAddress is not/],
    [
      "an operator with a suffix",
      { Condition: { ArnLikeIfExists: { "aws:PrincipalArn": "x" } } },
      /IfExists/,
    ],
    ["NotPrincipal", { NotPrincipal: "*" }, /NotPrincipal/],
    ["NotAction", { NotAction: "dsql:*" }, /NotAction/],
    ["a service", { Principal: { Service: "x" } }, /Service/],
    [
      "a wildcard in a principal",
      { Principal: { AWS: "arn:aws:iam::000000000000:role/*" } },
      /not a principal/,
    ],
    ["no principal", { Principal: undefined }, /Principal/],
    ["an action without a service", { Action: "DbConnect" }, /not an action/],
    ["no resource", { Resource: undefined }, /Resource/],
    ["another effect", { Effect: "Maybe" }, /Effect/],
  ])("is refused with %s", (_what, statement, message) => {
    expect(() => denied(statement)).toThrow(message);
  });

  it.each(["", "[]", "null", "{}", '{"Statement":[]}', '{"Version":"2020-01-01","Statement":[]}'])(
    "is refused as %j",
    (text) => {
      expect(() => parseResourcePolicy(text)).toThrow();
    },
  );
});

describe("a session policy", () => {
  it("permits what one of its statements allows", () => {
    expect(permitted({ Action: "s3:*" }, { Action: "dsql:DbConnect*", Resource: CLUSTER })).toBe(true);
  });

  it("permits nothing else", () => {
    expect(permitted({ Action: "dsql:DbConnect" }, { Resource: `${CLUSTER}b` })).toBe(false);
  });

  it("does not permit what it denies, whatever it allows", () => {
    expect(permitted({}, { Effect: "Deny", Action: "dsql:DbConnectAdmin" })).toBe(false);
  });

  it("does not name principals", () => {
    expect(() => permitted({ Principal: "*" })).toThrow(/Principal/);
  });
});
