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
  /** The name of the CloudFormation stack that makes it; null: it is made by itself. */
  readonly stack: string | null;
  /** What the stack made besides: the roles that connect, as admin and as the reader. Null until they are known. */
  readonly roles: StackRoles | null;
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
  /** The operator's own policy that the fence replaced, as JSON; null if there was none, or nothing is fenced. */
  readonly formerPolicy: string | null;
  /** The generation of the environment for which it was begun. */
  readonly bornGeneration: number;
  readonly createdAt: Date;
  /** Why it does not get on, as a reason code, for the report. */
  readonly reason: string | null;
  /** What AWS says about that reason, in its own words, if it says anything. */
  readonly trouble: string | null;
  /** The generation of the environment that the migration columns speak of. */
  readonly migrationGeneration: number;
  readonly migrationState: MigrationState;
  readonly migrationSince: Date | null;
  readonly verifiedGeneration: number;
  readonly verifiedAt: Date | null;
  readonly version: number;
}

/** ARNs of the IAM roles of a stack: `connect` may connect as admin, `reader` as the read-only database role. */
export interface StackRoles {
  readonly connect: string;
  readonly reader: string;
}

/** An answer that proves nothing: a time-out, a 429, a 403 or a 5xx. */
export interface Unknown {
  readonly kind: "unknown";
  readonly cause: string;
  readonly retryAfterMs?: number;
}

/** What one look at AWS said. `unknown` is never `absent`. */
export type Observation =
  | Unknown
  | { readonly kind: "absent" }
  | ({ readonly kind: "creating" | "usable" | "failed" | "deleting" } & SeenCluster)
  | StackObservation;

export interface SeenCluster {
  readonly identifier: string;
  readonly arn: string;
  readonly endpoint: string;
  readonly deletionProtected: boolean;
  /** Of the stack that holds it. */
  readonly inStack?: SeenStack;
}

/** A stack that stands, beside its cluster. */
export interface SeenStack {
  /** Made from another version of the template than today's. */
  readonly outdated: boolean;
  /** CloudFormation is changing it just now. */
  readonly changing: boolean;
  readonly terminationProtected: boolean;
  readonly roles: StackRoles | null;
  /** The last change failed, or could not be undone either; `stuck` until a person helps. */
  readonly failure: { readonly cause: string; readonly at: Date; readonly stuck: boolean } | null;
}

/** What is seen of a stack while there is no cluster in it to work with. */
export type StackObservation =
  /** It is being made, and its cluster with it. */
  | { readonly kind: "forming" }
  /** It could not be made. While `rolling`, CloudFormation still takes back what it had made. */
  | { readonly kind: "broken"; readonly quota: boolean; readonly rolling: boolean; readonly cause: string }
  /** It stands, but its cluster is gone. */
  | { readonly kind: "hollow" }
  | { readonly kind: "leaving" }
  /** Its deletion failed, then, and so many times by now; what is left of the cluster. */
  | {
      readonly kind: "blocked";
      readonly cause: string;
      readonly at: Date;
      readonly tries: number;
      readonly cluster: SeenCluster | null;
    };

/** The answer to a create. `conflict`: the token was used with other parameters, or is being used. */
export type CreateAnswer =
  | ({ readonly kind: "creating" | "usable" | "failed" | "deleting" } & SeenCluster)
  | StackObservation
  | Unknown
  | { readonly kind: "quota"; readonly cause: string }
  | { readonly kind: "conflict"; readonly cause: string }
  | { readonly kind: "refused"; readonly cause: string };

/** The answer to a change that was read back: `done` means that AWS shows it. */
export type ChangeAnswer = { readonly kind: "done" } | Unknown;

/** The policy of a cluster as AWS has it; both null if it has none. A version never comes back. */
export type PolicyAnswer =
  | { readonly kind: "seen"; readonly text: string | null; readonly version: string | null }
  | Unknown;

/** The answer to a new version of the template: `done` means that CloudFormation has begun, `unchanged` that it sees nothing to do. */
export type UpdateAnswer =
  | ChangeAnswer
  | { readonly kind: "unchanged" }
  | { readonly kind: "refused"; readonly cause: string };

/** The answer to a removal. `busy`: AWS answers so while it is still being created or changed. */
export type RemoveAnswer = { readonly kind: "removing" | "absent" | "busy" | "protected" } | Unknown;
