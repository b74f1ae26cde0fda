/** Rows of the store, as the handlers read and write them. */
import type { Labels } from "../domain/caller.ts";
import type { CommandVerb } from "../domain/command.ts";
import type { OwnerKind } from "../domain/environment.ts";
import type { LedgerEntry } from "../domain/migration.ts";
import type { CommandOutcome } from "../domain/report.ts";
import type { PullTarget, ReactionContent } from "./ports.ts";

/** A journalled delivery that no intake has applied yet. */
export interface PendingDelivery {
  readonly guid: string;
  readonly appId: number;
  readonly event: string;
  readonly action: string;
  readonly installationId: number;
  readonly repositoryName: string;
  readonly commentId: number | null;
  readonly sender: string;
}

/** What is remembered of a pull request besides its environments. */
export interface PullRow extends PullTarget {
  readonly baseRef: string;
}

export interface CommandRow {
  readonly commentId: number;
  readonly verb: CommandVerb | "unknown";
  readonly author: string;
  readonly commentedAt: Date;
  readonly outcome: CommandOutcome;
  readonly reaction: ReactionContent | null;
}

export interface ReportRow {
  readonly pullKey: string;
  readonly commentId: number | null;
  readonly digest: string | null;
  /** A createComment was begun at this time; until its id is known the comment must be searched for. */
  readonly attemptedAt: Date | null;
  readonly auditAt: Date | null;
  readonly editedAt: Date | null;
  readonly version: number;
}

/** The check run of one head of a pull request. */
export interface CheckRow {
  readonly pullKey: string;
  readonly sha: string;
  readonly checkId: number | null;
  /** As it was written last, with the digest of the text; null while that is not known. */
  readonly status: string | null;
  readonly digest: string | null;
  /** An annotation was sent, or may have been: GitHub would add it again. */
  readonly annotated: boolean;
  /** A createCheck was begun at this time; until its id is known the check run must be searched for. */
  readonly attemptedAt: Date | null;
  readonly auditAt: Date | null;
  readonly editedAt: Date | null;
}

/** The SSM parameter of an environment: written before AWS hears of it. */
export interface ParameterRow {
  readonly environmentId: string;
  readonly name: string;
  /** Of the value that was put last; null while a put, or its removal, is not confirmed. */
  readonly digest: string | null;
  /** When the last put was begun. */
  readonly attemptedAt: Date;
  /** Since when somebody else's parameter has this name. */
  readonly foreignAt: Date | null;
}

/** The database roles that the access list ever named for a cluster: what is mapped to them is the list's to decide. */
export interface AccessRow {
  readonly clusterId: string;
  readonly roles: readonly string[];
  /** Of the grants that are mapped; null while it is not known what is. */
  readonly digest: string | null;
}

export interface LedgerRow extends LedgerEntry {
  readonly message: string | null;
}

export interface EventRow {
  readonly environmentId: string;
  readonly id: string;
  readonly at: Date;
  readonly kind: string;
  readonly actor: string | null;
  readonly detail: string | null;
}

/** A cluster row of the census. */
export interface SlotRows {
  readonly ours: number;
  /** Of these, the ones that a complete list of AWS shows. */
  readonly oursWithId: number;
  /** Of the identifiers asked about, the ones that are still nobody's row. */
  readonly foreign: number;
  readonly regionVersion: number;
}

export interface HolderRow {
  readonly number: number | null;
  readonly repositoryId: number | null;
  readonly presentSince: Date;
  readonly until: Date | null;
}

/** What a list shows; all that is given must match. */
export interface EnvironmentFilter {
  readonly kind?: OwnerKind;
  readonly repositoryId?: number;
  readonly number?: number;
  readonly gitBranch?: string;
  readonly labels?: Labels;
  /** The id after which the page begins. */
  readonly after: string;
  readonly limit: number;
}

/** What a request began. Its status is computed from the environment. */
export interface OperationRow {
  readonly id: string;
  readonly environmentId: string;
  readonly kind: "create" | "restore" | "migrate" | "reset" | "delete";
  readonly generation: number;
  readonly actor: string;
  readonly createdAt: Date;
}
