/** Where a cluster stands at AWS. Written only by the cluster's own reconciler. */
export type ClusterStatus = "intended" | "creating" | "available" | "removing" | "gone";

/** What a cluster is for. Written by the environment (and later by pool and sweep), never once it is `removing`. */
export type ClusterUse = "serve" | "spare" | "retired" | "remove";

/** How far the migrations of one generation of the environment have come on a cluster. */
export type MigrationState = "behind" | "applied" | "diverged" | "failed";

/** What exists or was intended at AWS. Times are UTC. */
export interface Cluster {
  readonly id: string;
  readonly environmentId: string;
  readonly kind: "preview" | "tenant";
  readonly account: string;
  readonly region: string;
  /** Null for a tenant. */
  readonly repositoryId: number | null;
  readonly status: ClusterStatus;
  readonly use: ClusterUse;
  readonly clientToken: string;
  /** AWS' 26-character identifier, its ARN and its endpoint, once known. */
  readonly identifier: string | null;
  readonly arn: string | null;
  readonly endpoint: string | null;
  /** The first attempt to create it: AWS promises idempotency of the token only for a while after it. */
  readonly attemptedAt: Date | null;
  /** The time of the first complete list, or first 404, that did not show it. */
  readonly absentSince: Date | null;
  readonly statusSince: Date;
  readonly retiredUntil: Date | null;
  /** Wanted deletion protection at AWS: on for a customer until somebody lifts it. */
  readonly protected: boolean;
  /** Since when its policy, read back, lets nobody connect; null while it does not. */
  readonly fencedAt: Date | null;
  /** The generation of the environment for which it was begun. */
  readonly bornGeneration: number;
  readonly createdAt: Date;
  /** Why it does not get on, as a reason code, for the report. */
  readonly reason: string | null;
  /** The generation of the environment that the migration columns speak of. */
  readonly migrationGeneration: number;
  readonly migrationState: MigrationState;
  readonly migrationSince: Date | null;
  readonly verifiedGeneration: number;
  readonly verifiedAt: Date | null;
  readonly version: number;
}

/** What one look at AWS said. `unknown` is never `absent`: a time-out, a 429, a 403 or a 5xx proves nothing. */
export type Observation =
  | { readonly kind: "unknown"; readonly cause: string; readonly retryAfterMs?: number }
  | { readonly kind: "absent" }
  | ({ readonly kind: "creating" | "usable" | "failed" | "deleting" } & SeenCluster);

export interface SeenCluster {
  readonly identifier: string;
  readonly arn: string;
  readonly endpoint: string;
  readonly deletionProtected: boolean;
}

/** The answer to CreateCluster. `conflict`: the token was used with other parameters, or is being used. */
export type CreateAnswer =
  | ({ readonly kind: "creating" | "usable" | "failed" | "deleting" } & SeenCluster)
  | { readonly kind: "unknown"; readonly cause: string; readonly retryAfterMs?: number }
  | { readonly kind: "quota"; readonly cause: string }
  | { readonly kind: "conflict"; readonly cause: string }
  | { readonly kind: "refused"; readonly cause: string };

/** The answer to a change that was read back: `done` means that AWS shows it. */
export type ChangeAnswer =
  | { readonly kind: "done" }
  | { readonly kind: "unknown"; readonly cause: string; readonly retryAfterMs?: number };

/** The answer to DeleteCluster. `busy`: AWS answers 409 while the cluster is still being created. */
export type RemoveAnswer =
  | { readonly kind: "removing" }
  | { readonly kind: "absent" }
  | { readonly kind: "busy" }
  | { readonly kind: "protected" }
  | { readonly kind: "unknown"; readonly cause: string; readonly retryAfterMs?: number };
