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
  | "repository_gone";

/** What is wanted, and for whom, and what was achieved. Its phase is computed (phase.ts), never stored. */
export interface Environment {
  readonly id: string;
  readonly ownerKey: string;
  readonly pullKey: string;
  readonly repositoryId: number;
  readonly number: number;
  /** The database's display name, by default the repository's short name. Never an identity. */
  readonly database: string;
  readonly author: string;
  readonly wanted: "present" | "absent";
  readonly wantedReason: WantedReason;
  /** Rises only when what is wanted changed. */
  readonly generation: number;
  readonly headSha: string;
  /** When this generation was wanted; when presence was first wanted since the last absence. */
  readonly wantedAt: Date;
  readonly presentSince: Date;
  readonly until: Date;
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
