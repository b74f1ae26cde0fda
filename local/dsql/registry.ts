import { createHash, randomBytes } from "node:crypto";
import { clusterNotFound, conflict, quotaExceeded, validationFailed } from "./service-error.ts";
import { type ClusterRecord, loadState, saveState } from "./state.ts";

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
}

export type UpdateInput = Omit<CreateInput, "tags">;
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

/** Enough for any retry; how long the service remembers tokens is not published. */
const MAX_TOKENS = 1_000;

const AWS_OWNED_KEY = "AWS_OWNED_KMS_KEY";

/**
 * Which clusters exist: the state behind the control plane, kept in a file of `directory`. Every change is on file before it
 * is answered. Methods throw ServiceError.
 */
export function openRegistry(options: RegistryOptions) {
  const shelf = openShelf(options);
  return { once: oncePerToken(shelf), ...reading(shelf), ...changing(shelf, options), ...tagging(shelf) };
}

/** The records, with the clock applied: clusters disappear by time alone, and whoever looks first forgets them. */
function openShelf(options: RegistryOptions) {
  const state = loadState(options.directory);
  const present = (): ClusterRecord[] => {
    state.clusters = state.clusters.filter(
      (cluster) => cluster.goneAt === undefined || Date.now() < cluster.goneAt,
    );
    return state.clusters;
  };
  const find = (identifier: string): ClusterRecord => {
    const cluster = present().find((candidate) => candidate.identifier === identifier);
    if (!cluster) throw clusterNotFound(identifier);
    return cluster;
  };
  const describe = (cluster: ClusterRecord) => describeCluster(cluster, options);
  return { state, present, find, describe, save: () => saveState(options.directory, state) };
}

type Shelf = ReturnType<typeof openShelf>;

/**
 * Runs a change once per client token: a repeat answers what the first one answered, and a repeat with other parameters is a
 * conflict. Without a token it just runs.
 */
function oncePerToken({ state, save }: Shelf) {
  return (
    token: string | undefined,
    parameters: unknown,
    change: () => ClusterDescription,
  ): ClusterDescription => {
    const digest = createHash("sha256").update(canonical(parameters)).digest("hex");
    const known = state.tokens.find((record) => record.token === token);
    if (known && known.digest !== digest)
      throw conflict("The client token was used before with other parameters");
    if (known) return known.answer as unknown as ClusterDescription;
    const answer = change();
    if (token !== undefined)
      state.tokens = [...state.tokens, { token, digest, answer: { ...answer } }].slice(-MAX_TOKENS);
    save();
    return answer;
  };
}

function reading({ present, find, describe }: Shelf) {
  return {
    get: (identifier: string): ClusterDescription => describe(find(identifier)),

    /** What exists now, without errors: for whoever routes connections or shows the clusters. */
    lookUp: (identifier: string): ClusterDescription | undefined =>
      present()
        .filter((cluster) => cluster.identifier === identifier)
        .map(describe)[0],
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

/** Changes for `once`, which writes them to the file; not idempotent by themselves, except `remove`. */
function changing({ state, present, find, describe }: Shelf, options: RegistryOptions) {
  return {
    create(input: CreateInput): ClusterDescription {
      if (present().length >= options.quota) {
        throw quotaExceeded("You have reached the cluster limit.", `${options.quota} clusters`);
      }
      const now = Date.now();
      const cluster: ClusterRecord = {
        identifier: randomIdentifier(),
        createdAt: now,
        usableAt: now + options.creatingMs,
        // The default of the API since its preview; newer models leave it out.
        deletionProtectionEnabled: input.deletionProtectionEnabled ?? true,
        tags: input.tags ?? {},
        ...(input.kmsEncryptionKey === undefined ? {} : { kmsEncryptionKey: input.kmsEncryptionKey }),
      };
      state.clusters.push(cluster);
      // Also with a delay of 0 the answer says CREATING, as the service does.
      return { ...describe(cluster), status: "CREATING" };
    },

    update(identifier: string, input: UpdateInput): ClusterDescription {
      const cluster = find(identifier);
      refuseUnlessActive(describe(cluster), "updated");
      if (input.deletionProtectionEnabled !== undefined)
        cluster.deletionProtectionEnabled = input.deletionProtectionEnabled;
      if (input.kmsEncryptionKey !== undefined) cluster.kmsEncryptionKey = input.kmsEncryptionKey;
      return describe(cluster);
    },

    /** Idempotent: removing a cluster that is DELETING answers the same again. */
    remove(identifier: string): ClusterDescription {
      const cluster = find(identifier);
      if (cluster.goneAt !== undefined) return describe(cluster);
      refuseUnlessActive(describe(cluster), "deleted");
      if (cluster.deletionProtectionEnabled) {
        throw validationFailed(
          "deletionProtectionEnabled",
          `Deletion protection is enabled for cluster ${identifier}`,
        );
      }
      cluster.goneAt = Date.now() + options.deletingMs;
      return describe(cluster);
    },
  };
}

/** Both are idempotent. */
function tagging({ find, save }: Shelf) {
  return {
    tag(identifier: string, tags: Record<string, string>): void {
      const cluster = find(identifier);
      const merged = { ...cluster.tags, ...tags };
      if (Object.keys(merged).length > MAX_TAGS)
        throw quotaExceeded(`A cluster may have ${MAX_TAGS} tags.`, identifier);
      cluster.tags = merged;
      save();
    },

    untag(identifier: string, keys: readonly string[]): void {
      const cluster = find(identifier);
      cluster.tags = Object.fromEntries(Object.entries(cluster.tags).filter(([key]) => !keys.includes(key)));
      save();
    },
  };
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

function refuseUnlessActive({ identifier, status }: ClusterDescription, done: string): void {
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
