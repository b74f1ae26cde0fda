import { createHash, randomBytes } from "node:crypto";
import { type Policy, parseResourcePolicy } from "./policy.ts";
import { clusterNotFound, conflict, noPolicy, quotaExceeded, validationFailed } from "./service-error.ts";
import { type ClusterRecord, isPresent, openState, type State } from "./state.ts";

export interface RegistryOptions {
  directory: string;
  region: string;
  accountId: string;
  /** How long a new cluster is CREATING. */
  creatingMs: number;
  /** How long a removed cluster is DELETING before it is gone. */
  deletingMs: number;
  /** Clusters that may exist at once, those on their way out included. */
  quota: number;
}

export interface CreateInput {
  deletionProtectionEnabled?: boolean;
  kmsEncryptionKey?: string;
  tags?: Record<string, string>;
  policy?: string;
}

export type UpdateInput = Pick<CreateInput, "deletionProtectionEnabled" | "kmsEncryptionKey">;
export type ClusterStatus = "CREATING" | "ACTIVE" | "DELETING";

/** A cluster as the API describes it; times in seconds since 1970, which is what the SDK reads. */
export interface ClusterDescription {
  identifier: string;
  arn: string;
  status: ClusterStatus;
  creationTime: number;
  deletionProtectionEnabled: boolean;
  tags: Record<string, string>;
  endpoint: string;
  encryptionDetails: { encryptionType: string; encryptionStatus: "ENABLED"; kmsKeyArn?: string };
}

export type Registry = ReturnType<typeof openRegistry>;

/** The bound of the API's model. */
const MAX_TAGS = 200;

const AWS_OWNED_KEY = "AWS_OWNED_KMS_KEY";

/**
 * Which clusters exist: the state behind the control plane, kept in a file of `directory`. Every change is on file before it
 * is answered. Methods throw ServiceError.
 */
export function openRegistry(options: RegistryOptions) {
  const shelf = openShelf(options);
  return {
    once: oncePerToken(shelf.state),
    ...reading(shelf),
    ...changing(shelf, options),
    ...tagging(shelf),
    ...policies(shelf),
  };
}

/** The records, with the clock applied: clusters disappear by time alone, and whoever looks first forgets them. */
function openShelf(options: RegistryOptions) {
  const state = openState(options.directory);
  const present = (): ClusterRecord[] => {
    const now = Date.now();
    for (const cluster of state.clusters.values())
      if (!isPresent(cluster, now)) state.clusters.delete(cluster.identifier);
    return [...state.clusters.values()];
  };
  const lookUp = (identifier: string): ClusterRecord | undefined => {
    const cluster = state.clusters.get(identifier);
    return cluster && isPresent(cluster) ? cluster : undefined;
  };
  const find = (identifier: string): ClusterRecord => {
    const cluster = lookUp(identifier);
    if (!cluster) throw clusterNotFound(identifier);
    return cluster;
  };
  const describe = (cluster: ClusterRecord) => describeCluster(cluster, options);
  return { state, present, lookUp, find, describe };
}

type Shelf = ReturnType<typeof openShelf>;

/** A change to put on file, and what to answer when it is there. */
export interface Changed<Answer> {
  cluster: ClusterRecord;
  answer: Answer;
}

/**
 * Makes a change once per client token: a repeat answers what the first one answered, and a repeat with other parameters is a
 * conflict. Without a token it is just made.
 */
function oncePerToken({ tokens, save }: State) {
  return <Answer extends object>(
    token: string | undefined,
    parameters: unknown,
    change: () => Changed<Answer>,
  ): Answer => {
    const digest = createHash("sha256").update(canonical(parameters)).digest("hex");
    const known = token === undefined ? undefined : tokens.get(token);
    if (known && known.digest !== digest)
      throw conflict("The client token was used before with other parameters");
    if (known) return known.answer as Answer;
    const { cluster, answer } = change();
    const record = { digest, answer: { ...answer } as Record<string, unknown> };
    save({ cluster, ...(token === undefined ? {} : { token: { token, ...record } }) });
    return answer;
  };
}

function reading({ present, lookUp, find, describe }: Shelf) {
  return {
    get: (identifier: string): ClusterDescription => describe(find(identifier)),

    /** What exists now, without errors: for whoever routes connections or shows the clusters. */
    lookUp: (identifier: string): ClusterDescription | undefined => {
      const cluster = lookUp(identifier);
      return cluster && describe(cluster);
    },
    all: (): ClusterDescription[] => present().map(describe),

    /** In the order of their identifiers, so that a page's end stays a good start after clusters came or went. */
    list(maxResults: number, after: string): { clusters: ClusterDescription[]; last: string | undefined } {
      const rest = present()
        .filter((cluster) => cluster.identifier > after)
        .sort((a, b) => (a.identifier < b.identifier ? -1 : 1));
      const clusters = rest.slice(0, maxResults).map(describe);
      return { clusters, last: rest.length > maxResults ? clusters.at(-1)?.identifier : undefined };
    },
  };
}

/** Changes for `once`, which puts them on file. */
function changing({ present, find, describe }: Shelf, options: RegistryOptions) {
  return {
    create({ policy, ...input }: CreateInput): Changed<ClusterDescription> {
      if (present().length >= options.quota) {
        throw quotaExceeded("You have reached the cluster limit.", `${options.quota} clusters`);
      }
      const now = Date.now();
      const cluster: ClusterRecord = {
        ...input,
        identifier: randomIdentifier(),
        createdAt: now,
        usableAt: now + options.creatingMs,
        // The default of the API since its preview; newer models leave it out.
        deletionProtectionEnabled: input.deletionProtectionEnabled ?? true,
        tags: input.tags ?? {},
        ...(policy === undefined ? {} : { policy: { text: policy, version: randomIdentifier() } }),
      };
      // Also with a delay of 0 the answer says CREATING, as the service does.
      return { cluster, answer: { ...describe(cluster), status: "CREATING" } };
    },

    update(identifier: string, input: UpdateInput): Changed<ClusterDescription> {
      const found = find(identifier);
      refuseUnlessActive(found, "updated");
      const cluster = { ...found, ...input };
      return { cluster, answer: describe(cluster) };
    },

    /** Idempotent: removing a cluster that is DELETING answers the same again. */
    remove(identifier: string): Changed<ClusterDescription> {
      const found = find(identifier);
      if (found.goneAt !== undefined) return { cluster: found, answer: describe(found) };
      refuseUnlessActive(found, "deleted");
      if (found.deletionProtectionEnabled) {
        throw validationFailed(
          "deletionProtectionEnabled",
          `Deletion protection is enabled for cluster ${identifier}`,
        );
      }
      const cluster = { ...found, goneAt: Date.now() + options.deletingMs };
      return { cluster, answer: describe(cluster) };
    },
  };
}

/** Both are idempotent. */
function tagging({ state, find }: Shelf) {
  return {
    tag(identifier: string, tags: Record<string, string>): void {
      const cluster = find(identifier);
      const merged = { ...cluster.tags, ...tags };
      if (Object.keys(merged).length > MAX_TAGS)
        throw quotaExceeded(`A cluster may have ${MAX_TAGS} tags.`, identifier);
      state.save({ cluster: { ...cluster, tags: merged } });
    },

    untag(identifier: string, keys: readonly string[]): void {
      const cluster = find(identifier);
      const kept = Object.entries(cluster.tags).filter(([key]) => !keys.includes(key));
      state.save({ cluster: { ...cluster, tags: Object.fromEntries(kept) } });
    },
  };
}

/** The clusters' resource policies; changes are for `once`. A version is opaque and never comes back. */
function policies({ lookUp, find }: Shelf) {
  const current = (identifier: string, expectedVersion?: string): Required<ClusterRecord>["policy"] => {
    const { policy } = find(identifier);
    if (!policy) throw noPolicy(identifier);
    refuseOtherVersion(identifier, policy.version, expectedVersion);
    return policy;
  };
  return {
    /** What counts when somebody asks for the cluster; nothing denies anything there when it has no policy. */
    policyOf: (identifier: string): Policy => {
      const { policy } = lookUp(identifier) ?? {};
      return policy ? parseResourcePolicy(policy.text) : [];
    },

    getPolicy(identifier: string): { policy: string; policyVersion: string } {
      const { text, version } = current(identifier);
      return { policy: text, policyVersion: version };
    },

    putPolicy(
      identifier: string,
      text: string,
      expectedVersion?: string,
    ): Changed<{ policyVersion: string }> {
      const found = find(identifier);
      refuseUnlessActive(found, "changed");
      refuseOtherVersion(identifier, found.policy?.version, expectedVersion);
      const policy = { text, version: randomIdentifier() };
      return { cluster: { ...found, policy }, answer: { policyVersion: policy.version } };
    },

    deletePolicy(identifier: string, expectedVersion?: string): Changed<{ policyVersion: string }> {
      const { version } = current(identifier, expectedVersion);
      const { policy: _gone, ...cluster } = find(identifier);
      return { cluster, answer: { policyVersion: version } };
    },
  };
}

function refuseOtherVersion(identifier: string, version: string | undefined, expected?: string): void {
  if (expected === undefined || expected === version) return;
  throw conflict(`The policy of cluster ${identifier} is not of version ${expected} any more`, identifier);
}

function describeCluster(cluster: ClusterRecord, { region, accountId }: RegistryOptions): ClusterDescription {
  const key = cluster.kmsEncryptionKey ?? AWS_OWNED_KEY;
  const owned = key === AWS_OWNED_KEY;
  return {
    identifier: cluster.identifier,
    arn: `arn:aws:dsql:${region}:${accountId}:cluster/${cluster.identifier}`,
    status: statusOf(cluster),
    creationTime: cluster.createdAt / 1000,
    deletionProtectionEnabled: cluster.deletionProtectionEnabled,
    tags: { ...cluster.tags },
    endpoint: `${cluster.identifier}.dsql.${region}.on.aws`,
    encryptionDetails: {
      encryptionType: owned ? AWS_OWNED_KEY : "CUSTOMER_MANAGED_KMS_KEY",
      encryptionStatus: "ENABLED",
      ...(owned ? {} : { kmsKeyArn: key }),
    },
  };
}

function statusOf(cluster: ClusterRecord): ClusterStatus {
  if (cluster.goneAt !== undefined) return "DELETING";
  return Date.now() < cluster.usableAt ? "CREATING" : "ACTIVE";
}

function refuseUnlessActive(cluster: ClusterRecord, done: string): void {
  const { identifier } = cluster;
  const status = statusOf(cluster);
  if (status !== "ACTIVE")
    throw conflict(`The cluster ${identifier} is ${status} and cannot be ${done} now`, identifier);
}

/** Real identifiers look like lower-case base32. */
function randomIdentifier(): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  return Array.from(randomBytes(26), (byte) => alphabet[byte % 32]).join("");
}

/** JSON with sorted keys, so that equal parameters have equal digests. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
