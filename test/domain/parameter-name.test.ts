import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  PARAMETER_LEVELS_MAX,
  PARAMETER_NAME_MAX,
  parameterName,
  parameterPrefixProblem,
  parameterTags,
  repositoryPath,
} from "../../service/domain/parameter-name.ts";
import { environmentOf } from "./builders.ts";

const PREFIX = "/offshoot";
const pull = environmentOf({ kind: "pull", number: 12, database: "shop" });
const branch = environmentOf({
  kind: "branch",
  number: null,
  gitBranch: "feature/ümlaut_1",
  database: "shop",
});
const tenant = environmentOf({ kind: "tenant", number: null, customerKey: "acme@eu" });

describe("the name of a parameter", () => {
  it.each([
    [pull, "acme/shop", "/offshoot/acme/shop/pull/12/shop"],
    [branch, "acme/shop", "/offshoot/acme/shop/branch/feature_2f_c3_bcmlaut_5f1/shop"],
    [tenant, null, "/offshoot/tenant/acme_40eu"],
  ])("says whose database it is (%#)", (owner, repositoryName, name) => {
    expect(parameterName(PREFIX, owner, repositoryName)).toBe(name);
  });

  it("begins with the path that a policy allows for its repository", () => {
    const name = parameterName(PREFIX, branch, "acme/my_shop");
    expect(name.startsWith(`${repositoryPath(PREFIX, "acme/my_shop")}/`)).toBe(true);
  });

  it("of a text that is too long is cut, and still differs from others", () => {
    const names = ["a", "b"].map((end) =>
      parameterName(PREFIX, { ...branch, gitBranch: `${"x".repeat(254)}/${end}` }, "acme/shop"),
    );
    expect(names[0]).toMatch(/^\/offshoot\/acme\/shop\/branch\/x{237}__[0-9a-f]{16}\/shop$/);
    expect(new Set(names).size).toBe(2);
  });
});

const anything = fc.string({ unit: "grapheme", maxLength: 300 }).filter((text) => text.isWellFormed());
const repositoryName = fc
  .tuple(anything, anything)
  .map(([login, name]) => `${login.replaceAll("/", "")}/${name}`);
const prefix = fc.constantFrom("/o", "/offshoot", `/${"p".repeat(99)}`, "/a/b/c/d/e");
const owner = fc.oneof(
  fc.record({ kind: fc.constant("pull" as const), number: fc.nat(), database: anything }),
  fc.record({ kind: fc.constant("branch" as const), gitBranch: anything, database: anything }),
  fc.record({ kind: fc.constant("tenant" as const), customerKey: anything }),
);
const named = fc.record({ owner, repositoryName }).map(({ owner: change, repositoryName: name }) => {
  const none = { number: null, gitBranch: null, customerKey: null, database: "" };
  return { owner: { ...none, ...change }, name: change.kind === "tenant" ? null : name };
});

describe("for any owner at all", () => {
  it("SSM takes the name", () => {
    fc.assert(
      fc.property(prefix, named, (begin, { owner: whose, name }) => {
        const text = parameterName(begin, whose, name);
        expect(text).toMatch(/^(?:\/[A-Za-z0-9_.-]+)+$/);
        expect(text).not.toMatch(/^\/(?:aws|ssm)/i);
        expect(text.length).toBeLessThanOrEqual(PARAMETER_NAME_MAX);
        expect(text.split("/").length - 1).toBeLessThanOrEqual(PARAMETER_LEVELS_MAX);
      }),
      { numRuns: 2_000 },
    );
  });

  it("another owner has another name", () => {
    fc.assert(
      fc.property(named, named, (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        expect(parameterName(PREFIX, a.owner, a.name)).not.toBe(parameterName(PREFIX, b.owner, b.name));
      }),
      { numRuns: 2_000 },
    );
  });

  it("texts that are nearly the same have different names", () => {
    const near = fc.string({ unit: fc.constantFrom("_", "/", "2", "f", "5", "é", "-", "."), maxLength: 6 });
    fc.assert(
      fc.property(near, near, (a, b) => {
        fc.pre(a !== b);
        const [one, other] = [a, b].map((gitBranch) =>
          parameterName(PREFIX, { ...branch, gitBranch }, "a/b"),
        );
        expect(one).not.toBe(other);
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("a prefix", () => {
  it.each(["/offshoot", "/a/b/c/d/e", "/Team-1/previews_.x", "/xaws"])("may be %s", (text) => {
    expect(parameterPrefixProblem(text)).toBeNull();
  });

  it.each([
    ["offshoot", /after a slash/],
    ["/offshoot/", /after a slash/],
    ["/", /after a slash/],
    ["/a//b", /after a slash/],
    ["/a b", /after a slash/],
    ["/*", /after a slash/],
    ["/aws/previews", /"aws" or "ssm"/],
    ["/SSMx", /"aws" or "ssm"/],
    ["/a/b/c/d/e/f", /5 levels/],
    [`/${"a".repeat(100)}`, /100 characters/],
  ])("may not be %s", (text, problem) => {
    expect(parameterPrefixProblem(text)).toMatch(problem);
  });
});

it("the tags tell previews from customers", () => {
  expect(parameterTags(pull)).toEqual({
    "offshoot:service": "offshoot",
    "offshoot:environment": "env_1",
    "offshoot:kind": "preview",
  });
  expect(parameterTags(tenant)).toMatchObject({ "offshoot:kind": "tenant" });
});
