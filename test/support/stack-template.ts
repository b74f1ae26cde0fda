import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Validations } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { AwsSolutionsChecks } from "cdk-nag";
import { FUNCTIONS, functionFile } from "../../infra/bundles.ts";
import { readSettings } from "../../infra/settings.ts";
import { createStack } from "../../infra/stack.ts";

export const ACCOUNT = "000000000000";
export const REGION = "us-east-1";

/** Every option of a deployment that changes what is made. */
export const WHOLE = {
  OFFSHOOT_STACK_NAME: "whole",
  OFFSHOOT_STACKS: "all",
  OFFSHOOT_PARAMETER_PREFIX: "/offshoot",
  OFFSHOOT_EXTRA_TAGS: "team=data,cost-center=42",
  OFFSHOOT_KMS_KEY_ARN: `arn:aws:kms:${REGION}:${ACCOUNT}:key/00000000-0000-0000-0000-000000000000`,
  OFFSHOOT_ALARM_EMAIL: "ops@example.com",
} as const;

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy?: string;
}

/** What cdk-nag says. */
export interface NagReport {
  readonly pluginName: string;
  readonly violations: readonly unknown[];
  readonly suppressedViolations: readonly { readonly ruleName: string; readonly reason: string }[];
}

export interface Synthesized {
  readonly nag: NagReport;
  readonly resources: Readonly<Record<string, Resource>>;
  /** The whole template, without what changes with each build. */
  readonly masked: unknown;
}

/** The stack for these variables, with empty bundles, so that nothing has to be built. One synthesis takes seconds: share it. */
export function synthesize(env: Readonly<Record<string, string>> = {}): Synthesized {
  const directory = mkdtempSync(join(tmpdir(), "offshoot-synth-"));
  try {
    const bundles = join(directory, "bundles");
    for (const name of FUNCTIONS) {
      mkdirSync(join(bundles, name), { recursive: true });
      writeFileSync(functionFile(name, bundles), "exports.handler = () => {};\n");
    }
    const outdir = join(directory, "out");
    // CDK's own check of templates loads for seconds; scripts/synth runs it.
    const options = { analyticsReporting: false, stackTraces: false, treeMetadata: false };
    const app = new App({ ...options, outdir, builtinCloudFormationValidation: false });
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    const settings = readSettings({ AWS_REGION: REGION, OFFSHOOT_AWS_ACCOUNT: ACCOUNT, ...env });
    const stack = createStack(app, settings, bundles);
    // Throws if cdk-nag has something to say.
    const template = Template.fromStack(stack).toJSON() as { Resources: Synthesized["resources"] };
    const report = JSON.parse(readFileSync(join(outdir, "validation-report.json"), "utf8")) as {
      pluginReports: readonly NagReport[];
    };
    const [nag] = report.pluginReports;
    if (!nag) throw new Error("cdk-nag did not run.");
    return { nag, resources: template.Resources, masked: mask(template) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Hashes of bundles and of versions, which no reader of the golden file misses. */
function mask(template: object): unknown {
  const text = JSON.stringify(template)
    .replace(/[0-9a-f]{64}/g, "<asset>")
    .replace(/(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}/g, "$1<hash>");
  return JSON.parse(text);
}

/** A value of a template with its references told as plain texts: an ARN for each resource whose ARN is asked for. */
export function resolve(value: unknown, { resources }: Pick<Synthesized, "resources">): unknown {
  const inner = (one: unknown): unknown => resolve(one, { resources });
  if (Array.isArray(value)) return value.map(inner);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [name, argument] = entries[0] ?? [];
  if (entries.length === 1 && name === "Fn::Join") {
    const [separator, parts] = argument as [string, unknown[]];
    return parts.map((part) => String(inner(part))).join(separator);
  }
  if (entries.length === 1 && name === "Fn::GetAtt") {
    const [id, attribute] = argument as [string, string];
    return attribute === "Arn" || attribute === "ResourceArn" ? arnOf(id, resources) : `${id}.${attribute}`;
  }
  if (entries.length === 1 && name === "Ref") return referenceOf(String(argument), resources);
  return Object.fromEntries(entries.map(([key, one]) => [key, inner(one)]));
}

/** What Ref means: the ARN of a secret and of a policy, the URL of a queue, the name of most others. */
function referenceOf(id: string, resources: Synthesized["resources"]): string {
  const pseudo: Record<string, string> = { "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com" };
  if (pseudo[id] !== undefined) return pseudo[id];
  const type = resources[id]?.Type ?? "";
  if (type === "AWS::SQS::Queue") return `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${plain(id)}`;
  return /Secret$|ManagedPolicy$/.test(type) ? arnOf(id, resources) : plain(id);
}

function arnOf(id: string, resources: Synthesized["resources"]): string {
  const place = `${REGION}:${ACCOUNT}`;
  const name = plain(id);
  switch (resources[id]?.Type) {
    case "AWS::DSQL::Cluster":
      return `arn:aws:dsql:${place}:cluster/store`;
    case "AWS::SQS::Queue":
      return `arn:aws:sqs:${place}:${name}`;
    case "AWS::SecretsManager::Secret":
      return `arn:aws:secretsmanager:${place}:secret:${name}`;
    case "AWS::IAM::Role":
      return `arn:aws:iam::${ACCOUNT}:role/${name}`;
    case "AWS::IAM::ManagedPolicy":
      return `arn:aws:iam::${ACCOUNT}:policy/${name}`;
    case "AWS::Logs::LogGroup":
      return `arn:aws:logs:${place}:log-group:${name}:*`;
    case "AWS::Lambda::Function":
      return `arn:aws:lambda:${place}:function:${name}`;
    default:
      throw new Error(`${id} has no ARN that this test knows.`);
  }
}

/** A logical id without the hash that CDK appends. */
export function plain(id: string): string {
  return id.replace(/[0-9A-F]{8}$/, "");
}
