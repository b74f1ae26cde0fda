import { stripTypeScriptTypes } from "node:module";
import { describe, expect, it } from "vitest";
import { type IamFormat, type IamInput, iamGrants, renderIam } from "../../service/domain/iam-policy.ts";
import { branchTags, previewTags } from "../../service/domain/names.ts";
import { parameterName } from "../../service/domain/parameter-name.ts";
import { environmentOf } from "./builders.ts";

const WHOLE: IamInput = {
  account: "111122223333",
  region: "us-east-1",
  host: "github.com",
  repository: { name: "acme/my_shop", id: 7, ownerName: "acme", ownerId: 42 },
  parameterPrefix: "/offshoot",
  tokenRoleArn: "arn:aws:iam::111122223333:role/offshoot/signer",
  serviceRoleArn: "arn:aws:iam::111122223333:role/offshoot-service",
};
const LEAST: IamInput = { ...WHOLE, parameterPrefix: null, tokenRoleArn: null, serviceRoleArn: null };
const SERVER: IamInput = { ...LEAST, host: "github.acme.example" };

const inputs = { whole: WHOLE, least: LEAST, server: SERVER };
const formats: readonly IamFormat[] = ["json", "cdk", "terraform"];

describe.each(Object.entries(inputs))("the policies (%s)", (name, input) => {
  it.each(formats)("as %s are what their golden file says", async (format) => {
    const golden = new URL(`./golden-iam/${name}.${format}.golden`, import.meta.url);
    await expect(renderIam(input, format)).toMatchFileSnapshot(golden.pathname);
  });

  it("as CDK make the resources that the JSON names", () => {
    const made = runCdk(renderIam(input, "cdk"));
    const shown = Object.values(JSON.parse(renderIam(input, "json")) as Record<string, Shown>);
    expect(made.policies).toEqual(shown.map((one) => [one.policyName, one.purpose, one.permissions]));
    const roles = shown.filter((one) => one.roleName);
    expect(made.roles).toEqual(
      roles.map((one) => [one.roleName, one.rolePath, one.trust, [`ref ${one.policyName}`]]),
    );
  });

  it("have statements that say what they are for, in IAM's characters", () => {
    for (const { permissions, role, policyName } of iamGrants(input)) {
      const sids = [...permissions.Statement, ...(role?.trust.Statement ?? [])].map(({ Sid }) => Sid);
      expect(sids.every((sid) => /^[A-Za-z0-9]{10,}$/.test(sid))).toBe(true);
      expect(new Set(sids).size).toBe(sids.length);
      expect(policyName).toMatch(/^[\w+=,.@-]{1,64}$/);
    }
  });
});

interface Shown {
  purpose: string;
  policyName: string;
  permissions: object;
  roleName?: string;
  rolePath?: string;
  trust?: object;
}

/** Runs the construct on a CDK that only writes down what is made. */
function runCdk(text: string) {
  const policies: unknown[] = [];
  const roles: unknown[] = [];
  class CfnManagedPolicy {
    ref: string;
    constructor(_scope: unknown, _id: string, made: Record<string, unknown>) {
      this.ref = `ref ${made["managedPolicyName"]}`;
      policies.push([made["managedPolicyName"], made["description"], made["policyDocument"]]);
    }
  }
  class CfnRole {
    constructor(_scope: unknown, _id: string, made: Record<string, unknown>) {
      roles.push([
        made["roleName"],
        made["path"],
        made["assumeRolePolicyDocument"],
        made["managedPolicyArns"],
      ]);
    }
  }
  const construct = text.replace(/^import .*$/gm, "").replace("export class", "class");
  const made = `${stripTypeScriptTypes(construct)}; new OffshootAccess(null, "access");`;
  new Function("CfnManagedPolicy", "CfnRole", "Construct", made)(CfnManagedPolicy, CfnRole, class {});
  return { policies, roles };
}

function statementsOf(input: IamInput, who: string) {
  const grant = iamGrants(input).find((one) => one.who === who);
  return [...(grant?.permissions.Statement ?? []), ...(grant?.role?.trust.Statement ?? [])];
}

describe("a preview's cluster", () => {
  const place = { host: "github.com", repositoryId: 7 };
  it.each([
    ["of a pull request", previewTags("cl_1", { ...place, number: 1 }, "acme/my_shop")],
    ["of a git branch", branchTags("cl_1", { ...place, gitBranch: "main" }, "acme/my_shop")],
  ])("%s has the tags that the conditions ask for", (_whose, tags) => {
    for (const { Condition } of statementsOf(WHOLE, "people")) {
      for (const [key, value] of Object.entries(Condition?.["StringEquals"] ?? {})) {
        expect(tags[key.replace("aws:ResourceTag/", "")]).toBe(value);
      }
    }
  });
});

it("the application may read the parameters of its repository, by the name that they have", () => {
  const [find] = statementsOf(WHOLE, "application");
  const name = parameterName("/offshoot", environmentOf({ number: 3, database: "shop" }), "acme/my_shop");
  const path = find?.Resource?.replace("arn:aws:ssm:us-east-1:111122223333:parameter", "");
  expect(path).toBe("/offshoot/acme/my_5fshop/*");
  expect(name.startsWith(path?.slice(0, -1) ?? "-")).toBe(true);
});

describe("GitHub's jobs are trusted", () => {
  it.each([
    ["github.com", "token.actions.githubusercontent.com", 2],
    ["acme.ghe.com", "token.actions.acme.ghe.com", 2],
    ["github.acme.example", "github.acme.example/_services/token", 1],
  ])("by the issuer of %s, in pull requests only", (host, provider, forms) => {
    const trust = statementsOf({ ...WHOLE, host }, "ci").at(-1);
    const subjects = trust?.Condition?.["StringEquals"]?.[`${provider}:sub`];
    expect(trust?.Principal).toEqual({ Federated: `arn:aws:iam::111122223333:oidc-provider/${provider}` });
    expect(trust?.Condition?.["StringEquals"]?.[`${provider}:aud`]).toBe("sts.amazonaws.com");
    expect(subjects).toEqual(
      ["repo:acme/my_shop:pull_request", "repo:acme@42/my_shop@7:pull_request"].slice(0, forms),
    );
  });
});

it("the signing role has the name and the path of its ARN", () => {
  const signing = (tokenRoleArn: string | null) =>
    iamGrants({ ...WHOLE, tokenRoleArn }).find(({ who }) => who === "signing")?.role;
  expect(signing("arn:aws:iam::111122223333:role/a/b/signer")).toMatchObject({
    path: "/a/b/",
    name: "signer",
  });
  expect(signing("arn:aws:iam::111122223333:role/signer")).toMatchObject({ path: "/", name: "signer" });
  expect(signing(null)).toMatchObject({ path: "/", name: "offshoot-signing" });
});

it("text that Terraform would take for a template stays text", () => {
  const [dollar, percent] = ["$", "%"].map((sign) => `${sign}{x}`);
  const repository = { ...WHOLE.repository, name: `a/${dollar}${percent}"z`, ownerName: "a" };
  const text = renderIam({ ...WHOLE, repository }, "terraform");
  expect(text).toContain(`a/$${dollar}%${percent}\\"z`);
  expect(text.replace(/^#.*$/gm, "")).not.toMatch(/(?<!\$)\$\{|(?<!%)%\{/);
});
