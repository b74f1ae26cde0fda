import type { Cluster } from "../domain/cluster.ts";
import type { NewestCommand } from "../domain/desire.ts";
import type { Environment } from "../domain/environment.ts";
import type { MigrationFile, MigrationProblem } from "../domain/migration.ts";
import type { Holdings, Waiting } from "../domain/slots.ts";
import type { RepositoryTarget } from "./ports.ts";
import type { CredentialReads, CredentialWrites } from "./ports-credentials.ts";
import type {
  AccessRow,
  CheckRow,
  CommandRow,
  EnvironmentFilter,
  EventRow,
  HolderRow,
  LedgerRow,
  OperationRow,
  ParameterRow,
  PendingDelivery,
  PullRow,
  ReportRow,
  SlotRows,
} from "./ports-rows.ts";

/** What a key is of; `chore` is what is done now and then for the whole installation. */
export const TOPICS = ["intake", "environment", "cluster", "report", "check", "parameter", "chore"] as const;
export type Topic = (typeof TOPICS)[number];

/** A wakeup that this worker holds until `leaseUntil`. */
export interface Held {
  readonly topic: Topic;
  readonly key: string;
  readonly seq: number;
  readonly attempts: number;
  readonly lease: string;
  readonly leaseUntil: Date;
}

export interface Wake {
  readonly topic: Topic;
  readonly key: string;
  readonly dueAt: Date;
}

export type * from "./ports-rows.ts";

/** Reads. Every list has a total order and a bound. */
export interface StoreReads extends CredentialReads {
  pendingDeliveries(pullKey: string, limit: number): Promise<readonly PendingDelivery[]>;
  pull(pullKey: string): Promise<PullRow | null>;
  environment(id: string): Promise<Environment | null>;
  environmentsOfPull(pullKey: string): Promise<readonly Environment[]>;
  /** Those of one git branch, by branchKey. */
  environmentsOfBranch(branchKey: string): Promise<readonly Environment[]>;
  environmentByOwner(ownerKey: string): Promise<Environment | null>;
  /** A page in the order of ids, which is that of time. */
  listEnvironments(filter: EnvironmentFilter): Promise<readonly Environment[]>;
  clusters(ids: readonly string[]): Promise<readonly Cluster[]>;
  /** Statements that were applied, per cluster. */
  appliedStatements(clusterIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  repository(host: string, repositoryId: number): Promise<RepositoryTarget | null>;
  /** The one that has this name now, as far as is known. */
  repositoryNamed(host: string, name: string): Promise<RepositoryTarget | null>;
  /** Those of these ids, on whatever host. */
  repositories(ids: readonly number[]): Promise<readonly RepositoryTarget[]>;
  migrationSet(digest: string): Promise<readonly MigrationFile[] | null>;
  operation(id: string): Promise<OperationRow | null>;
  /** A page of history, oldest first, after the event with that id. */
  eventsPage(environmentId: string, after: string, limit: number): Promise<readonly EventRow[]>;
  /** The preview that was retired first, before `before`; null if there is none, or while another one is on its way out. */
  oldestRetired(account: string, region: string, before: Date): Promise<Cluster | null>;
  cluster(id: string): Promise<Cluster | null>;
  /** A page of those that are not gone, in the order of ids, after that id. */
  clustersIn(account: string, region: string, after: string, limit: number): Promise<readonly Cluster[]>;
  /** The youngest cluster of the environment that is not gone; if all are, the youngest that it ever had. */
  lastCluster(environmentId: string): Promise<Cluster | null>;
  ledger(clusterId: string): Promise<readonly LedgerRow[]>;
  clusterAccess(clusterId: string): Promise<AccessRow | null>;
  newestCommand(pullKey: string): Promise<NewestCommand | null>;
  /** The newest command of any outcome. */
  latestCommand(pullKey: string): Promise<CommandRow | null>;
  commandsToReact(pullKey: string): Promise<readonly CommandRow[]>;
  knownComments(pullKey: string, commentIds: readonly number[]): Promise<readonly number[]>;
  report(pullKey: string): Promise<ReportRow | null>;
  /** Of one pull request, in the order of their commits. */
  checkRuns(pullKey: string): Promise<readonly CheckRow[]>;
  parameter(environmentId: string): Promise<ParameterRow | null>;
  /** Some environments that have a row of a parameter. */
  parameterKeys(limit: number): Promise<readonly string[]>;
  /** `others`: identifiers that a list of AWS showed and that no row had then. */
  slotRows(account: string, region: string, others: readonly string[]): Promise<SlotRows>;
  /** Those of these identifiers that a row of ours has, or had. */
  knownIdentifiers(identifiers: readonly string[]): Promise<ReadonlySet<string>>;
  /** Environments that wait, in order: queuedAt, then id. */
  waiting(): Promise<readonly (Waiting & { readonly queuedAt: Date })[]>;
  holdings(): Promise<Holdings>;
  /** Environments that hold a cluster, oldest first. */
  holders(): Promise<readonly HolderRow[]>;
  /** Those of these deliveries that the journal has, by their GUIDs. */
  knownDeliveries(appId: number, guids: readonly string[]): Promise<ReadonlySet<string>>;
  /** How far a chore has come, as it wrote it down; null before its first time. */
  mark(name: string): Promise<string | null>;
  /** Until when AWS asked us to wait; the epoch if it did not. */
  regionPause(account: string, region: string): Promise<Date>;
  installationPause(host: string, installationId: number): Promise<Date>;
  /** The newest 1,000, in the order in which they happened. */
  events(environmentId: string): Promise<readonly EventRow[]>;
  /** Environments with this id, owner key or pull key, for the command line. */
  findEnvironments(text: string): Promise<readonly Environment[]>;
  /** Keys of the pull requests of this number in a repository of this name, whatever their host. */
  pullKeysNamed(repositoryName: string, number: number): Promise<readonly string[]>;
}

/** Writes, inside one transaction. Writes with a version throw Stale if the row has moved on. */
export interface StoreTransaction extends StoreReads, CredentialWrites {
  /** Extends the lease; false if it is no longer ours. In one transaction with an intent it fences the effect. */
  renew(held: Held, leaseUntil: Date): Promise<boolean>;
  /** Deletes the wakeup (`again` null) or dates it; false if the lease is no longer ours. */
  settle(held: Held, settle: Settle): Promise<boolean>;
  wake(wakes: readonly Wake[], now: Date): Promise<void>;
  putPull(pull: PullRow, state: "open" | "closed", readAt: Date): Promise<void>;
  handleDeliveries(deliveries: readonly PendingDelivery[], outcome: string, at: Date): Promise<void>;
  addCommand(pullKey: string, command: CommandRow): Promise<void>;
  markReacted(pullKey: string, commentId: number, at: Date): Promise<void>;
  insertEnvironment(environment: Environment): Promise<void>;
  updateEnvironment(environment: Environment, change: EnvironmentChange): Promise<void>;
  insertCluster(cluster: Cluster): Promise<void>;
  /** What the cluster's own reconciler writes. */
  updateCluster(cluster: Cluster, change: ClusterChange): Promise<void>;
  /** Lets it go, unless it is already removing or gone; says whether it was set. */
  setUse(clusterId: string, use: "remove"): Promise<boolean>;
  /** From serving to retired, and to be fenced, if it is available; says whether it was. */
  retireCluster(clusterId: string, until: Date): Promise<boolean>;
  /** From retired to serving, and fenced until it is unfenced, if it is still there; says whether it was. */
  restoreCluster(clusterId: string, at: Date): Promise<boolean>;
  setProtected(clusterId: string, isProtected: boolean): Promise<void>;
  putRepository(repository: RepositoryTarget, readAt: Date): Promise<void>;
  putMigrationSet(digest: string, files: readonly MigrationFile[], at: Date): Promise<void>;
  addOperation(operation: OperationRow): Promise<void>;
  /** Migration and verification columns, written by the environment's reconciler. */
  updateMigration(clusterId: string, change: MigrationChange): Promise<void>;
  /** Deletes the rows of statements that were begun or failed; what was applied stays. */
  forgetUnfinished(clusterId: string): Promise<void>;
  putStatement(clusterId: string, row: LedgerRow): Promise<void>;
  putClusterAccess(row: AccessRow): Promise<void>;
  /** Deletes at most `limit` rows of clusters that are gone; says how many. */
  forgetClusterAccess(limit: number): Promise<number>;
  /**
   * Deletes the environments and labels of at most `limit` customers who ended before. Out: the ids; of those more is left,
   * which nobody sees any more, for `forgetRest`.
   */
  forgetCustomers(endedBefore: Date, limit: number): Promise<readonly string[]>;
  /** Deletes at most `limit` rows of an environment that is forgotten; 0 once there are none, or if there is one of this id. */
  forgetRest(environmentId: string, limit: number): Promise<number>;
  /** Compare-and-set on the Region's row: one intent at a time. */
  takeSlot(account: string, region: string, regionVersion: number): Promise<void>;
  pauseRegion(account: string, region: string, until: Date): Promise<void>;
  pauseInstallation(host: string, installationId: number, until: Date): Promise<void>;
  putReport(report: ReportRow): Promise<void>;
  putCheckRun(row: CheckRow): Promise<void>;
  forgetCheckRun(pullKey: string, sha: string): Promise<void>;
  putParameter(parameter: ParameterRow): Promise<void>;
  forgetParameter(environmentId: string): Promise<void>;
  putMark(name: string, value: string): Promise<void>;
  addEvent(event: EventRow): Promise<void>;
}

/** `again`: when to look again, null for never; `notBefore`: the floor that no wake undercuts. */
export interface Settle {
  readonly again: Date | null;
  readonly notBefore: Date;
  readonly attempts: number;
  readonly now: Date;
}

export type EnvironmentChange = Partial<
  Pick<
    Environment,
    | "labels"
    | "limits"
    | "protected"
    | "wasProtected"
    | "revision"
    | "resetGeneration"
    | "wanted"
    | "wantedReason"
    | "generation"
    | "headSha"
    | "wantedAt"
    | "presentSince"
    | "until"
    | "queuedAt"
    | "servingId"
    | "nextId"
    | "planGeneration"
    | "plan"
    | "readyAt"
    | "endedAt"
  >
> & { readonly planProblem?: MigrationProblem | null };

export type ClusterChange = Partial<
  Pick<
    Cluster,
    | "status"
    | "use"
    | "identifier"
    | "arn"
    | "endpoint"
    | "attemptedAt"
    | "absentSince"
    | "statusSince"
    | "reason"
    | "trouble"
    | "roles"
    | "fencedAt"
    | "formerPolicy"
  >
>;

export type MigrationChange = Partial<
  Pick<
    Cluster,
    "migrationGeneration" | "migrationState" | "migrationSince" | "verifiedGeneration" | "verifiedAt"
  >
>;

export interface Store extends StoreReads {
  transaction<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T>;
  /** Due wakeups, oldest first. */
  due(now: Date, limit: number): Promise<readonly { topic: Topic; key: string; seq: number }[]>;
  /** Takes those that are still due and free. */
  claim(
    wakeups: readonly { topic: Topic; key: string; seq: number }[],
    lease: string,
    now: Date,
    leaseUntil: Date,
  ): Promise<readonly Held[]>;
  /** Takes these keys if they are due and free. */
  claimKeys(
    keys: readonly { readonly topic: Topic; readonly key: string }[],
    lease: string,
    now: Date,
    leaseUntil: Date,
  ): Promise<readonly Held[]>;
  /** When this key is due, or its lease ends; null if nobody has to look at it. */
  dueOf(topic: Topic, key: string): Promise<Date | null>;
  /** Makes the wakeups that do not exist; those that do stay as they are. */
  ensureWakeups(wakes: readonly Wake[]): Promise<void>;
  /** The earliest due time of all wakeups, or null. */
  nextDue(): Promise<Date | null>;
}
