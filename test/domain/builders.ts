import type { Cluster, SeenCluster } from "../../service/domain/cluster.ts";
import type { Environment } from "../../service/domain/environment.ts";

export const NOW = new Date("2026-11-23T12:00:00Z");

/** The time `ms` milliseconds before NOW. */
export function ago(ms: number): Date {
  return new Date(NOW.getTime() - ms);
}

export const SEEN: SeenCluster = {
  identifier: "abcdefghijklmnopqrstuvwxyz",
  arn: "arn:aws:dsql:us-east-1:111122223333:cluster/abcdefghijklmnopqrstuvwxyz",
  endpoint: "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws",
  deletionProtected: false,
};

/** A cluster that was just intended, unless said otherwise. */
export function clusterOf(change: Partial<Cluster> = {}): Cluster {
  return {
    id: "cl_1",
    environmentId: "env_1",
    kind: "preview",
    account: "111122223333",
    region: "us-east-1",
    repositoryId: 7,
    clientToken: "tok_1",
    createdAt: NOW,
    status: "intended",
    use: "serve",
    identifier: null,
    arn: null,
    endpoint: null,
    stack: null,
    roles: null,
    attemptedAt: null,
    absentSince: null,
    statusSince: NOW,
    reason: null,
    trouble: null,
    retiredUntil: null,
    protected: false,
    fencedAt: null,
    formerPolicy: null,
    bornGeneration: 1,
    migrationGeneration: 0,
    migrationState: "behind",
    migrationSince: null,
    verifiedGeneration: 0,
    verifiedAt: null,
    version: 1,
    ...change,
  };
}

/** An environment that was just wanted and whose plan was read, unless said otherwise. */
export function environmentOf(change: Partial<Environment> = {}): Environment {
  return {
    id: "env_1",
    kind: "pull",
    gitBranch: null,
    customerKey: null,
    labels: {},
    limits: {},
    protected: false,
    wasProtected: false,
    revision: 1,
    resetGeneration: 0,
    ownerKey: "pull:github.com:7:1:app",
    pullKey: "pull:github.com:7:1",
    repositoryId: 7,
    number: 1,
    database: "app",
    author: "ann",
    wanted: "present",
    wantedReason: "pull_open",
    generation: 1,
    headSha: "0".repeat(40),
    createdAt: NOW,
    wantedAt: NOW,
    presentSince: NOW,
    until: new Date(NOW.getTime() + 72 * 3_600_000),
    queuedAt: null,
    servingId: null,
    nextId: null,
    planGeneration: 1,
    plan: { sha: "0".repeat(40), fileCount: 1, statementCount: 2 },
    planProblem: null,
    readyAt: null,
    endedAt: null,
    version: 1,
    ...change,
  };
}
