import {
  CreateClusterCommand,
  DeleteClusterCommand,
  DeleteClusterPolicyCommand,
  DSQLClient,
  GetClusterCommand,
  type GetClusterCommandOutput,
  GetClusterPolicyCommand,
  PutClusterPolicyCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateClusterCommand,
} from "@aws-sdk/client-dsql";
import { checkNames, type Making, ResourceError, type ResourceType, tagsOf } from "./resource-type.ts";
import type { Members } from "./template.ts";

const PROPERTIES = ["DeletionProtectionEnabled", "KmsEncryptionKey", "PolicyDocument", "Tags"];

const ATTRIBUTES = [
  ...["Identifier", "ResourceArn", "Endpoint", "Status", "CreationTime"],
  ...[
    "EncryptionDetails.EncryptionStatus",
    "EncryptionDetails.EncryptionType",
    "EncryptionDetails.KmsKeyArn",
  ],
];

/** How CloudFormation's handlers class what a service refuses. */
const HANDLER_CODES: Readonly<Record<string, string>> = {
  ServiceQuotaExceededException: "ServiceLimitExceeded",
  ValidationException: "InvalidRequest",
  AccessDeniedException: "AccessDenied",
  ResourceNotFoundException: "NotFound",
};

/** A hanging control plane is tried again. */
const REQUEST_TIMEOUT_MS = 10_000;

export interface ControlPlane {
  url: string;
  region: string;
}

/** AWS::DSQL::Cluster: a cluster of the local DSQL, through its control plane. */
export function clusterType({ url, region }: ControlPlane): ResourceType & { close(): void } {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const requestHandler = { requestTimeout: REQUEST_TIMEOUT_MS, throwOnRequestTimeout: true };
  const client = new DSQLClient({ region, endpoint: url, credentials, requestHandler });
  return {
    attributes: ATTRIBUTES,
    capability: () => undefined,
    close: () => client.destroy(),
    async create({ properties, logicalId, token }) {
      checkNames(properties, logicalId, PROPERTIES);
      const { policy, ...settings } = settingsOf(properties);
      const input = {
        ...settings,
        ...(policy === undefined ? {} : { policy }),
        tags: tagsOf(properties["Tags"]),
      };
      const created = await refusing(
        token,
        client.send(new CreateClusterCommand({ ...input, clientToken: token })),
      );
      return String(created.identifier);
    },
    async observe(identifier) {
      const found = await find(client, identifier);
      if (!found) return { present: false };
      // CloudFormation waits until a cluster can be used; IDLE and INACTIVE ones can.
      const stable =
        found.status !== "CREATING" && found.status !== "UPDATING" && found.status !== "DELETING";
      return { present: true, stable, attributes: attributesOf(found) };
    },
    async update(identifier, making) {
      checkNames(making.properties, making.logicalId, PROPERTIES);
      await refusing(making.token, update(client, identifier, making));
      return identifier;
    },
    async remove(identifier) {
      const found = await find(client, identifier);
      if (!found) return true;
      if (found.status === "DELETING") return false;
      await refusing(identifier, client.send(new DeleteClusterCommand({ identifier })));
      return false;
    },
  };
}

async function update(client: DSQLClient, identifier: string, { properties }: Making): Promise<void> {
  const { policy, ...settings } = settingsOf(properties);
  await client.send(new UpdateClusterCommand({ identifier, ...settings }));
  const { arn, tags: present = {} } = await client.send(new GetClusterCommand({ identifier }));
  const tags = tagsOf(properties["Tags"]);
  await client.send(new TagResourceCommand({ resourceArn: arn, tags }));
  const tagKeys = Object.keys(present).filter((key) => !Object.hasOwn(tags, key));
  if (tagKeys.length > 0) await client.send(new UntagResourceCommand({ resourceArn: arn, tagKeys }));
  if (policy !== undefined) await client.send(new PutClusterPolicyCommand({ identifier, policy }));
  else if (await hasPolicy(client, identifier))
    await client.send(new DeleteClusterPolicyCommand({ identifier }));
}

/** In: properties as a template gives them; parameters are always texts. */
function settingsOf({ DeletionProtectionEnabled, KmsEncryptionKey, PolicyDocument }: Members) {
  return {
    ...(DeletionProtectionEnabled === undefined
      ? {}
      : { deletionProtectionEnabled: String(DeletionProtectionEnabled) === "true" }),
    ...(KmsEncryptionKey === undefined ? {} : { kmsEncryptionKey: String(KmsEncryptionKey) }),
    ...(PolicyDocument === undefined
      ? {}
      : { policy: typeof PolicyDocument === "string" ? PolicyDocument : JSON.stringify(PolicyDocument) }),
  };
}

function attributesOf({
  identifier,
  arn,
  endpoint,
  status,
  creationTime,
  encryptionDetails,
}: GetClusterCommandOutput) {
  const { encryptionStatus, encryptionType, kmsKeyArn } = encryptionDetails ?? {};
  const attributes = {
    ...{ Identifier: identifier, ResourceArn: arn, Endpoint: endpoint, Status: status },
    CreationTime: creationTime?.toISOString(),
    "EncryptionDetails.EncryptionStatus": encryptionStatus,
    "EncryptionDetails.EncryptionType": encryptionType,
    "EncryptionDetails.KmsKeyArn": kmsKeyArn,
  };
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

async function find(client: DSQLClient, identifier: string): Promise<GetClusterCommandOutput | undefined> {
  try {
    return await client.send(new GetClusterCommand({ identifier }));
  } catch (error) {
    if (nameOf(error) === "ResourceNotFoundException") return undefined;
    throw error;
  }
}

async function hasPolicy(client: DSQLClient, identifier: string): Promise<boolean> {
  try {
    await client.send(new GetClusterPolicyCommand({ identifier }));
    return true;
  } catch (error) {
    if (nameOf(error) === "ResourceNotFoundException") return false;
    throw error;
  }
}

/** Turns what the control plane refuses for good into CloudFormation's words for it. */
async function refusing<Answer>(token: string, answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    const code = HANDLER_CODES[nameOf(error)];
    if (code === undefined || !(error instanceof Error)) throw error;
    const { httpStatusCode, requestId } =
      "$metadata" in error ? (error.$metadata as { httpStatusCode?: number; requestId?: string }) : {};
    const source = `(Service: Dsql, Status Code: ${httpStatusCode}, Request ID: ${requestId})`;
    const handler = `(RequestToken: ${token}, HandlerErrorCode: ${code})`;
    throw new ResourceError(`Resource handler returned message: "${error.message} ${source}" ${handler}`);
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "";
}
