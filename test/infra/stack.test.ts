import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readConfig } from "../../service/config.ts";
import { PEM } from "../support/config-env.ts";
import {
  ACCOUNT,
  plain,
  REGION,
  type Resource,
  resolve,
  type Synthesized,
  synthesize,
  WHOLE,
} from "../support/stack-template.ts";

const GOLDEN = join(import.meta.dirname, "golden");

let least: Synthesized;
let whole: Synthesized;

beforeAll(() => {
  least = synthesize();
  whole = synthesize(WHOLE);
});

function ofType({ resources }: Synthesized, type: string): readonly (Resource & { readonly id: string })[] {
  const found = Object.entries(resources).filter(([, one]) => one.Type === type);
  return found.map(([id, one]) => ({ id: plain(id), ...one }));
}

function functionsOf(made: Synthesized): readonly (Resource & { readonly id: string })[] {
  return ofType(made, "AWS::Lambda::Function").filter(({ id }) => !id.startsWith("AWSCDK"));
}

describe("the template", () => {
  it.each(["least", "whole"])("is the golden one, with the %s of options", (name) => {
    const file = join(GOLDEN, `${name}.json`);
    const text = `${JSON.stringify(name === "least" ? least.masked : whole.masked, null, 2)}\n`;
    if (process.env["UPDATE_GOLDEN"]) writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, "utf8"));
  });

  it.each(["least", "whole"])("leaves cdk-nag nothing to say, with the %s of options", (name) => {
    const { nag } = name === "least" ? least : whole;
    expect(nag).toMatchObject({ pluginName: "AwsSolutions", violations: [] });
    const accepted = nag.suppressedViolations.map(({ ruleName }) => ruleName.replace(/\[.*/, ""));
    expect(new Set(accepted)).toEqual(
      new Set(["AwsSolutions-APIG4", "AwsSolutions-SMG4", "AwsSolutions-IAM5"]),
    );
    for (const { reason } of nag.suppressedViolations) expect(reason).toMatch(/\w+ \w+ \w+.*\.$/s);
  });
});

describe("what must last", () => {
  it("is the store, which is protected, tagged and retained", () => {
    const [store] = ofType(least, "AWS::DSQL::Cluster");
    expect(store).toMatchObject({
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
      Properties: { DeletionProtectionEnabled: true },
    });
    expect(store?.Properties["Tags"]).toContainEqual({ Key: "offshoot:service", Value: "offshoot" });
    expect(store?.Properties["Tags"]).toContainEqual({ Key: "offshoot:kind", Value: "store" });
  });

  it("is the App's secret, and nothing else is left behind", () => {
    const retained = Object.entries(least.resources).filter(([, one]) => one.DeletionPolicy === "Retain");
    expect(retained.map(([, one]) => one.Type).sort()).toEqual([
      "AWS::DSQL::Cluster",
      "AWS::SecretsManager::Secret",
    ]);
  });
});

describe("functions", () => {
  it("run on arm64 and Node 24, with source maps where they do not slow the start", () => {
    expect(functionsOf(least).map(({ id }) => id)).toEqual(["Webhook", "Http", "Wake", "Tick", "Migrate"]);
    for (const { id, Properties } of functionsOf(least)) {
      expect(Properties).toMatchObject({
        Architectures: ["arm64"],
        Runtime: "nodejs24.x",
        Handler: "index.handler",
      });
      const options = id === "Http" ? undefined : "--enable-source-maps";
      expect(Properties).toHaveProperty("Environment.Variables.OFFSHOOT_STORE_URL");
      expect(Object(Properties["Environment"]).Variables.NODE_OPTIONS).toBe(options);
    }
  });

  it("that the internet can call are bounded, and the queue bounds its own", () => {
    const bounds = functionsOf(least).map(({ id, Properties }) => [
      id,
      Properties["ReservedConcurrentExecutions"],
    ]);
    expect(Object.fromEntries(bounds)).toMatchObject({ Webhook: 20, Http: 20, Wake: undefined });
    const [source] = ofType(least, "AWS::Lambda::EventSourceMapping");
    expect(source?.Properties).toMatchObject({
      BatchSize: 10,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      ScalingConfig: { MaximumConcurrency: 10 },
    });
  });

  it("get variables that the service takes, once the secret is filled", () => {
    const secret = {
      OFFSHOOT_GITHUB_APP_ID: "1",
      OFFSHOOT_GITHUB_PRIVATE_KEY: PEM,
      OFFSHOOT_GITHUB_WEBHOOK_SECRETS: "0".repeat(32),
    };
    const [webhook] = functionsOf(whole);
    const { Variables } = resolve(webhook?.Properties["Environment"], whole) as {
      Variables: Record<string, string>;
    };
    const store = `dsql://${"a".repeat(26)}.dsql.${REGION}.on.aws`;
    const env = { AWS_REGION: REGION, ...Variables, ...secret, OFFSHOOT_STORE_URL: store };
    expect(readConfig(env)).toMatchObject({
      aws: { account: ACCOUNT },
      access: {
        tokenRoleArn: expect.stringContaining("PreviewTokensRole"),
        tenantTokenRoleArn: expect.stringContaining("TenantTokensRole"),
      },
      clusters: { extraTags: { team: "data", "cost-center": "42" }, stacks: { for: "all" } },
    });
  });

  it("get no secret in their variables, and fewer than Lambda's 4 KB of them", () => {
    for (const { Properties } of functionsOf(whole)) {
      const { Variables } = resolve(Properties["Environment"], whole) as {
        Variables: Record<string, string>;
      };
      expect(Buffer.byteLength(Object.entries(Variables).flat().join(""))).toBeLessThan(4_096);
      expect(Object.keys(Variables).join()).not.toMatch(/PRIVATE_KEY|WEBHOOK_SECRETS/);
    }
  });

  it("write into log groups that forget", () => {
    const groups = ofType(least, "AWS::Logs::LogGroup");
    expect(groups).toHaveLength(6);
    for (const { Properties } of groups) expect(Properties["RetentionInDays"]).toBe(30);
  });

  it("of a new version start after the schema step", () => {
    const late = functionsOf(least).filter(({ DependsOn = [] }) => DependsOn.includes("ApplySchema"));
    expect(late.map(({ id }) => id)).toEqual(["Webhook", "Http", "Wake", "Tick"]);
  });

  it("lose and gain rights after the schema step, which lets them into the store", () => {
    const late = ofType(least, "AWS::IAM::Policy").filter(({ DependsOn = [] }) =>
      DependsOn.includes("ApplySchema"),
    );
    expect(late.map(({ id }) => id)).toEqual([
      "WebhookRoleDefaultPolicy",
      "HttpRoleDefaultPolicy",
      "WorkerRoleDefaultPolicy",
    ]);
    const variables = functionsOf(least).map(({ id, Properties }) => {
      const { Variables } = resolve(Properties["Environment"], least) as {
        Variables: Record<string, string>;
      };
      return [id, Variables["OFFSHOOT_STORE_ROLE"], Variables["OFFSHOOT_STORE_IAM_ROLES"]];
    });
    const arns = ["WebhookRole", "HttpRole", "WorkerRole"].map((name) => expect.stringContaining(name));
    expect(variables.map(([, role]) => role)).toEqual(Array(5).fill("offshoot_service"));
    expect(variables.filter(([, , roles]) => roles).map(([id]) => id)).toEqual(["Migrate"]);
    expect(variables.at(-1)?.[2]?.split(",")).toEqual(arns);
  });
});

describe("the queue", () => {
  it("hides a hint for six times as long as its function may run, and sets it aside after five tries", () => {
    const [hints] = ofType(least, "AWS::SQS::Queue").filter(({ id }) => id === "Hints");
    const [wake] = functionsOf(least).filter(({ id }) => id === "Wake");
    const seconds = hints?.Properties["VisibilityTimeout"] as number;
    expect(seconds).toBeGreaterThanOrEqual(6 * (wake?.Properties["Timeout"] as number));
    expect(resolve(hints?.Properties["RedrivePolicy"], least)).toMatchObject({ maxReceiveCount: 5 });
    expect(hints?.Properties["MessageRetentionPeriod"]).toBeGreaterThan(5 * seconds);
  });
});

describe("the door", () => {
  it("is throttled, and logs no query, address or header", () => {
    const [stage] = ofType(least, "AWS::ApiGatewayV2::Stage");
    expect(stage?.Properties["DefaultRouteSettings"]).toEqual({
      ThrottlingBurstLimit: 400,
      ThrottlingRateLimit: 200,
    });
    expect(JSON.stringify(stage?.Properties["AccessLogSettings"])).not.toMatch(
      /query|sourceIp|header|userAgent/i,
    );
  });

  it("leads webhooks to their function and everything else to the API", () => {
    const routes = ofType(least, "AWS::ApiGatewayV2::Route").map(({ Properties }) => Properties["RouteKey"]);
    expect(routes).toEqual(["POST /webhooks/github", "$default"]);
  });
});

describe("alarms", () => {
  it("tell a topic, and name what to do", () => {
    for (const { Properties } of ofType(least, "AWS::CloudWatch::Alarm")) {
      expect(Properties["AlarmActions"]).toHaveLength(1);
      expect(Properties["AlarmDescription"]).toMatch(/docs\/runbook\.md#[a-z-]+$/);
    }
  });

  it("are raised if the tick measures nothing", () => {
    const [sweep] = ofType(least, "AWS::CloudWatch::Alarm").filter(
      ({ Properties }) => Properties["AlarmName"] === "offshoot-sweep-age",
    );
    expect(sweep?.Properties).toMatchObject({ TreatMissingData: "breaching", MetricName: "SweepAgeSeconds" });
  });
});

describe("an organisation's wishes", () => {
  it("are tags on everything that can have tags", () => {
    const taggable = [
      "AWS::DSQL::Cluster",
      "AWS::IAM::Role",
      "AWS::Lambda::Function",
      "AWS::Logs::LogGroup",
      "AWS::SecretsManager::Secret",
      "AWS::SNS::Topic",
      "AWS::SQS::Queue",
    ];
    for (const type of taggable) {
      for (const { id, Properties } of ofType(whole, type).filter(({ id }) => !id.startsWith("AWSCDK"))) {
        expect(Properties["Tags"], id).toContainEqual({ Key: "team", Value: "data" });
      }
    }
  });

  it("are a key of its own, for whatever holds data", () => {
    const key = WHOLE.OFFSHOOT_KMS_KEY_ARN;
    const names = {
      "AWS::DSQL::Cluster": "KmsEncryptionKey",
      "AWS::SecretsManager::Secret": "KmsKeyId",
      "AWS::SQS::Queue": "KmsMasterKeyId",
      "AWS::SNS::Topic": "KmsMasterKeyId",
      "AWS::Logs::LogGroup": "KmsKeyId",
    };
    for (const [type, name] of Object.entries(names)) {
      for (const { id, Properties } of ofType(whole, type)) expect(Properties[name], id).toBe(key);
    }
  });
});
