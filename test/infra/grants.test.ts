import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { type Grant, grantsOf, type Places } from "../../infra/grants.ts";
import type { Call } from "../../local/dsql/calls.ts";
import { branchTags, previewTags, tenantTags } from "../../service/domain/names.ts";
import { QUEUE_ARN } from "../support/calls.ts";
import {
  isAllowed,
  type Question,
  requestTags,
  resourceTags,
  type Statement,
} from "../support/iam-evaluator.ts";
import { policiesOf, trustOf } from "../support/stack-policies.ts";
import { ACCOUNT, REGION, type Synthesized, synthesize, WHOLE } from "../support/stack-template.ts";

const CALLS = JSON.parse(readFileSync(join(import.meta.dirname, "calls.json"), "utf8")) as readonly Call[];
const ROLES = {
  webhook: "WebhookRole",
  http: "HttpRole",
  worker: "WorkerRole",
  migrate: "MigrateRole",
  previewTokens: "PreviewTokensRole",
  tenantTokens: "TenantTokensRole",
  stacks: "StacksRole",
} as const;
const cluster = (name: string) => `arn:aws:dsql:${REGION}:${ACCOUNT}:cluster/${name}`;
const stackArn = (name: string) => `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/${name}/id`;
const roleArn = (name: string) => `arn:aws:iam::${ACCOUNT}:role/${name}`;
const PULL = { host: "github.com", repositoryId: 7, number: 4 };
const OURS = (kind: string) => ({ "offshoot:service": "offshoot", "offshoot:kind": kind });

let whole: Synthesized;
let policies: ReadonlyMap<string, readonly Statement[]>;
let grants: readonly Grant[];

beforeAll(() => {
  whole = synthesize(WHOLE);
  policies = policiesOf(whole);
  grants = grantsOf(PLACES);
});

/** As the resolved template has them. */
const PLACES: Places = {
  ...{ partition: "aws", region: REGION, account: ACCOUNT },
  storeArn: cluster("store"),
  queueArn: QUEUE_ARN,
  secretArn: `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:Secret`,
  logGroupArns: {},
  tokenRoleArns: { preview: roleArn("PreviewTokensRole"), tenant: roleArn("TenantTokensRole") },
  kinds: ["preview", "tenant"],
  extraTagNames: ["team", "cost-center"],
  parameterPrefix: WHOLE.OFFSHOOT_PARAMETER_PREFIX,
  epochParameter: "/offshoot-epoch/whole",
  kmsKeyArn: WHOLE.OFFSHOOT_KMS_KEY_ARN,
  stacks: {
    prefix: "offshoot-",
    roleArn: roleArn("StacksRole"),
    boundaryArn: `arn:aws:iam::${ACCOUNT}:policy/StackBoundary`,
  },
};

const may = (role: string, question: Question) => isAllowed(policies.get(role) ?? [], question);

/** What IAM knows of a recorded call. The tags of a request are not recorded: they are those that the service makes. */
function questionOf({ action, resource, tags }: Call): Question {
  const create = requestTags({
    ...previewTags("cl_1", PULL, "acme/shop"),
    team: "data",
    "cost-center": "42",
  });
  const passed = { "iam:PassedToService": "cloudformation.amazonaws.com" };
  const withRole = { "cloudformation:RoleArn": roleArn("StacksRole") };
  const given = action === "dsql:CreateCluster" ? create : action === "iam:PassRole" ? passed : withRole;
  return { action, resource, context: { ...given, ...resourceTags(tags ?? {}) } };
}

describe("the calls that were recorded and the policies", () => {
  const called = new Set(CALLS.map(({ role, action }) => `${role} ${action}`));
  const callsOf = ({ who, actions }: Grant) =>
    who.flatMap((one) => actions.map((action) => `${ROLES[one]} ${action}`));

  it.each(CALLS.map((call) => [call.role, call.action, call.resource, call] as const))(
    "%s may %s on %s",
    (role, _action, _resource, call) => {
      expect(may(role, questionOf(call))).toBe(true);
    },
  );

  it("agree: every action that is granted was called, or AWS makes or checks it itself", () => {
    const granted = grants
      .filter(({ unseen, effect }) => unseen === undefined && effect !== "Deny")
      .flatMap(callsOf);
    expect([...new Set(granted)].filter((one) => !called.has(one))).toEqual([]);
  });

  it("agree: what is excused as unseen was indeed not called", () => {
    const excused = grants.filter(({ unseen }) => unseen !== undefined).flatMap(callsOf);
    expect(excused.filter((one) => called.has(one))).toEqual([]);
  });
});

describe("the template's policies", () => {
  it("are exactly the table of grants", () => {
    const ofTemplate = [...policies].flatMap(([role, statements]) =>
      statements.flatMap(({ Sid, Action }) => [Action].flat().map((action) => `${role} ${Sid} ${action}`)),
    );
    const ofTable = grants.flatMap(({ sid, who, actions }) =>
      who.flatMap((one) => actions.map((action) => `${ROLES[one]} ${sid} ${action}`)),
    );
    expect(ofTemplate.sort()).toEqual(ofTable.sort());
  });

  it("name every action, and every resource but of the lists, which AWS wants as a star", () => {
    const statements = [...policies.values()].flat();
    expect(statements.flatMap(({ Action }) => Action).filter((action) => action.includes("*"))).toEqual([]);
    const stars = statements.filter(({ Resource }) => [Resource].flat().includes("*"));
    const lists = ["cloudformation:ListStacks", "dsql:ListClusters"];
    expect(stars.flatMap(({ Action }) => Action).sort()).toEqual(lists);
  });

  it("fit into IAM's 10,240 characters a role", () => {
    for (const [role, statements] of policies)
      expect(JSON.stringify(statements).length, role).toBeLessThan(10_240);
  });

  it("say why, for each", () => {
    for (const { sid, why } of grants) expect(why, sid).toMatch(/\w+ \w+ .*\.$/s);
  });

  it("trust only Lambda, CloudFormation of this account, and for tokens the API", () => {
    const trust = trustOf(whole);
    const http = { AWS: roleArn("HttpRole") };
    expect(JSON.stringify(trust.get("PreviewTokensRole"))).toContain(JSON.stringify(http));
    expect(JSON.stringify(trust.get("TenantTokensRole"))).toContain(JSON.stringify(http));
    expect(JSON.stringify(trust.get("StacksRole"))).toContain(`"aws:SourceAccount":"${ACCOUNT}"`);
    for (const role of ["WebhookRole", "HttpRole", "WorkerRole", "MigrateRole"]) {
      expect(JSON.stringify(trust.get(role))).toContain('{"Service":"lambda.amazonaws.com"}');
    }
  });
});

describe("a new cluster", () => {
  const create = (tags: Readonly<Record<string, string>>) =>
    may("WorkerRole", { action: "dsql:CreateCluster", resource: cluster("*"), context: requestTags(tags) });
  const branch = { host: "github.com", repositoryId: 7, gitBranch: "main" };

  it.each([
    ["a pull request's", previewTags("cl_1", PULL, "acme/shop")],
    ["a git branch's", branchTags("cl_1", branch, "acme/shop")],
    ["a customer's", tenantTags("cl_1", "acme")],
    [
      "one with the organisation's tags",
      { ...tenantTags("cl_1", "acme"), team: "data", "cost-center": "42" },
    ],
  ])("may be %s", (_what, tags) => {
    expect(create(tags)).toBe(true);
  });

  it.each([
    ["without tags", {}],
    ["without our id", OURS("preview")],
    ["called the store", { ...tenantTags("cl_1", "acme"), ...OURS("store") }],
    ["with a tag that is nobody's", { ...tenantTags("cl_1", "acme"), admin: "yes" }],
  ])("may not be one %s", (_what, tags) => {
    expect(create(tags)).toBe(false);
  });
});

describe("nobody", () => {
  const DESTRUCTIVE = ["dsql:DeleteCluster", "dsql:UpdateCluster", "dsql:PutClusterPolicy"] as const;
  const everybody = Object.values(ROLES);

  it.each(DESTRUCTIVE)("may %s on the store, or on what is not ours", (action) => {
    for (const role of everybody) {
      for (const tags of [OURS("store"), {}, { Name: "somebody's" }]) {
        expect(may(role, { action, resource: cluster("store"), context: resourceTags(tags) }), role).toBe(
          false,
        );
      }
    }
  });

  it("may make the store something else by a tag", () => {
    const context = {
      ...requestTags(previewTags("cl_1", PULL, "acme/shop")),
      ...resourceTags(OURS("store")),
    };
    for (const role of everybody) {
      const question = { action: "dsql:TagResource", resource: cluster("store"), context };
      expect(may(role, question), role).toBe(false);
    }
  });

  it("but the deploy step is the store's admin, and it is nothing else", () => {
    const connects = (action: string) =>
      everybody.filter((role) =>
        may(role, { action, resource: cluster("store"), context: resourceTags(OURS("store")) }),
      );
    expect(connects("dsql:DbConnectAdmin")).toEqual(["MigrateRole"]);
    expect(connects("dsql:DbConnect")).toEqual(["WebhookRole", "HttpRole", "WorkerRole"]);
  });

  it("that the internet reaches may change a cluster, or connect to one of an environment", () => {
    for (const role of ["WebhookRole", "HttpRole"]) {
      for (const action of [...DESTRUCTIVE, "dsql:CreateCluster", "dsql:DbConnect", "dsql:DbConnectAdmin"]) {
        const context = resourceTags(OURS("preview"));
        expect(may(role, { action, resource: cluster("preview"), context }), `${role} ${action}`).toBe(false);
      }
    }
  });

  it("signs for previews and for customers with one role", () => {
    const connects = (role: string, kind: string) =>
      may(role, { action: "dsql:DbConnect", resource: cluster(kind), context: resourceTags(OURS(kind)) });
    expect([connects("PreviewTokensRole", "preview"), connects("PreviewTokensRole", "tenant")]).toEqual([
      true,
      false,
    ]);
    expect([connects("TenantTokensRole", "tenant"), connects("TenantTokensRole", "preview")]).toEqual([
      true,
      false,
    ]);
    expect([connects("PreviewTokensRole", "store"), connects("TenantTokensRole", "store")]).toEqual([
      false,
      false,
    ]);
  });

  it("makes stacks outside the prefix, without their role, or passes another role or to another service", () => {
    const create = (name: string, role: string) =>
      may("WorkerRole", {
        action: "cloudformation:CreateStack",
        resource: stackArn(name),
        context: { "cloudformation:RoleArn": role },
      });
    expect(create("offshoot-1", roleArn("StacksRole"))).toBe(true);
    expect(create("payroll", roleArn("StacksRole"))).toBe(false);
    expect(create("offshoot-1", roleArn("Admin"))).toBe(false);
    expect(
      may("WorkerRole", { action: "cloudformation:CreateStack", resource: stackArn("offshoot-1") }),
    ).toBe(false);
    const pass = (role: string, service: string) =>
      may("WorkerRole", {
        action: "iam:PassRole",
        resource: roleArn(role),
        context: { "iam:PassedToService": service },
      });
    expect(pass("StacksRole", "cloudformation.amazonaws.com")).toBe(true);
    expect(pass("StacksRole", "lambda.amazonaws.com")).toBe(false);
    expect(pass("WorkerRole", "cloudformation.amazonaws.com")).toBe(false);
  });

  it("makes a role for a stack without the boundary", () => {
    const make = (boundary: string | undefined) =>
      may("StacksRole", {
        action: "iam:CreateRole",
        resource: roleArn("offshoot-1-Reader"),
        context: boundary === undefined ? {} : { "iam:PermissionsBoundary": boundary },
      });
    expect([
      make(PLACES.stacks?.boundaryArn),
      make("arn:aws:iam::aws:policy/Other"),
      make(undefined),
    ]).toEqual([true, false, false]);
  });
});

describe("a deployment for previews alone", () => {
  it("has no role and no right for customers' databases", () => {
    const made = policiesOf(synthesize({ OFFSHOOT_KINDS: "preview" }));
    expect(made.has("TenantTokensRole")).toBe(false);
    const remove = (kind: string) =>
      isAllowed(made.get("WorkerRole") ?? [], {
        action: "dsql:DeleteCluster",
        resource: cluster(kind),
        context: resourceTags(OURS(kind)),
      });
    expect([remove("preview"), remove("tenant")]).toEqual([true, false]);
  });
});
