import { randomBytes } from "node:crypto";
import { clusterNotFound, conflict } from "./service-error.ts";
import { type ClusterRecord, isPresent, openState } from "./state.ts";

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

const AWS_OWNED_KEY = "AWS_OWNED_KMS_KEY";

/** The records, with the clock applied: clusters disappear by time alone, and whoever looks first forgets them. */
export function openShelf(options: RegistryOptions) {
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

export type Shelf = ReturnType<typeof openShelf>;

/** A change to put on file, and what to answer when it is there. */
export interface Changed<Answer> {
  cluster: ClusterRecord;
  answer: Answer;
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

export function refuseUnlessActive(cluster: ClusterRecord, done: string): void {
  const { identifier } = cluster;
  const status = statusOf(cluster);
  if (status !== "ACTIVE")
    throw conflict(`The cluster ${identifier} is ${status} and cannot be ${done} now`, identifier);
}

/** Real identifiers look like lower-case base32. */
export function randomIdentifier(): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  return Array.from(randomBytes(26), (byte) => alphabet[byte % 32]).join("");
}
