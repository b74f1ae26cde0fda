import {
  CreateOpenIDConnectProviderCommand,
  CreateServiceLinkedRoleCommand,
  GetOpenIDConnectProviderCommand,
  GetRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
  SimulatePrincipalPolicyCommand,
} from "@aws-sdk/client-iam";
import {
  GetServiceQuotaCommand,
  ListServiceQuotasCommand,
  ServiceQuotasClient,
} from "@aws-sdk/client-service-quotas";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalDsql, startLocalDsql } from "../../support/local-dsql.ts";
import { LOCAL, roleArn, temporaryDirectory } from "./clients.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let dsql: LocalDsql;

beforeAll(async () => {
  directory = await temporaryDirectory();
  dsql = await start();
});
afterAll(async () => {
  await dsql?.stop();
  await directory.remove();
});

// IAM is signed for one Region, wherever the account's clusters are.
const start = () =>
  startLocalDsql({
    directory: directory.path,
    flags: { "no-engines": true, region: "eu-central-1", quota: 7 },
  });
const iam = (credentials = LOCAL) =>
  new IAMClient({ region: "us-east-1", endpoint: dsql.ready.neighboursUrl, credentials, maxAttempts: 1 });
const ROLE = "AWSServiceRoleForAuroraDsql";
const ISSUER = "https://token.actions.githubusercontent.com";

describe("the local IAM", () => {
  it("has a service-linked role once it was made, also after a SIGKILL, and makes it once", async () => {
    const get = new GetRoleCommand({ RoleName: ROLE });
    await expect(iam().send(get)).rejects.toMatchObject({ name: "NoSuchEntityException" });
    const make = new CreateServiceLinkedRoleCommand({ AWSServiceName: "dsql.amazonaws.com" });
    await iam().send(make);
    await dsql.kill();
    dsql = await start();
    expect((await iam().send(get)).Role?.Arn).toBe(
      `arn:aws:iam::000000000000:role/aws-service-role/dsql.amazonaws.com/${ROLE}`,
    );
    await expect(iam().send(make)).rejects.toMatchObject({ name: "InvalidInputException" });
  });

  it("has an OpenID Connect provider once it was made", async () => {
    const arn = `arn:aws:iam::000000000000:oidc-provider/${ISSUER.slice("https://".length)}`;
    const get = new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: arn });
    await expect(iam().send(get)).rejects.toMatchObject({ name: "NoSuchEntityException" });
    const make = new CreateOpenIDConnectProviderCommand({ Url: ISSUER });
    expect((await iam().send(make)).OpenIDConnectProviderArn).toBe(arn);
    await iam().send(get);
    await expect(iam().send(make)).rejects.toMatchObject({ name: "EntityAlreadyExistsException" });
  });

  it("says what a role's policies allow; without any it may do everything", async () => {
    const ActionNames = ["dsql:CreateCluster", "dsql:ListClusters"];
    const decisions = async (role: string) => {
      const question = { PolicySourceArn: roleArn(role), ActionNames };
      const { EvaluationResults = [] } = await iam().send(new SimulatePrincipalPolicyCommand(question));
      return EvaluationResults.map(({ EvalActionName, EvalDecision }) => [EvalActionName, EvalDecision]);
    };
    expect(await decisions("free")).toEqual(ActionNames.map((action) => [action, "allowed"]));
    const statement = { Effect: "Allow", Action: "dsql:List*", Resource: "*" };
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
    await iam().send(new PutRolePolicyCommand({ RoleName: "bound", PolicyName: "p", PolicyDocument }));
    expect(await decisions("bound")).toEqual([
      ["dsql:CreateCluster", "implicitDeny"],
      ["dsql:ListClusters", "allowed"],
    ]);
  });

  it("answers for each action on each resource", async () => {
    const cluster = (name: string) => `arn:aws:dsql:eu-central-1:000000000000:cluster/${name}`;
    const statement = { Effect: "Allow", Action: "dsql:GetCluster", Resource: cluster("mine") };
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
    await iam().send(new PutRolePolicyCommand({ RoleName: "narrow", PolicyName: "p", PolicyDocument }));
    const { EvaluationResults = [] } = await iam().send(
      new SimulatePrincipalPolicyCommand({
        ...{ PolicySourceArn: roleArn("narrow"), ActionNames: ["dsql:GetCluster", "dsql:DeleteCluster"] },
        ResourceArns: ["mine", "theirs"].map(cluster),
      }),
    );
    expect(
      EvaluationResults.map((one) => [one.EvalActionName, one.EvalResourceName, one.EvalDecision]),
    ).toEqual([
      ["dsql:GetCluster", cluster("mine"), "allowed"],
      ["dsql:GetCluster", cluster("theirs"), "implicitDeny"],
      ["dsql:DeleteCluster", cluster("mine"), "implicitDeny"],
      ["dsql:DeleteCluster", cluster("theirs"), "implicitDeny"],
    ]);
  });

  it("refuses a wrong signature, and a policy that it cannot evaluate", async () => {
    const stranger = iam({ accessKeyId: "local", secretAccessKey: "wrong" });
    const get = new GetRoleCommand({ RoleName: ROLE });
    await expect(stranger.send(get)).rejects.toMatchObject({ name: "SignatureDoesNotMatch" });
    const put = new PutRolePolicyCommand({ RoleName: "r", PolicyName: "p", PolicyDocument: "{}" });
    await expect(iam().send(put)).rejects.toMatchObject({ name: "MalformedPolicyDocumentException" });
  });
});

describe("the local Service Quotas", () => {
  const quotas = () =>
    new ServiceQuotasClient({
      ...{ region: "eu-central-1", endpoint: dsql.ready.neighboursUrl, credentials: LOCAL, maxAttempts: 1 },
    });

  it("tells how many clusters the account may have", async () => {
    const { Quotas = [] } = await quotas().send(new ListServiceQuotasCommand({ ServiceCode: "dsql" }));
    expect(Quotas.map(({ QuotaName, Value }) => [QuotaName, Value])).toContainEqual([
      "Single-Region clusters",
      7,
    ]);
    const QuotaCode = Quotas[0]?.QuotaCode ?? "";
    const one = await quotas().send(new GetServiceQuotaCommand({ ServiceCode: "dsql", QuotaCode }));
    expect(one.Quota?.Value).toBe(7);
  });

  it("knows no other service and no other quota", async () => {
    for (const command of [
      new ListServiceQuotasCommand({ ServiceCode: "ec2" }),
      new GetServiceQuotaCommand({ ServiceCode: "dsql", QuotaCode: "L-0" }),
    ]) {
      const asked = quotas().send(command as ListServiceQuotasCommand);
      await expect(asked).rejects.toMatchObject({ name: "NoSuchResourceException" });
    }
  });
});
