/**
 * What the handlers need from the outside, as small as their use. Adapters implement these; nothing here knows an SDK.
 * Unless it says otherwise, a call throws `Retryable` for what a later try can mend and `Refused` for what it cannot.
 */
import type { Grant } from "../domain/access.ts";
import type { InstallationGrants } from "../domain/app-permissions.ts";
import type {
  ChangeAnswer,
  CreateAnswer,
  Observation,
  PolicyAnswer,
  RemoveAnswer,
} from "../domain/cluster.ts";
import type { MigrationFile, MigrationProblem, Statement } from "../domain/migration.ts";
import type { PullRef } from "../domain/owner.ts";
import type { Checks } from "./ports-checks.ts";

/** Time, ids and randomness come from outside the handlers, so that a simulation can replay them. */
export interface Clock {
  now(): Date;
}
export interface Chance {
  /** A number in [0, 1). */
  number(): number;
  /** `count` random bytes. */
  bytes(count: number): Uint8Array;
}

/** The tags that IAM reads: set at creation, never changed. */
export type ClusterTags = Readonly<Record<string, string>>;

/** A cluster as a complete list of the account and Region shows it. */
export interface ListedCluster {
  readonly identifier: string;
  readonly tags: ClusterTags;
}

/** AWS' control plane for one account and Region. No method throws for an answer of AWS: each answer is a value. */
export interface ClusterControl {
  /** CreateCluster. Repeatable with the same token. */
  create(request: {
    readonly clientToken: string;
    readonly tags: ClusterTags;
    /** Off unless said: a preview must be removable. */
    readonly deletionProtected?: boolean;
  }): Promise<CreateAnswer>;
  /** GetCluster. */
  observe(identifier: string): Promise<Observation>;
  /**
   * Finds the cluster that carries the tag `offshoot:cluster=<clusterId>` by a complete list with tags.
   * `absent` only if every page and every tag was read; anything less is `unknown`.
   */
  find(clusterId: string): Promise<Observation>;
  remove(identifier: string): Promise<RemoveAnswer>;
  /** Switches deletion protection. */
  protect(identifier: string, on: boolean): Promise<ChangeAnswer>;
  readPolicy(identifier: string): Promise<PolicyAnswer>;
  /**
   * Puts a policy, or takes it away (null), and reads it back. With a version only if the policy is still of that version;
   * if it is not, nothing is changed and the answer is `unknown`.
   */
  putPolicy(identifier: string, text: string | null, version: string | null): Promise<ChangeAnswer>;
  /** Every cluster with its tags; null if the list, or one of its clusters, could not be read. */
  inventory(): Promise<readonly ListedCluster[] | null>;
  /** The clusters of any owner in the account and Region; null if the list could not be read to its end. */
  identifiers(): Promise<readonly string[] | null>;
}

/** The outcome of one statement on a cluster. */
export type StatementOutcome =
  | { readonly kind: "applied" }
  /** A background job was started; ask `job` until it ends. */
  | { readonly kind: "building"; readonly jobId: string }
  /** The server refused it and nothing was changed. */
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  /** 40001: nothing was committed, the same statement may be sent again. */
  | { readonly kind: "conflict" }
  /** The connection was lost after sending: it may or may not have been applied. */
  | { readonly kind: "lost"; readonly cause: string };

export type JobOutcome =
  | { readonly kind: "building" }
  | { readonly kind: "completed" }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "unknown"; readonly cause: string };

/** One connection to a cluster, held while working on it. */
export interface DatabaseSession {
  run(statement: Statement): Promise<StatementOutcome>;
  job(jobId: string): Promise<JobOutcome>;
  /**
   * Makes the roles of the grants and maps them; every other mapping of these roles, and of `formerRoles`, is taken
   * away. Idempotent. Throws Retryable `access_unmapped`, or Refused `access_refused`.
   */
  mapRoles(grants: readonly Grant[], formerRoles: readonly string[]): Promise<void>;
  /** Lets the role read all tables of all schemas that are not the system's. Idempotent. Throws as mapRoles. */
  grantReads(role: string): Promise<void>;
  close(): Promise<void>;
}

/** The data plane: clusters as their clients reach them, through the public endpoint. */
export interface Databases {
  /** Connects as admin. Throws Retryable (reason `connect_failed` or `waking_up`). */
  open(endpoint: string): Promise<DatabaseSession>;
  /**
   * Opens a connection of its own, runs a query that reads from the cluster, reads the grants back, closes it. Throws
   * as `open`, and Retryable `access_missing` if the cluster does not show a grant.
   */
  verify(endpoint: string, grants: readonly Grant[]): Promise<void>;
}

/** Splits the text of a migration file by the grammar of Postgres. Deterministic. Never throws for a bad text. */
export interface Splitter {
  split(
    file: MigrationFile,
  ): Promise<{ readonly statements: readonly Statement[] } | { readonly problem: MigrationProblem }>;
}

/** How an adapter addresses a repository: the id decides, the name only builds the URL and is checked against it. */
export interface RepositoryTarget {
  readonly host: string;
  readonly repositoryId: number;
  readonly installationId: number;
  /** owner/name, as last seen. */
  readonly repositoryName: string;
}

/** How an adapter addresses a pull request. */
export interface PullTarget extends PullRef, RepositoryTarget {}

/** What is read of a pull request. */
export interface Pull {
  readonly number: number;
  readonly repositoryId: number;
  /** owner/name as GitHub has it now. */
  readonly repositoryName: string;
  readonly state: "open" | "closed";
  readonly merged: boolean;
  readonly closedAt: Date | null;
  readonly createdAt: Date;
  readonly headSha: string;
  readonly headRef: string;
  readonly baseRef: string;
  /** True also when the fork was deleted: without a head repository nothing can be trusted. */
  readonly fork: boolean;
  readonly author: string;
  readonly authorIsBot: boolean;
}

export interface PullComment {
  readonly id: number;
  readonly author: string;
  readonly authorIsBot: boolean;
  readonly body: string;
  readonly createdAt: Date;
  readonly edited: boolean;
  /** The pull request that it belongs to. */
  readonly number: number;
}

export type Permission = "admin" | "write" | "read" | "none";
export type ReactionContent = "+1" | "-1" | "eyes" | "rocket" | "confused";

/** GitHub, through an installation of the App. Rate limits are Retryable with `pauses: "installation"`. */
export interface GitHub extends Checks {
  /** Null if the pull request or its repository cannot be seen (404, or another repository now has the name). */
  readPull(target: PullTarget): Promise<Pull | null>;
  /** Null if there is no such comment, or not on an issue of this repository. */
  readComment(target: PullTarget, commentId: number): Promise<PullComment | null>;
  /** `write` covers maintain, `read` covers triage; anything but a clear answer is `none`. */
  readPermission(target: RepositoryTarget, login: string): Promise<Permission>;
  /** The repository of that name with the App's installation; null if the App is not installed there. */
  findRepository(name: string): Promise<RepositoryTarget | null>;
  /** The commit of a git branch; null if it does not exist. */
  readBranch(target: RepositoryTarget, gitBranch: string): Promise<{ readonly sha: string } | null>;
  /** The `*.sql` files directly in `directory` at the commit, in name order (bytes). Throws Refused if there are too many or one is too large or not UTF-8. */
  readMigrations(target: RepositoryTarget, sha: string, directory: string): Promise<readonly MigrationFile[]>;
  /** Comments by this App that carry the marker, oldest first, over all pages. */
  findComments(
    target: PullTarget,
    marker: string,
  ): Promise<readonly { readonly id: number; readonly body: string }[]>;
  createComment(target: PullTarget, body: string): Promise<{ readonly id: number }>;
  /** `absent` if somebody deleted it. */
  editComment(target: PullTarget, commentId: number, body: string): Promise<"edited" | "absent">;
  deleteComment(target: PullTarget, commentId: number): Promise<void>;
  /** Idempotent. `absent` if the comment is gone. */
  react(target: PullTarget, commentId: number, content: ReactionContent): Promise<"done" | "absent">;
  /** What the repository's installation was granted; null if it is gone. May be some minutes old. */
  readGrants(target: RepositoryTarget): Promise<InstallationGrants | null>;
}

/** One attempt to deliver a webhook that failed, as GitHub remembers it for three days. */
export interface DeliveryAttempt {
  /** Digits, more than a number holds. */
  readonly id: string;
  /** The same for all attempts of one event. */
  readonly guid: string;
  readonly event: string;
  readonly at: Date;
  /** What was answered, or what GitHub makes of no answer. */
  readonly statusCode: number;
  /** Whether it was asked for, after another one had failed. */
  readonly isRepeat: boolean;
}

/** A page of GitHub's list of deliveries. */
export interface FailedPage {
  /** Those of its deliveries that failed, newest first. */
  readonly attempts: readonly DeliveryAttempt[];
  /** The cursor of the page after it; null if it is the last. */
  readonly next: string | null;
  /** When its last delivery was, failed or not; null if it is empty. */
  readonly oldest: Date | null;
  /** GitHub's own time; null if it did not say. */
  readonly now: Date | null;
}

/** The App's own deliveries at GitHub, which never tries again by itself. */
export interface Redelivery {
  readonly appId: number;
  /** At most `count` deliveries, the newest or those from a cursor on; null if GitHub does not know the cursor any more. */
  failed(count: number, cursor: string | null): Promise<FailedPage | null>;
  /**
   * Asks for another attempt, with the same GUID. `absent` if GitHub has forgotten it, `refused` if it never will. Throws
   * Retryable, and Refused `app_credentials`.
   */
  again(attemptId: string): Promise<"asked" | "absent" | "refused">;
}

/** Numbers that an operator watches. Names and units as docs/runbook.md has them; never an id among them. */
export interface Measure {
  put(numbers: Readonly<Record<string, number>>): void;
}

/** Parameters of SSM. A parameter is ours if it has all the given tags; any other is `foreign` and is left as it is. */
export interface Parameters {
  /** Makes it with these tags, or replaces the value of one that is ours. Idempotent. */
  put(parameter: {
    readonly name: string;
    readonly value: string;
    readonly tags: Readonly<Record<string, string>>;
  }): Promise<"put" | "foreign">;
  /** Removes it if it is ours; `removed` also if there is none. Idempotent. */
  remove(name: string, tags: Readonly<Record<string, string>>): Promise<"removed" | "foreign">;
}

/** One webhook, as Receive hands it to the journal: a hint, a few checked fields. */
export interface DeliveryRow {
  readonly appId: number;
  readonly guid: string;
  /** pullKey of the pull request, or branchKey of the git branch, that it speaks of. */
  readonly pullKey: string;
  readonly event: string;
  readonly action: string;
  readonly installationId: number;
  readonly repositoryId: number;
  readonly repositoryName: string;
  readonly number: number;
  /** For issue_comment: the comment's id and its author's login. */
  readonly commentId: number | null;
  readonly sender: string;
}

/** The journal of deliveries with its group commit. */
export interface Journal {
  /** Resolves once the delivery and its wakeup are durable. Idempotent by (appId, guid). Throws Retryable `store_busy`. */
  append(row: DeliveryRow): Promise<void>;
}

/** Told after a commit that wakes something, so that the worker looks at once; losing it is harmless. */
export interface Nudge {
  nudge(): void;
}

/** Structured logging; `fields` never hold secrets or payloads. */
export interface Log {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}
