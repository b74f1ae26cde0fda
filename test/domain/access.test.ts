import { describe, expect, it } from "vitest";
import { type AccessRule, grantsFor, READER_ROLE } from "../../service/domain/access.ts";
import { ACCESS_RULES_MAX, readAccess } from "../../service/domain/access-list.ts";

const ARN = "arn:aws:iam::123456789012:role/developers";
const SIGNER = "arn:aws:iam::123456789012:role/offshoot-token";
const GOOD = { repositories: ["acme/*"], iamRole: ARN, databaseRole: "app" };

function rule(change: Partial<AccessRule>): AccessRule {
  return { repositories: [], tenants: null, iamRole: ARN, databaseRole: "app", ...change };
}
const preview = (repositoryName: string | null, labels = {}) =>
  ({ kind: "pull", repositoryName, labels }) as const;
const customer = (labels: Record<string, string>) =>
  ({ kind: "tenant", repositoryName: null, labels }) as const;
const APP = [{ databaseRole: "app", iamRole: ARN }];

describe("grants", () => {
  it.each([
    ["a repository of that name", preview("acme/shop"), { repositories: ["acme/shop"] }, true],
    ["a repository in other letters", preview("Acme/Shop"), { repositories: ["acme/SHOP"] }, true],
    ["a repository whose name goes on", preview("acme/shop2"), { repositories: ["acme/shop"] }, false],
    ["a repository of an owner", preview("acme/shop"), { repositories: ["beta/*", "acme/*"] }, true],
    ["an owner whose name goes on", preview("acme2/shop"), { repositories: ["acme/*"] }, false],
    ["any repository", preview("acme/shop"), { repositories: ["*"] }, true],
    ["a repository that nothing is known of", preview(null), { repositories: ["*"] }, false],
    ["a preview, by a rule for customers", preview("acme/shop", { plan: "gold" }), { tenants: "*" }, false],
    ["a branch", { ...preview("acme/shop"), kind: "branch" as const }, { repositories: ["acme/*"] }, true],
    ["any customer", customer({}), { tenants: "*" }, true],
    [
      "a customer with the labels and more",
      customer({ plan: "gold", eu: "1" }),
      { tenants: { plan: "gold" } },
      true,
    ],
    [
      "a customer with some of the labels",
      customer({ plan: "gold" }),
      { tenants: { plan: "gold", eu: "1" } },
      false,
    ],
    ["a customer with another value", customer({ plan: "free" }), { tenants: { plan: "gold" } }, false],
    ["a customer, by a rule for previews", customer({ plan: "gold" }), { repositories: ["*"] }, false],
  ] as const)("of %s", (_what, owner, change, isGranted) => {
    const rules = [rule(change)];
    expect(grantsFor(owner, { rules, tokenRoleArn: null })).toEqual(isGranted ? APP : []);
  });

  it("hold the reader for the signing role, wherever one is configured", () => {
    const reader = [{ databaseRole: READER_ROLE, iamRole: SIGNER }];
    for (const owner of [preview("acme/shop"), preview(null), customer({})]) {
      expect(grantsFor(owner, { rules: [], tokenRoleArn: SIGNER })).toEqual(reader);
      expect(grantsFor(owner, { rules: [], tokenRoleArn: null })).toEqual([]);
    }
  });

  it("hold the customers' own signing role in customers' databases only", () => {
    const roles = { tokenRoleArn: SIGNER, tenantTokenRoleArn: `${SIGNER}-tenants` };
    const readers = (owner: Parameters<typeof grantsFor>[0]) =>
      grantsFor(owner, { rules: [], ...roles }).map(({ iamRole }) => iamRole);
    expect(readers(preview("acme/shop"))).toEqual([SIGNER]);
    expect(readers(customer({}))).toEqual([`${SIGNER}-tenants`]);
  });

  it("come once each, in one order", () => {
    const rules = [
      rule({ tenants: "*", databaseRole: "zeta" }),
      rule({ tenants: "*" }),
      rule({ tenants: { plan: "gold" } }),
      rule({ tenants: "*", databaseRole: READER_ROLE, iamRole: SIGNER }),
    ];
    const owner = customer({ plan: "gold" });
    const grants = grantsFor(owner, { rules, tokenRoleArn: SIGNER });
    expect(grants.map(({ databaseRole }) => databaseRole)).toEqual(["app", READER_ROLE, "zeta"]);
    expect(grantsFor(owner, { rules: rules.toReversed(), tokenRoleArn: SIGNER })).toEqual(grants);
  });
});

describe("the access list", () => {
  const read = (...rules: readonly unknown[]) => readAccess(JSON.stringify(rules));

  it("is read as it is written", () => {
    expect(read(GOOD, { tenants: { plan: "gold" }, iamRole: ARN, databaseRole: "_ops" })).toEqual({
      rules: [
        { ...GOOD, tenants: null },
        { repositories: [], tenants: { plan: "gold" }, iamRole: ARN, databaseRole: "_ops" },
      ],
    });
    expect(read()).toEqual({ rules: [] });
  });

  it.each([
    ["a database role of the system", { databaseRole: "admin" }, /databaseRole/],
    ["postgres", { databaseRole: "postgres" }, /databaseRole/],
    ["a role of Postgres", { databaseRole: "pg_read_all_data" }, /databaseRole/],
    ["sys", { databaseRole: "sys" }, /databaseRole/],
    ["a database role that needs quotes", { databaseRole: 'app"; drop' }, /databaseRole/],
    ["a database role that is too long", { databaseRole: "a".repeat(64) }, /databaseRole/],
    ["a database role with a line break", { databaseRole: "app\n" }, /databaseRole/],
    ["an IAM user", { iamRole: "arn:aws:iam::123456789012:user/ann" }, /iamRole/],
    ["a session", { iamRole: "arn:aws:sts::123456789012:assumed-role/a/b" }, /iamRole/],
    ["an ARN with a quote", { iamRole: `${ARN}'` }, /iamRole/],
    ["no IAM role", { iamRole: undefined }, /iamRole/],
    ["a repository without an owner", { repositories: ["shop"] }, /repositories/],
    ["an owner in part", { repositories: ["acme*/shop"] }, /repositories/],
    ["no repository", { repositories: [] }, /repositories/],
    ["one repository that is no list", { repositories: "acme/shop" }, /repositories/],
    ["labels that are none", { tenants: {} }, /tenants/],
    ["a label that is no text", { tenants: { plan: 1 } }, /tenants/],
    ["a word for all", { tenants: "all" }, /tenants/],
    ["neither repositories nor customers", { repositories: undefined }, /neither/],
    ["a misspelt word", { repository: "acme/shop" }, /"repository" is not known/],
  ])("may not have %s", (_what, change, expected) => {
    const list = read(GOOD, { ...GOOD, ...change });
    expect(list).toEqual({ problems: [expect.stringMatching(expected)] });
    expect("problems" in list && list.problems[0]).toMatch(/^rule 2: /);
  });

  it.each([
    ["no JSON", "acme/*"],
    ["no list", "{}"],
    ["rules that are none", '["app", null]'],
  ])("may not be %s", (_what, text) => {
    expect(readAccess(text)).toHaveProperty("problems");
  });

  it("has an end", () => {
    expect(read(...new Array(ACCESS_RULES_MAX + 1).fill(GOOD))).toHaveProperty("problems");
  });
});
