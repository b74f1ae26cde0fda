/**
 * What the API asks of the handlers, and what they answer. The routes (http/routes-*.ts) check every input at the door,
 * so a handler meets known shapes only; it decides who may (domain/authorize.ts), and throws `Refused` with a reason of
 * http/problem-status.ts, or `Retryable`. Views are the wire's shapes (http/schemas.ts) with times as Date: JSON makes
 * ISO 8601 of them, and nothing else maps them.
 */
import type { Caller, Labels } from "../domain/caller.ts";
import type { Phase } from "../domain/phase.ts";

/** An Idempotency-Key with the SHA-256 of method, path and body; see `once` in idempotency.ts. */
export interface Repeat {
  readonly key: string;
  readonly digest: string;
}

/** Who writes, and whether a repeat of it must be recognised. */
export interface Write {
  readonly caller: Caller;
  readonly repeat: Repeat | null;
}

/** What a write answers: `status` is 200, 201 or 202. A remembered answer is sent as it was. */
export interface Answer<Body> {
  readonly status: number;
  readonly body: Body;
  readonly replayed: boolean;
}

/** How long an answer may be held back until what was asked for has ended; `signal` aborts when the client hangs up. */
export interface Wait {
  readonly ms: number;
  readonly signal: AbortSignal;
}

export interface PageQuery {
  /** 1 to PAGE_MAX. */
  readonly limit: number;
  /** `nextCursor` of the page before, of the form [\w-]{1,200}; a foreign one is Refused `cursor_invalid`. */
  readonly cursor: string | null;
}
export interface PageOf<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

export interface LimitsView {
  readonly tokenSeconds?: number;
  readonly graceHours?: number;
}

export interface FailureView {
  readonly reason: string;
  readonly message: string;
  readonly file: string | null;
  readonly line: number | null;
}

export interface StackView {
  readonly name: string;
  readonly connectRoleArn: string | null;
  readonly readerRoleArn: string | null;
  /** Why it is not as it should be, as a reason code and in AWS' words; the database may be ready nevertheless. */
  readonly trouble: { readonly reason: string; readonly message: string | null } | null;
}

export interface EnvironmentView {
  readonly id: string;
  readonly owner: {
    readonly kind: "pull" | "branch" | "tenant";
    readonly repository: string | null;
    readonly number: number | null;
    readonly gitBranch: string | null;
    readonly database: string | null;
    readonly key: string | null;
  };
  readonly phase: Phase;
  /** Whether it stays in its phase until somebody asks for something (domain/operation.ts). */
  readonly settled: boolean;
  readonly wanted: "present" | "absent";
  readonly reason: string;
  readonly labels: Labels;
  readonly limits: LimitsView;
  readonly protected: boolean;
  /** Also the ETag. */
  readonly revision: number;
  readonly generation: number;
  readonly endpoint: {
    readonly identifier: string;
    readonly region: string;
    readonly host: string;
    readonly port: number;
    readonly database: string;
  } | null;
  /** The CloudFormation stack that makes the cluster; null if none does. */
  readonly stack: StackView | null;
  readonly failure: FailureView | null;
  readonly waiting: { readonly since: Date } | null;
  readonly migrations: { readonly digest: string; readonly statements: number; readonly applied: number };
  readonly createdAt: Date;
  readonly wantedAt: Date;
  readonly readyAt: Date | null;
  readonly until: Date | null;
  readonly retiredUntil: Date | null;
  readonly endedAt: Date | null;
}

export interface OperationView {
  readonly id: string;
  readonly kind: "create" | "restore" | "migrate" | "reset" | "delete";
  readonly environmentId: string;
  readonly status: "running" | "succeeded" | "failed" | "superseded";
  readonly phase: Phase;
  readonly failure: FailureView | null;
  readonly createdAt: Date;
}

/** `operation` is null when nothing had to be begun. */
export interface StartedView {
  readonly environment: EnvironmentView;
  readonly operation: OperationView | null;
}

export interface TokenView {
  readonly token: string;
  readonly role: "owner" | "reader";
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly region: string;
  readonly expiresAt: Date;
  readonly connectTo: { readonly address: string; readonly port: number; readonly caFile: string } | null;
  readonly environment: Readonly<Record<string, string>>;
}

export interface EventView {
  readonly id: string;
  readonly at: Date;
  readonly kind: string;
  readonly actor: string | null;
  readonly detail: string | null;
}

export interface SlotsView {
  readonly region: string;
  readonly quota: number;
  readonly reserve: number;
  readonly maxClusters: number;
  readonly used: number;
  readonly others: number;
  readonly free: number;
  readonly waiting: number;
}

export interface RegionView {
  readonly name: string;
  readonly isDefault: boolean;
}

/** Left out: stays as it is, or has its default in a new one. `until` null: no end. */
export interface TenantPut {
  readonly labels?: Labels;
  readonly limits?: LimitsView;
  readonly until?: Date | null;
  readonly protected?: boolean;
}
/** A label of null is removed. */
export interface TenantPatch extends Omit<TenantPut, "labels"> {
  readonly labels?: Readonly<Record<string, string | null>>;
}
export interface MigrationFiles {
  readonly files: readonly { readonly path: string; readonly sql: string }[];
}
export interface EnvironmentCreate {
  /** owner/name. */
  readonly repository: string;
  readonly gitBranch: string;
  readonly labels?: Labels;
  readonly until?: Date | null;
}
export interface TokenRequest {
  readonly role: "owner" | "reader";
  /** Null: the default, or the customer's limit if that is shorter. */
  readonly seconds: number | null;
}

export interface TenantFilter extends PageQuery {
  readonly labels: Labels;
}
/** All that are not null must match. `url=` was turned into `id`, or into `repository` and `number`. */
export interface EnvironmentFilter extends TenantFilter {
  readonly owner: "pull" | "branch" | "tenant" | null;
  readonly id: string | null;
  readonly repository: string | null;
  readonly number: number | null;
  readonly gitBranch: string | null;
}

/** An If-Match header: the revision that the caller has seen; null if it does not care. Other: `precondition_failed`. */
export type IfMatch = number | null;

/**
 * The routes of tenants, environments, operations and slots, one method each. Nothing here knows HTTP. `wait` holds the
 * answer of a write back until its operation has ended, or time is over.
 */
export interface ApiHandlers {
  /** 201 if it was made, 200 if it was there. */
  putTenant(write: Write, key: string, put: TenantPut, wait: Wait | null): Promise<Answer<StartedView>>;
  getTenant(caller: Caller, key: string): Promise<EnvironmentView>;
  listTenants(caller: Caller, filter: TenantFilter): Promise<PageOf<EnvironmentView>>;
  patchTenant(
    write: Write,
    key: string,
    patch: TenantPatch,
    ifMatch: IfMatch,
  ): Promise<Answer<EnvironmentView>>;
  /** `confirm` was compared with the key at the door. */
  deleteTenant(write: Write, key: string, ifMatch: IfMatch, wait?: Wait | null): Promise<Answer<StartedView>>;
  restoreTenant(write: Write, key: string, wait?: Wait | null): Promise<Answer<StartedView>>;
  /** 202, or 200 with `operation` null when the files are those that it has. */
  migrateTenant(
    write: Write,
    key: string,
    files: MigrationFiles,
    wait?: Wait | null,
  ): Promise<Answer<StartedView>>;
  tenantToken(caller: Caller, key: string, request: TokenRequest): Promise<TokenView>;
  tenantEvents(caller: Caller, key: string, page: PageQuery): Promise<PageOf<EventView>>;

  listEnvironments(caller: Caller, filter: EnvironmentFilter): Promise<PageOf<EnvironmentView>>;
  createEnvironment(write: Write, create: EnvironmentCreate, wait: Wait | null): Promise<Answer<StartedView>>;
  /** With `wait`: once the phase is settled, or time is over. */
  getEnvironment(caller: Caller, id: string, wait: Wait | null): Promise<EnvironmentView>;
  keepEnvironment(write: Write, id: string, until: Date): Promise<Answer<EnvironmentView>>;
  resetEnvironment(write: Write, id: string, wait?: Wait | null): Promise<Answer<StartedView>>;
  restoreEnvironment(write: Write, id: string, wait?: Wait | null): Promise<Answer<StartedView>>;
  /** A tenant is Refused `use_tenants`. */
  destroyEnvironment(write: Write, id: string, wait?: Wait | null): Promise<Answer<StartedView>>;
  environmentToken(caller: Caller, id: string, request: TokenRequest): Promise<TokenView>;
  environmentEvents(caller: Caller, id: string, page: PageQuery): Promise<PageOf<EventView>>;

  getOperation(caller: Caller, id: string, wait: Wait | null): Promise<OperationView>;
  getSlots(caller: Caller): Promise<SlotsView>;
  listRegions(caller: Caller): Promise<PageOf<RegionView>>;
}
