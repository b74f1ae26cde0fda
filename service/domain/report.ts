import type { StackRoles } from "./cluster.ts";
import type { CommandVerb } from "./command.ts";
import type { MigrationProblem } from "./migration.ts";
import type { OutsideText } from "./text.ts";

/** How a person or a program reaches a database. Host name and address are separate in every shape. */
export interface Connection {
  readonly host: string;
  readonly region: string;
  readonly user: string;
  readonly database: string;
  /** Where the TCP connection goes instead of `host`, like curl's --connect-to; null on AWS. */
  readonly connectTo: { readonly address: string; readonly port: number; readonly caFile: string } | null;
  /** A command of this installation that opens a prompt on this database, shown first; null if there is none. */
  readonly command: string | null;
  /** Prefix assignments, such as local credentials, put before the psql line; null on AWS. */
  readonly environment: string | null;
  /** The IAM roles that the cluster's stack made: whoever may assume them connects with them; else null. */
  readonly roles: StackRoles | null;
  /** The address that people without AWS access give to the command line; null where nobody can sign in. */
  readonly signInUrl: string | null;
}

/** How long each part of getting ready took, in milliseconds, and how many statements each file has. */
export interface ReadyTimings {
  readonly totalMs: number;
  readonly createMs: number;
  readonly migrateMs: number;
  readonly verifyMs: number;
  readonly files: readonly { readonly file: string; readonly statements: number; readonly ms: number }[];
}

/** Why AWS does not get on: a reason code, such as `create_refused` or `remove_blocked`, and what AWS says about it. */
export interface Trouble {
  readonly code: string;
  readonly text: OutsideText | null;
}

export interface SlotHolder {
  readonly number: number;
  readonly since: Date;
  readonly until: Date;
}

/** What each phase shows. One text each, as in the golden files. All times are UTC. */
export type ReportState =
  | { readonly phase: "queued"; readonly seenAt: Date }
  | {
      readonly phase: "creating";
      readonly since: Date;
      readonly host: string | null;
      readonly migrationFiles: number;
      readonly trouble: Trouble | null;
    }
  | {
      readonly phase: "migrating";
      readonly done: number;
      readonly total: number;
      readonly file: string;
      readonly line: number;
      readonly since: Date;
      /** A background index build is being waited for. */
      readonly building: boolean;
    }
  | { readonly phase: "verifying"; readonly since: Date; readonly statements: number }
  | {
      readonly phase: "ready";
      readonly connection: Connection;
      readonly baseRef: OutsideText;
      readonly migrationFiles: number;
      readonly verifiedAt: Date;
      readonly until: Date;
      readonly timings: ReadyTimings;
      /** Of its stack; the database is ready nevertheless. */
      readonly trouble: Trouble | null;
    }
  | {
      readonly phase: "failed";
      readonly problem: MigrationProblem;
      /** Statements of the problem's file that are applied. */
      readonly appliedInFile: number;
      /** The cluster as it is now; null if none was made. */
      readonly connection: Connection | null;
    }
  | { readonly phase: "unverified"; readonly since: Date; readonly cause: OutsideText }
  | {
      readonly phase: "waiting";
      readonly since: Date;
      /** `slots`: the account is full; `author`/`repository`: a cap of this installation. */
      readonly scope: "slots" | "author" | "repository";
      readonly position: number;
      /** The number of slots, or the cap. */
      readonly limit: number;
      readonly here: number;
      readonly elsewhere: number;
      /** Pull requests of this repository only. */
      readonly holders: readonly SlotHolder[];
    }
  | {
      readonly phase: "closed";
      readonly at: Date;
      readonly reason: EndReason;
      readonly trouble: Trouble | null;
    }
  /** Its policy is being taken back, so that people can connect to the same data again. */
  | { readonly phase: "restoring"; readonly since: Date; readonly host: string | null }
  | {
      readonly phase: "retired";
      readonly reason: EndReason;
      readonly keptUntil: Date;
      /** Since when nobody can connect, read back from AWS; null while that is not sure. */
      readonly fencedAt: Date | null;
    }
  | {
      readonly phase: "destroyed";
      readonly at: Date;
      /** Lifetime of the database in milliseconds; null if no cluster ever existed. */
      readonly livedMs: number | null;
      readonly statements: number;
      readonly reason: EndReason;
    }
  | { readonly phase: "skipped"; readonly reason: "fork" | "bot" | "opened_before_installation" };

/** Why a database ends. */
export type EndReason = "pull_closed" | "pull_merged" | "command_destroy" | "expired" | "repository_gone";

/** The newest command on the pull request and what became of it. */
export interface CommandNotice {
  /** As written; `unknown` is a /db line that is not one of our verbs. */
  readonly verb: CommandVerb | "unknown";
  readonly author: OutsideText;
  readonly at: Date;
  readonly outcome: CommandOutcome;
}

/** Reason codes of commands. `needs_write`: refused by the live permission check; `fork`: a create for a fork. */
export type CommandOutcome =
  | "fork"
  | "accepted"
  | "answered"
  | "needs_write"
  | "unknown_verb"
  | "edited"
  | "bad_arguments";

/** One database of a pull request. */
export interface ReportView {
  readonly environmentId: string;
  readonly database: OutsideText;
  /** owner/name */
  readonly repository: string;
  /** The web address of the repository's host, such as https://github.com */
  readonly webUrl: string;
  readonly number: number;
  readonly headSha: string;
  readonly state: ReportState;
  readonly notice: CommandNotice | null;
}
