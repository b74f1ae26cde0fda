import {
  CreateClusterCommand,
  DeleteClusterCommand,
  DeleteClusterPolicyCommand,
  DSQLClient,
  type DSQLClientConfig,
  GetClusterCommand,
  GetClusterPolicyCommand,
  ListClustersCommand,
  ListTagsForResourceCommand,
  PutClusterPolicyCommand,
  UpdateClusterCommand,
} from "@aws-sdk/client-dsql";
import type { CreateAnswer, Observation, RemoveAnswer } from "../domain/cluster.ts";
import { CALL_TIMEOUT_MS } from "../domain/limits.ts";
import { CLUSTER_TAG } from "../domain/names.ts";
import type { ClusterControl, ClusterTags, ListedCluster } from "../handlers/ports.ts";
import { mapBounded } from "./bounded.ts";
import type { Credentials } from "./dsql-credentials.ts";
import { failureOf, unknownOf } from "./dsql-failure.ts";
import { putPolicy, readPolicy } from "./dsql-policy.ts";
import { checkCreate, observationOf } from "./dsql-shape.ts";

/** ListClusters gives at most 100 a page (service model); a list of more pages than this is not believed to end. */
const LIST_PAGE = 100;
const LIST_PAGES_MAX = 50;
/** The control plane's request rate is not published; a few at a time were never throttled in any report. */
const TAG_READS_AT_ONCE = 4;

export interface ClusterControlOptions {
  readonly region: string;
  readonly credentials: Credentials;
  /** Another address of the control plane, such as the local one. */
  readonly endpoint?: string;
  readonly callTimeoutMs?: number;
  /** Tags that the organisation wants on everything; none of ours is replaced. */
  readonly extraTags?: ClusterTags;
  /** The customer's KMS key of new clusters; null: one of AWS' own. */
  readonly kmsKeyArn?: string | null;
}

interface Listed {
  readonly identifier: string;
  readonly arn: string;
}

/**
 * ClusterControl on the AWS SDK, with one client for the life of the process; `close` drops its connections.
 * The SDK retries nothing: the wakeup that made the call retries it, with its own back-off. No SDK waiter is used,
 * because they never see FAILED or IDLE and take every error for "not yet".
 */
export function createClusterControl(options: ClusterControlOptions): ClusterControl & { close(): void } {
  const config: DSQLClientConfig = {
    region: options.region,
    credentials: options.credentials,
    maxAttempts: 1,
  };
  const client = new DSQLClient(options.endpoint ? { ...config, endpoint: options.endpoint } : config);
  const calls = callsOf(client, options.callTimeoutMs ?? CALL_TIMEOUT_MS);
  const { region, extraTags = {}, kmsKeyArn = null } = options;
  return {
    create: (request) =>
      create(calls, region, kmsKeyArn, { ...request, tags: { ...extraTags, ...request.tags } }),
    observe: (identifier) => observe(calls, region, identifier),
    find: (clusterId) => find(calls, region, clusterId),
    remove: (identifier) => remove(calls, identifier),
    async protect(identifier, on) {
      try {
        await calls.protect(identifier, on);
        return { kind: "done" };
      } catch (error) {
        // A cluster that is gone is not protected, and its own reconciler finds out.
        return failureOf(error).kind === "absent" ? { kind: "done" } : unknownOf(error);
      }
    },
    readPolicy: (identifier) => readPolicy(calls, identifier),
    putPolicy: (identifier, text, version) => putPolicy(calls, identifier, text, version),
    async inventory() {
      try {
        return await inventory(calls);
      } catch {
        return null;
      }
    },
    async identifiers() {
      try {
        return (await list(calls)).map(({ identifier }) => identifier);
      } catch {
        return null;
      }
    },
    close: () => client.destroy(),
  };
}

type Calls = ReturnType<typeof callsOf>;

/** The calls, each with a limit in time. */
function callsOf(client: DSQLClient, timeoutMs: number) {
  const limit = () => ({ abortSignal: AbortSignal.timeout(timeoutMs) });
  return {
    // Deletion protection is on unless it is said to be off, so it is always said.
    create: (
      clientToken: string,
      tags: ClusterTags,
      deletionProtectionEnabled: boolean,
      kmsEncryptionKey: string | null,
    ) => {
      const key = kmsEncryptionKey === null ? {} : { kmsEncryptionKey };
      const command = new CreateClusterCommand({ clientToken, tags, deletionProtectionEnabled, ...key });
      return client.send(command, limit());
    },
    get: (identifier: string) => client.send(new GetClusterCommand({ identifier }), limit()),
    remove: (identifier: string) => client.send(new DeleteClusterCommand({ identifier }), limit()),
    protect: (identifier: string, deletionProtectionEnabled: boolean) =>
      client.send(new UpdateClusterCommand({ identifier, deletionProtectionEnabled }), limit()),
    getPolicy: (identifier: string) => client.send(new GetClusterPolicyCommand({ identifier }), limit()),
    putPolicy: (identifier: string, policy: string, expectedPolicyVersion: string | undefined) =>
      client.send(new PutClusterPolicyCommand({ identifier, policy, expectedPolicyVersion }), limit()),
    deletePolicy: (identifier: string, expectedPolicyVersion: string | undefined) =>
      client.send(new DeleteClusterPolicyCommand({ identifier, expectedPolicyVersion }), limit()),
    list: (nextToken: string | undefined) =>
      client.send(new ListClustersCommand({ maxResults: LIST_PAGE, nextToken }), limit()),
    tags: (resourceArn: string) => client.send(new ListTagsForResourceCommand({ resourceArn }), limit()),
  };
}

async function create(
  calls: Calls,
  region: string,
  kmsKeyArn: string | null,
  request: Parameters<ClusterControl["create"]>[0],
): Promise<CreateAnswer> {
  const wrong = checkCreate(request.clientToken, request.tags);
  if (wrong) return { kind: "refused", cause: wrong };
  try {
    const { clientToken, tags, deletionProtected = false } = request;
    return observationOf(await calls.create(clientToken, tags, deletionProtected, kmsKeyArn), region);
  } catch (error) {
    const failure = failureOf(error);
    switch (failure.kind) {
      case "quota":
      case "conflict":
      case "refused":
        return { kind: failure.kind, cause: failure.cause };
      default:
        return unknownOf(error);
    }
  }
}

async function observe(calls: Calls, region: string, identifier: string): Promise<Observation> {
  try {
    return observationOf(await calls.get(identifier), region);
  } catch (error) {
    return failureOf(error).kind === "absent" ? { kind: "absent" } : unknownOf(error);
  }
}

async function remove(calls: Calls, identifier: string): Promise<RemoveAnswer> {
  try {
    await calls.remove(identifier);
    return { kind: "removing" };
  } catch (error) {
    const failure = failureOf(error);
    switch (failure.kind) {
      case "absent":
      case "protected":
        return { kind: failure.kind };
      case "conflict":
        return { kind: "busy" };
      default:
        return unknownOf(error);
    }
  }
}

async function find(calls: Calls, region: string, clusterId: string): Promise<Observation> {
  try {
    const listed = await list(calls);
    const carries = await mapBounded(listed, TAG_READS_AT_ONCE, (cluster) =>
      carriesTag(calls, cluster, clusterId),
    );
    const found = listed[carries.indexOf(true)];
    if (found) return await observe(calls, region, found.identifier);
    return { kind: "absent" };
  } catch (error) {
    return unknownOf(error);
  }
}

async function inventory(calls: Calls): Promise<readonly ListedCluster[]> {
  const listed = await mapBounded(await list(calls), TAG_READS_AT_ONCE, async ({ identifier, arn }) => {
    const tags = await tagsOf(calls, arn);
    return tags && { identifier, tags };
  });
  return listed.filter((one) => one !== null);
}

/** Null for a cluster that vanished after it was listed; throws if the tags could not be read. */
async function tagsOf(calls: Calls, arn: string): Promise<ClusterTags | null> {
  try {
    return (await calls.tags(arn)).tags ?? {};
  } catch (error) {
    if (failureOf(error).kind === "absent") return null;
    throw error;
  }
}

/** False also for a cluster that vanished after it was listed; throws if the tags could not be read. */
async function carriesTag(calls: Calls, cluster: Listed, clusterId: string): Promise<boolean> {
  return (await tagsOf(calls, cluster.arn))?.[CLUSTER_TAG] === clusterId;
}

/** Every cluster of the account and Region. Throws rather than return a part of them. */
async function list(calls: Calls): Promise<readonly Listed[]> {
  const listed: Listed[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < LIST_PAGES_MAX; page += 1) {
    const answer = await calls.list(nextToken);
    if (!answer.clusters) throw new Error("ListClusters answered without a list.");
    for (const { identifier, arn } of answer.clusters) {
      if (!identifier || !arn) throw new Error("ListClusters answered with a cluster that has no id.");
      listed.push({ identifier, arn });
    }
    nextToken = answer.nextToken;
    if (!nextToken) return listed;
  }
  throw new Error(`ListClusters did not end after ${LIST_PAGES_MAX} pages.`);
}
