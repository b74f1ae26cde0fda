import type { SeenCluster } from "../../service/domain/cluster.ts";
import { isFence } from "../../service/domain/fence.ts";
import type { ClusterTags } from "../../service/handlers/ports.ts";
import { Broken, type Stage } from "./stage.ts";

/** How long a token is known: longer than the 5 minutes that the service trusts, and not for ever. */
const TOKEN_RETENTION_MS = 8 * 60_000;

/** A statement that a cluster has really executed. */
export interface Executed {
  readonly file: string;
  readonly index: number;
  readonly checksum: string;
  readonly sql: string;
}

export interface AwsCluster {
  readonly identifier: string;
  readonly tags: ClusterTags;
  /** Not made by us. */
  readonly foreign: boolean;
  status: "CREATING" | "ACTIVE" | "FAILED" | "DELETING";
  /** When CREATING or DELETING ends, and what CREATING ends in. */
  changesAt: number;
  readonly becomes: "ACTIVE" | "FAILED";
  /** Before this, reads may not show it yet. */
  readonly visibleAt: number;
  protected: boolean;
  /** A policy lets nobody connect. */
  fenced: boolean;
  policy: { readonly text: string; readonly version: string } | null;
  readonly executed: Executed[];
  /** When a query of ours was last answered, counted in executed statements. */
  verifiedAfter: number;
  readonly jobs: Map<string, { readonly endsAt: number; readonly fails: boolean }>;
}

export interface CreateRequest {
  readonly clientToken: string;
  readonly tags: ClusterTags;
  readonly deletionProtected?: boolean;
}

/** What DSQL holds for one account and Region. Changes here are effects; whoever asks may still lose the answer. */
export interface Aws {
  readonly clusters: ReadonlyMap<string, AwsCluster>;
  /** Every cluster ever made, by identifier. */
  readonly former: ReadonlyMap<string, AwsCluster>;
  create(request: CreateRequest): AwsCluster | "quota" | "conflict";
  /** Whether the quota is used up. */
  isFull(): boolean;
  /** A create whose caller has given up, and which arrives later nevertheless. */
  createLater(request: CreateRequest, atMs: number): void;
  remove(cluster: AwsCluster): void;
  /** A version is given once. */
  setPolicy(cluster: AwsCluster, text: string | null): void;
  addForeign(): void;
  removeForeign(): void;
  /** Lets time pass for clusters on their way in or out. Says whether anything changed. */
  advance(): boolean;
  /** When the next late create arrives: no leap in time may skip it. */
  nextArrival(): number | null;
}

interface Token {
  readonly at: number;
  readonly request: string;
  readonly cluster: AwsCluster;
}

export function createAws(stage: Stage, quota: number): Aws {
  const clusters = new Map<string, AwsCluster>();
  const former = new Map<string, AwsCluster>();
  const tokens = new Map<string, Token>();
  let arrivals: { readonly at: number; readonly request: CreateRequest }[] = [];
  let policies = 0;
  const now = () => stage.now().getTime();
  const add = (tags: ClusterTags, foreign: boolean, isProtected: boolean) => {
    const cluster = { ...newCluster(stage, tags, foreign), protected: isProtected };
    clusters.set(cluster.identifier, cluster);
    former.set(cluster.identifier, cluster);
    return cluster;
  };
  const create = (request: CreateRequest) => {
    const known = tokens.get(request.clientToken);
    const isProtected = request.deletionProtected ?? false;
    const text = JSON.stringify([request.tags, isProtected]);
    if (known && now() - known.at < TOKEN_RETENTION_MS) {
      return known.request === text ? known.cluster : ("conflict" as const);
    }
    if (clusters.size >= quota) return "quota" as const;
    const cluster = add(request.tags, false, isProtected);
    tokens.set(request.clientToken, { at: now(), request: text, cluster });
    return cluster;
  };
  return {
    clusters,
    former,
    create,
    isFull: () => clusters.size >= quota,
    createLater: (request, at) => void arrivals.push({ at, request }),
    remove(cluster) {
      if (cluster.status === "DELETING") return;
      cluster.status = "DELETING";
      cluster.changesAt = now() + deletingMs(stage);
    },
    setPolicy(cluster, text) {
      policies += 1;
      cluster.policy = text === null ? null : { text, version: `v${policies}` };
      cluster.fenced = isFence(text);
    },
    addForeign() {
      if (clusters.size < quota) add({}, true, false);
    },
    removeForeign() {
      const foreign = [...clusters.values()].find((cluster) => cluster.foreign);
      if (foreign) clusters.delete(foreign.identifier);
    },
    advance() {
      const due = arrivals.filter((arrival) => arrival.at <= now());
      arrivals = arrivals.filter((arrival) => arrival.at > now());
      for (const { request } of due) create(request);
      const changed = [...clusters.values()].filter((cluster) => isDue(cluster, now()));
      for (const cluster of changed) change(clusters, cluster);
      return due.length + changed.length > 0;
    },
    nextArrival: () => (arrivals.length > 0 ? Math.min(...arrivals.map((arrival) => arrival.at)) : null),
  };
}

function isDue(cluster: AwsCluster, now: number): boolean {
  return (cluster.status === "CREATING" || cluster.status === "DELETING") && cluster.changesAt <= now;
}

function change(clusters: Map<string, AwsCluster>, cluster: AwsCluster): void {
  if (cluster.status === "DELETING") clusters.delete(cluster.identifier);
  else cluster.status = cluster.becomes;
}

function newCluster(stage: Stage, tags: ClusterTags, foreign: boolean): AwsCluster {
  const { random } = stage;
  const now = stage.now().getTime();
  const lag = stage.fault(0.1) ? random.between(1, 30_000) : 0;
  const slow = stage.fault(0.03) ? 20 * 60_000 : 0;
  const letters = [...random.bytes(26)].map((byte) => "abcdefghijklmnopqrstuvwxyz234567".charAt(byte & 31));
  return {
    identifier: letters.join(""),
    tags,
    foreign,
    status: foreign ? "ACTIVE" : "CREATING",
    changesAt: now + slow + random.between(2_000, 60_000),
    becomes: stage.fault(0.01) ? "FAILED" : "ACTIVE",
    visibleAt: now + lag,
    protected: false,
    fenced: false,
    policy: null,
    executed: [],
    verifiedAfter: -1,
    jobs: new Map(),
  };
}

function deletingMs(stage: Stage): number {
  return stage.fault(0.03) ? 70 * 60_000 : stage.random.between(5_000, 120_000);
}

export function seenOf({ identifier, protected: deletionProtected }: AwsCluster): SeenCluster {
  return {
    identifier,
    arn: `arn:aws:dsql:us-east-1:111122223333:cluster/${identifier}`,
    endpoint: `${identifier}.dsql.us-east-1.on.aws`,
    deletionProtected,
  };
}

/** Nothing of ours may ever touch what is not ours. */
export function refuseForeign(stage: Stage, cluster: AwsCluster, what: string): void {
  if (cluster.foreign)
    throw stage.fail(new Broken("foreign", `${what} on foreign cluster ${cluster.identifier}`));
}
