import type { Labels } from "./caller.ts";
import type { MigrationProblem, PlanSummary } from "./migration.ts";

/** Why an environment is wanted or not: reason codes, public. */
export type WantedReason =
  | "pull_open"
  | "command_create"
  | "command_destroy"
  | "pull_closed"
  | "pull_merged"
  | "expired"
  | "fork"
  | "bot"
  | "opened_before_installation"
  | "repository_gone"
  /** By a request to the API. */
  | "api_create"
  | "api_destroy"
  | "branch_deleted";

export type OwnerKind = "pull" | "branch" | "tenant";

/** What an owner may have at most; what is left out has the operator's default. */
export interface Limits {
  /** The longest life of a token, in seconds. */
  readonly tokenSeconds?: number;
  /** How long the data is kept after a delete. */
  readonly graceHours?: number;
}

/** What is wanted, and for whom, and what was achieved. Its phase is computed (phase.ts), never stored. */
export interface Environment {
  readonly id: string;
  readonly kind: OwnerKind;
  readonly ownerKey: string;
  /** Of a pull request only: the key of its intake and its report. */
  readonly pullKey: string | null;
  /** Null for a tenant; `number` also for a git branch. */
  readonly repositoryId: number | null;
  readonly number: number | null;
  readonly gitBranch: string | null;
  /** A customer's key as the SaaS back end knows it. */
  readonly customerKey: string | null;
  readonly labels: Labels;
  readonly limits: Limits;
  /** Customers: nothing deletes it until somebody lifts this. */
  readonly protected: boolean;
  /** Whether it was protected since it was made: a restore brings that back. */
  readonly wasProtected: boolean;
  /** Rises with each change by a request; its steps do not count. */
  readonly revision: number;
  /** A cluster that was begun before this generation is thrown away: somebody asked for a new database. */
  readonly resetGeneration: number;
  /** The database's display name, by default the repository's short name. Never an identity. */
  readonly database: string;
  readonly author: string;
  readonly wanted: "present" | "absent";
  readonly wantedReason: WantedReason;
  /** Rises only when what is wanted changed. */
  readonly generation: number;
  /** The commit whose migrations are wanted; of a tenant the digest of its files, or empty. */
  readonly headSha: string;
  /** When it was first wanted; a restore does not move it. */
  readonly createdAt: Date;
  /** When this generation was wanted; when presence was first wanted since the last absence. */
  readonly wantedAt: Date;
  readonly presentSince: Date;
  /** When it ends by itself; null: never. */
  readonly until: Date | null;
  readonly queuedAt: Date | null;
  readonly servingId: string | null;
  readonly nextId: string | null;
  readonly planGeneration: number;
  readonly plan: PlanSummary | null;
  readonly planProblem: MigrationProblem | null;
  /** The first time that a query answered on the serving cluster; null while it never did. */
  readonly readyAt: Date | null;
  /** When AWS confirmed that the last cluster was gone. */
  readonly endedAt: Date | null;
  readonly version: number;
}

/** What an environment begins with, whoever it is for: wanted from now on, with nothing achieved. */
export function newEnvironment(
  owner: Pick<
    Environment,
    "id" | "kind" | "ownerKey" | "database" | "author" | "wanted" | "wantedReason" | "headSha" | "until"
  > &
    Partial<Environment>,
  now: Date,
): Environment {
  return {
    pullKey: null,
    repositoryId: null,
    number: null,
    gitBranch: null,
    customerKey: null,
    labels: {},
    limits: {},
    protected: false,
    wasProtected: false,
    revision: 1,
    resetGeneration: 0,
    generation: 1,
    createdAt: now,
    wantedAt: now,
    presentSince: now,
    queuedAt: null,
    servingId: null,
    nextId: null,
    planGeneration: 0,
    plan: null,
    planProblem: null,
    readyAt: null,
    endedAt: null,
    version: 1,
    ...owner,
  };
}

/** The end of one that is wanted again: a date that has passed would end it again at once. A customer's has none then. */
export function untilAgain({ kind, until }: Environment, now: Date, idleMs: number): Date | null {
  if (until === null || until > now) return until;
  return kind === "tenant" ? null : new Date(now.getTime() + idleMs);
}
