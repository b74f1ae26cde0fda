import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateClusterCommand } from "@aws-sdk/client-dsql";
import {
  CreateOpenIDConnectProviderCommand,
  CreateServiceLinkedRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { PutParameterCommand } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  assume,
  type Credentials,
  controlClient,
  LOCAL,
  policyOf,
  ssmClient,
} from "../local/dsql/clients.ts";
import { doctor, runCli } from "../support/cli-process.ts";
import { type LocalDsql, startLocalDsql } from "../support/local-dsql.ts";

let directory = "";
let dsql: LocalDsql;
let iam: IAMClient;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-before-"));
  dsql = await startLocalDsql({ directory, flags: { "no-engines": true, quota: 4 } });
  const { neighboursUrl: endpoint, region } = dsql.ready;
  iam = new IAMClient({ region, endpoint, credentials: LOCAL });
});
afterAll(async () => {
  iam?.destroy();
  await dsql?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** What a profile gives, by the SDK's own variables. */
function profile(credentials: Credentials = LOCAL): Record<string, string> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return {
    ...{ AWS_REGION: dsql.ready.region, AWS_ACCESS_KEY_ID: accessKeyId },
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
    ...{ AWS_ENDPOINT_URL: dsql.ready.neighboursUrl, AWS_ENDPOINT_URL_DSQL: dsql.ready.controlUrl },
  };
}

const look = (credentials?: Credentials) => doctor(["--before"], profile(credentials));

describe("a fresh account", () => {
  it("is told what it lacks, each with the command that mends it", async () => {
    const { code, findings } = await look();
    expect(code).toBe(1);
    const told = [...findings].map(([name, { ok, request }]) => [name, ok, request]);
    expect(told).toEqual([
      ["profile", true, undefined],
      ["clock", true, undefined],
      ["DSQL", true, undefined],
      [
        "quota",
        true,
        "aws service-quotas request-service-quota-increase --service-code dsql --quota-code L-LOCAL001 --desired-value 20 --region us-east-1",
      ],
      ["creation", true, undefined],
      [
        "service-linked role",
        false,
        "aws iam create-service-linked-role --aws-service-name dsql.amazonaws.com",
      ],
      [
        "GitHub OIDC provider",
        false,
        "aws iam create-open-id-connect-provider --url https://token.actions.githubusercontent.com --client-id-list sts.amazonaws.com",
      ],
      ["CDK bootstrap", false, "npx cdk bootstrap aws://000000000000/us-east-1"],
    ]);
    expect(findings.get("quota")?.text).toBe("0 clusters of 4 are used");
  });

  it("is told the same in lines that can be copied", async () => {
    const { code, out } = await runCli(["doctor", "--before"], profile());
    expect(code).toBe(1);
    expect(out).toContain(
      "FAILED  CDK bootstrap: CDK has not been bootstrapped in us-east-1; scripts/deploy needs it.\n        npx cdk bootstrap aws://000000000000/us-east-1\n",
    );
    expect(out).toMatch(/^ok {6}creation: may create clusters that are tagged offshoot:service=offshoot$/m);
  });

  it("was not changed by the question", async () => {
    const clusters = await fetch(`${dsql.ready.controlUrl}/_local/clusters`);
    expect(await clusters.json()).toEqual([]);
  });
});

describe("a profile that may do little", () => {
  it("is told that it may not create, with the statement to ask for", async () => {
    const policy = policyOf({ Action: ["dsql:List*", "iam:*"] });
    const put = { RoleName: "viewer", PolicyName: "view", PolicyDocument: JSON.stringify(policy) };
    await iam.send(new PutRolePolicyCommand(put));
    const { findings } = await look(await assume(dsql.ready, "viewer"));
    expect(findings.get("creation")).toMatchObject({
      ok: false,
      text: "This profile may not dsql:CreateCluster and dsql:TagResource with Offshoot's tags.",
    });
    expect(JSON.parse(findings.get("creation")?.request ?? "")).toEqual({
      Effect: "Allow",
      Action: ["dsql:CreateCluster", "dsql:TagResource"],
      Resource: "arn:aws:dsql:us-east-1:000000000000:cluster/*",
      Condition: { StringEquals: { "aws:RequestTag/offshoot:service": "offshoot" } },
    });
  });

  it("is told what is not known because it may not ask, and what to ask for", async () => {
    const session = policyOf({ Action: ["sts:*", "dsql:ListClusters", "ssm:GetParameter"] });
    const { code, findings } = await look(await assume(dsql.ready, "guest", session));
    expect(code).toBe(1);
    for (const [name, action] of [
      ["quota", "servicequotas:ListServiceQuotas"],
      ["creation", "iam:SimulatePrincipalPolicy"],
      ["service-linked role", "iam:GetRole"],
      ["GitHub OIDC provider", "iam:GetOpenIDConnectProvider"],
    ] as const) {
      expect(findings.get(name)).toMatchObject({ ok: false, text: expect.stringMatching(/^Not known: /) });
      expect(JSON.parse(findings.get(name)?.request ?? "")).toMatchObject({ Action: [action] });
    }
    expect(findings.get("DSQL")?.ok).toBe(true);
  });

  it("is asked for a sign-in if it has no credentials, and for a Region if it has none", async () => {
    const { AWS_REGION, ...rest } = profile();
    const unknown = await doctor(["--before"], rest);
    expect([...unknown.findings.values()]).toEqual([
      {
        ...{ name: "profile", ok: false, text: expect.stringMatching(/no Region.*AWS_REGION/) },
        next: expect.stringMatching(/AWS_PROFILE and AWS_REGION.*aws sso login/),
      },
    ]);
    const { AWS_ACCESS_KEY_ID: _key, AWS_SECRET_ACCESS_KEY: _secret, ...nobody } = rest;
    const none = await doctor(["--before"], { ...nobody, AWS_REGION: AWS_REGION ?? "" });
    expect([...none.findings.values()]).toEqual([
      {
        ...{ name: "profile", ok: false, text: expect.stringMatching(/no AWS credentials.*AWS_PROFILE/) },
        next: expect.stringMatching(/AWS_PROFILE and AWS_REGION.*aws sso login/),
      },
    ]);
  });
});

describe("an account that was made ready", () => {
  it("has nothing to mend", async () => {
    await iam.send(new CreateServiceLinkedRoleCommand({ AWSServiceName: "dsql.amazonaws.com" }));
    const Url = "https://token.actions.githubusercontent.com";
    await iam.send(new CreateOpenIDConnectProviderCommand({ Url, ClientIDList: ["sts.amazonaws.com"] }));
    const ssm = ssmClient(dsql.ready);
    const version = { Name: "/cdk-bootstrap/hnb659fds/version", Value: "30", Type: "String" } as const;
    await ssm.send(new PutParameterCommand(version));
    const { code, findings } = await look();
    expect([...findings.values()].filter(({ ok }) => !ok)).toEqual([]);
    expect(code).toBe(0);
  });

  it("that is full is told so, whoever made the clusters", async () => {
    const control = controlClient(dsql.ready);
    for (let n = 0; n < 2; n += 1) await control.send(new CreateClusterCommand({}));
    const { code, findings } = await look();
    expect(code).toBe(1);
    expect(findings.get("quota")).toMatchObject({
      ...{ ok: false, text: "2 clusters of 4 are used; none is left for Offshoot." },
      request: expect.stringContaining("request-service-quota-increase"),
    });
  });
});
