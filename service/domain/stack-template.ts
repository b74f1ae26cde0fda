import type { StackRoles } from "./cluster.ts";
import { textDigest } from "./text-digest.ts";

type Tags = Readonly<Record<string, string>>;

/** What an operator says about all stacks. */
export interface StackPolicy {
  /** The permissions boundary of the roles; null: none. */
  readonly boundaryArn: string | null;
  /** The customer's KMS key of the clusters; null: one of AWS' own. */
  readonly kmsKeyArn: string | null;
  /** Tags that the organisation wants on everything. */
  readonly extraTags: Tags;
}

/** One cluster's stack, from its owner. */
export interface StackOwner {
  /** The tags that IAM reads, and `Name`. */
  readonly tags: Tags;
  readonly deletionProtected: boolean;
}

/** What CreateStack and UpdateStack are given. */
export interface StackBody {
  readonly templateBody: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly tags: Tags;
}

/** The cluster's name inside the stack. */
export const CLUSTER_RESOURCE = "Cluster";
/** The parameter by which a stack of another version is recognised. */
export const VERSION_PARAMETER = "TemplateVersion";

/**
 * The built-in template for one cluster, with its parameters. The cluster's tags are in it by name besides being tags of
 * the stack, because that CloudFormation hands those on to a cluster is not verified, and nothing is found without them.
 */
export function stackBody({ tags, deletionProtected }: StackOwner, policy: StackPolicy): StackBody {
  const whole = { ...policy.extraTags, ...tags };
  return {
    templateBody: JSON.stringify(template(policy, whole)),
    parameters: {
      Owner: tags["Name"] ?? "",
      DeletionProtection: String(deletionProtected),
      [VERSION_PARAMETER]: templateVersion(policy),
    },
    tags: whole,
  };
}

/** Differs whenever a stack that is made today would not be like one of before; the cluster's own tags never change. */
export function templateVersion(policy: StackPolicy): string {
  return textDigest(JSON.stringify(template(policy, policy.extraTags)));
}

/** The roles that a stack shows; null if it shows less than both. */
export function rolesOfOutputs(outputs: ReadonlyMap<string, string>): StackRoles | null {
  const [connect, reader] = [outputs.get("ConnectRoleArn"), outputs.get("ReaderRoleArn")];
  return connect && reader ? { connect, reader } : null;
}

function template(policy: StackPolicy, tags: Tags) {
  const attribute = (resource: string, name: string) => ({ "Fn::GetAtt": [resource, name] });
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: "One Aurora DSQL cluster of Offshoot, with the roles that connect to it",
    Parameters: {
      Owner: { Type: "String", Description: "Whose database it is" },
      DeletionProtection: { Type: "String", AllowedValues: ["true", "false"] },
      [VERSION_PARAMETER]: { Type: "String", Description: "The version of this template" },
    },
    Resources: {
      [CLUSTER_RESOURCE]: {
        Type: "AWS::DSQL::Cluster",
        // Nothing here replaces a cluster; should AWS see it differently one day, its data stays.
        UpdateReplacePolicy: "Retain",
        Properties: {
          DeletionProtectionEnabled: { Ref: "DeletionProtection" },
          ...(policy.kmsKeyArn ? { KmsEncryptionKey: policy.kmsKeyArn } : {}),
          Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
        },
      },
      // CloudFormation calls a template the same if no resource differs, whatever its parameters (ValidationError `No
      // updates are to be performed.`); metadata of a resource makes it differ (cfn-hup is built on that).
      ConnectRole: {
        ...role("dsql:DbConnectAdmin", "admin", policy),
        Metadata: { [VERSION_PARAMETER]: { Ref: VERSION_PARAMETER } },
      },
      ReaderRole: role("dsql:DbConnect", "the read-only role", policy),
    },
    Outputs: {
      Identifier: { Value: { Ref: CLUSTER_RESOURCE } },
      Endpoint: { Value: attribute(CLUSTER_RESOURCE, "Endpoint") },
      ClusterArn: { Value: attribute(CLUSTER_RESOURCE, "ResourceArn") },
      ConnectRoleArn: { Value: attribute("ConnectRole", "Arn") },
      ReaderRoleArn: { Value: attribute("ReaderRole", "Arn") },
    },
  };
}

/** Whoever in the account is allowed to assume it may do this one thing on this one cluster. */
function role(action: string, as: string, { boundaryArn }: StackPolicy) {
  const account = [{ Ref: "AWS::Partition" }, "iam", "", { Ref: "AWS::AccountId" }, "root"];
  const trusted = { "Fn::Join": [":", ["arn", ...account]] };
  const resource = { "Fn::GetAtt": [CLUSTER_RESOURCE, "ResourceArn"] };
  return {
    Type: "AWS::IAM::Role",
    Properties: {
      Description: { "Fn::Sub": `Connects as ${as} to the database of \${Owner}` },
      AssumeRolePolicyDocument: policyDocument({ Principal: { AWS: trusted }, Action: "sts:AssumeRole" }),
      Policies: [
        { PolicyName: "connect", PolicyDocument: policyDocument({ Action: action, Resource: resource }) },
      ],
      ...(boundaryArn ? { PermissionsBoundary: boundaryArn } : {}),
    },
  };
}

function policyDocument(statement: object) {
  return { Version: "2012-10-17", Statement: [{ Effect: "Allow", ...statement }] };
}
