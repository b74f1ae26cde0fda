import { describe, expect, it } from "vitest";
import { readSettings } from "../../infra/settings.ts";
import type { Place } from "../../scripts/aws-account.ts";
import { operatorEnv } from "../../scripts/operator-env.ts";
import { readConfig } from "../../service/config.ts";
import { GOOD } from "../support/config-env.ts";
import { ACCOUNT, REGION } from "../support/stack-template.ts";

const OUTPUTS = new Map([
  ["PublicUrl", "https://x.execute-api.us-east-1.amazonaws.com"],
  ["SecretArn", `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:Secret-x`],
  ["StoreEndpoint", `${"a".repeat(26)}.dsql.${REGION}.on.aws`],
  ["QueueUrl", `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/Hints`],
]);
const placeOf = (env: Readonly<Record<string, string>>): Place => ({
  ...{ settings: readSettings(env), account: ACCOUNT, region: REGION },
});

describe("an operator of a deployment", () => {
  it("has its variables: what the stack shows, and what it was deployed with", () => {
    const env = operatorEnv(
      placeOf({ OFFSHOOT_STACK_NAME: "previews", OFFSHOOT_CLUSTER_QUOTA: "40" }),
      OUTPUTS,
    );
    const { OFFSHOOT_GITHUB_APP_ID = "", OFFSHOOT_GITHUB_PRIVATE_KEY = "" } = GOOD;
    const secret = { OFFSHOOT_GITHUB_APP_ID, OFFSHOOT_GITHUB_PRIVATE_KEY };
    const secrets = { ...secret, OFFSHOOT_GITHUB_WEBHOOK_SECRETS: "0".repeat(32) };
    expect(readConfig({ ...env, ...secrets })).toMatchObject({
      aws: { account: ACCOUNT, region: REGION },
      store: { kind: "dsql", host: OUTPUTS.get("StoreEndpoint"), role: "admin" },
      epoch: { kind: "parameter", name: "/offshoot-epoch/previews" },
      queue: { url: OUTPUTS.get("QueueUrl") },
      api: { publicUrl: OUTPUTS.get("PublicUrl") },
      limits: { clusterQuota: 40 },
    });
  });

  it("reaches it under an address of its own, if it has one", () => {
    const own = { OFFSHOOT_PUBLIC_URL: "https://db.example.com" };
    expect(operatorEnv(placeOf(own), OUTPUTS)).toMatchObject(own);
  });

  it("is told what the stack does not show", () => {
    expect(() => operatorEnv(placeOf({}), new Map())).toThrow(/shows no output PublicUrl.*scripts\/deploy/);
  });
});
