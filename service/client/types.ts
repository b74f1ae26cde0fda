/** Written by scripts/generate-client-types from the API's schemas. Change service/http/schemas.ts instead. */

/** Your own key of the customer. */
export type CustomerKey = string;
/** Opaque id. */
export type EnvironmentId = string;
/** owner/name. */
export type Repository = string;
/** Name of a git branch. */
export type GitBranch = string;
/** Computed from what is wanted and what exists. */
export type Phase =
  | "queued"
  | "waiting"
  | "creating"
  | "migrating"
  | "verifying"
  | "unverified"
  | "ready"
  | "failed"
  | "retired"
  | "closed"
  | "destroyed"
  | "skipped";
/** Opaque id. */
export type OperationId = string;

/** Show `userCode` to the person, and poll with `deviceCode`. */
export interface DeviceLogin {
  deviceCode: string;
  userCode: string;
  verificationUri: string;
  intervalSeconds: number;
  expiresAt: string;
}
/** The code that the login began with. */
export interface DevicePoll {
  deviceCode: string;
}
export interface Endpoint {
  /** AWS' identifier of the cluster. */
  identifier: string;
  region: string;
  host: string;
  port: number;
  database: string;
}
/** One database and what became of it. */
export interface Environment {
  id: EnvironmentId;
  owner: Owner;
  phase: Phase;
  /** Whether it stays in this phase until somebody asks for something, or its time is over. */
  settled: boolean;
  wanted: "present" | "absent";
  /** Why it is wanted or not: a reason code. */
  reason: string;
  labels: Labels;
  limits: Limits;
  /** While true it cannot be deleted. */
  protected: boolean;
  /** Rises with each change by a request; also the ETag. */
  revision: number;
  /** Rises when what is wanted changed. */
  generation: number;
  endpoint: Endpoint | null;
  stack: Stack | null;
  failure: Failure | null;
  waiting: {
    since: string;
  } | null;
  migrations: {
    /** The commit, or the digest of the files. */
    digest: string;
    statements: number;
    applied: number;
  };
  /** A restore does not move it. */
  createdAt: string;
  wantedAt: string;
  readyAt: string | null;
  until: string | null;
  retiredUntil: string | null;
  endedAt: string | null;
}
/** Whom the environment is for; `kind` says which members are set. */
export interface Owner {
  kind: "pull" | "branch" | "tenant";
  repository: Repository | null;
  number: number | null;
  gitBranch: GitBranch | null;
  database: string | null;
  key: CustomerKey | null;
}
/** Names and values of your own, to filter by. */
export interface Labels {
  [k: string]: string;
}
/** Limits of one customer; what is left out has the operator's default. */
export interface Limits {
  /** The longest life of a token, in seconds. */
  tokenSeconds?: number;
  /** How long the data is kept, and can be restored, after a delete. */
  graceHours?: number;
}
export interface Stack {
  /** The name of the CloudFormation stack. */
  name: string;
  connectRoleArn: string | null;
  readerRoleArn: string | null;
  trouble: {
    /** A reason code. */
    reason: string;
    message: string | null;
  } | null;
}
export interface Failure {
  /** A reason code. */
  reason: string;
  /** What happened, and what to do next. */
  message: string;
  file: string | null;
  line: number | null;
}
/** A database for a git branch. */
export interface EnvironmentCreate {
  repository: Repository;
  gitBranch: GitBranch;
  labels?: Labels;
  until?: string | null;
}
/** One line of history. */
export interface Event {
  id: string;
  at: string;
  kind: string;
  actor: string | null;
  detail: string | null;
}
/** How long to keep it at least. */
export interface Keep {
  until: string;
}
/** What a request began; poll it, or wait with `?wait=30s`. */
export interface Operation {
  id: OperationId;
  kind: "create" | "restore" | "migrate" | "reset" | "delete";
  environmentId: EnvironmentId;
  status: "running" | "succeeded" | "failed" | "superseded";
  phase: Phase;
  failure: Failure | null;
  createdAt: string;
}
/** What went wrong and what to do next (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  /** A reason code: part of the contract. */
  reason: string;
  requestId: string;
}
/** A Region in which environments can be made. */
export interface Region {
  name: string;
  isDefault: boolean;
}
/** Who is asking, as the service sees it. */
export interface Self {
  kind: "key" | "job" | "person";
  name: string;
  scopes: string[];
  selector: Labels | null;
  expiresAt: string | null;
}
/** A credential that ends by itself. */
export interface Session {
  /** For the Authorization header. */
  credential: string;
  expiresAt: string;
}
/** A GitHub Actions OIDC token whose audience is this service's address. */
export interface SessionRequest {
  oidcToken: string;
}
/** The scarce thing: clusters that the account may still have. */
export interface Slots {
  region: string;
  quota: number;
  reserve: number;
  maxClusters: number;
  /** Clusters of Offshoot, retired ones too. */
  used: number;
  /** Clusters of others in the account and Region. */
  others: number;
  free: number;
  waiting: number;
}
/** The environment as it is now, and the operation that changes it. */
export interface Started {
  environment: Environment;
  operation: Operation | null;
}
/** The whole schema as migration files; statements that were applied must not change. */
export interface TenantMigrations {
  /** All files from the first one, applied in this order. */
  files: {
    path: string;
    sql: string;
  }[];
}
/** What to change; what is left out stays. */
export interface TenantPatch {
  /** Merged; null removes a label. */
  labels?: {
    [k: string]: string | null;
  };
  limits?: Limits;
  until?: string | null;
  protected?: boolean;
}
/** What a customer's database should be. */
export interface TenantPut {
  labels?: Labels;
  limits?: Limits;
  until?: string | null;
  protected?: boolean;
}
/** Access to one database for a while. */
export interface Token {
  /** The password. Never stored or logged. */
  token: string;
  role: "owner" | "reader";
  host: string;
  port: number;
  user: string;
  database: string;
  region: string;
  expiresAt: string;
  connectTo: {
    address: string;
    port: number;
    caFile: string;
  } | null;
  /** Variables of libpq: PGHOST, PGUSER, PGPASSWORD and so on. */
  environment: {
    [k: string]: string;
  };
}
/** Whose rights the token has, and for how long. */
export interface TokenRequest {
  role?: "owner" | "reader";
  seconds?: number;
}
