/** The shapes of the API: types, validation and OpenAPI in one. Times are ISO 8601 in UTC. */
import Type from "typebox";
import {
  CUSTOMER_KEY_PATTERN,
  GRACE_HOURS_MAX,
  LABEL_NAME_PATTERN,
  LABEL_VALUE_PATTERN,
  LABELS_MAX,
  MIGRATION_FILES_MAX,
  PAGE_DEFAULT,
  PAGE_MAX,
  TENANT_MIGRATIONS_CHARACTERS,
  TOKEN_SECONDS_MAX,
  TOKEN_SECONDS_MIN,
} from "../domain/limits.ts";

const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = Type.String({ format: "date-time", maxLength: 40 });
/** Unknown members are refused: a misspelt one would be ignored in silence. */
const closed = { additionalProperties: false };
const named = (id: string, description: string) => ({ $id: id, description, ...closed });

export const EnvironmentId = Type.String({ pattern: "^env_[0-9a-z]{22}$", description: "Opaque id." });
export const OperationId = Type.String({ pattern: "^op_[0-9a-z]{22}$", description: "Opaque id." });
export const CustomerKey = Type.String({
  pattern: CUSTOMER_KEY_PATTERN,
  description: "Your own key of the customer.",
});
export const Repository = Type.String({
  pattern: "^[A-Za-z0-9_-]{1,100}/[A-Za-z0-9._-]{1,100}$",
  description: "owner/name.",
});
export const GitBranch = Type.String({ minLength: 1, maxLength: 255, description: "Name of a git branch." });
export const Labels = Type.Record(
  Type.String({ pattern: LABEL_NAME_PATTERN }),
  Type.String({ pattern: LABEL_VALUE_PATTERN }),
  { maxProperties: LABELS_MAX, description: "Names and values of your own, to filter by.", ...closed },
);
export const Limits = Type.Object(
  {
    tokenSeconds: Type.Optional(
      Type.Integer({
        minimum: TOKEN_SECONDS_MIN,
        maximum: TOKEN_SECONDS_MAX,
        description: "The longest life of a token, in seconds.",
      }),
    ),
    graceHours: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: GRACE_HOURS_MAX,
        description: "How long the data is kept, and can be restored, after a delete.",
      }),
    ),
  },
  { ...closed, description: "Limits of one customer; what is left out has the operator's default." },
);

export const Phase = Type.Enum(
  [
    "queued",
    "waiting",
    "creating",
    "migrating",
    "verifying",
    "unverified",
    "ready",
    "failed",
    "retired",
    "closed",
    "destroyed",
    "skipped",
  ],
  { description: "Computed from what is wanted and what exists." },
);

export const Owner = Type.Object(
  {
    kind: Type.Enum(["pull", "branch", "tenant"]),
    repository: Nullable(Repository),
    number: Nullable(Type.Integer({ minimum: 1 })),
    gitBranch: Nullable(GitBranch),
    database: Nullable(Type.String()),
    key: Nullable(CustomerKey),
  },
  { ...closed, description: "Whom the environment is for; `kind` says which members are set." },
);

export const Endpoint = Type.Object(
  {
    identifier: Type.String({ description: "AWS' identifier of the cluster." }),
    region: Type.String(),
    host: Type.String(),
    port: Type.Integer(),
    database: Type.String(),
  },
  closed,
);

export const Failure = Type.Object(
  {
    reason: Type.String({ description: "A reason code." }),
    message: Type.String({ description: "What happened, and what to do next." }),
    file: Nullable(Type.String()),
    line: Nullable(Type.Integer()),
  },
  closed,
);

export const Environment = Type.Object(
  {
    id: EnvironmentId,
    owner: Owner,
    phase: Phase,
    wanted: Type.Enum(["present", "absent"]),
    reason: Type.String({ description: "Why it is wanted or not: a reason code." }),
    labels: Labels,
    limits: Limits,
    protected: Type.Boolean({ description: "While true it cannot be deleted." }),
    revision: Type.Integer({ description: "Rises with each change by a request; also the ETag." }),
    generation: Type.Integer({ description: "Rises when what is wanted changed." }),
    endpoint: Nullable(Endpoint),
    failure: Nullable(Failure),
    waiting: Nullable(Type.Object({ since: Time }, closed)),
    migrations: Type.Object(
      {
        digest: Type.String({ description: "The commit, or the digest of the files." }),
        statements: Type.Integer(),
        applied: Type.Integer(),
      },
      closed,
    ),
    createdAt: Time,
    wantedAt: Time,
    readyAt: Nullable(Time),
    until: Nullable(Time),
    retiredUntil: Nullable(Time),
    endedAt: Nullable(Time),
  },
  named("Environment", "One database and what became of it."),
);

export const Operation = Type.Object(
  {
    id: OperationId,
    kind: Type.Enum(["create", "restore", "migrate", "reset", "delete"]),
    environmentId: EnvironmentId,
    status: Type.Enum(["running", "succeeded", "failed", "superseded"]),
    phase: Phase,
    failure: Nullable(Failure),
    createdAt: Time,
  },
  named("Operation", "What a request began; poll it, or wait with `?wait=30s`."),
);

export const Started = Type.Object(
  { environment: Type.Ref("Environment"), operation: Nullable(Type.Ref("Operation")) },
  named("Started", "The environment as it is now, and the operation that changes it."),
);

export const Token = Type.Object(
  {
    token: Type.String({ description: "The password. Never stored or logged." }),
    role: Type.Enum(["owner", "reader"]),
    host: Type.String(),
    port: Type.Integer(),
    user: Type.String(),
    database: Type.String(),
    region: Type.String(),
    expiresAt: Time,
    /** Where the TCP connection goes instead of the host, as on one machine. */
    connectTo: Nullable(
      Type.Object({ address: Type.String(), port: Type.Integer(), caFile: Type.String() }, closed),
    ),
    environment: Type.Record(Type.String(), Type.String(), {
      description: "Variables of libpq: PGHOST, PGUSER, PGPASSWORD and so on.",
    }),
  },
  named("Token", "Access to one database for a while."),
);

export const Event = Type.Object(
  {
    id: Type.String(),
    at: Time,
    kind: Type.String(),
    actor: Nullable(Type.String()),
    detail: Nullable(Type.String()),
  },
  named("Event", "One line of history."),
);

export const Problem = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    reason: Type.String({ description: "A reason code: part of the contract." }),
    requestId: Type.String(),
  },
  { $id: "Problem", description: "What went wrong and what to do next (RFC 9457)." },
);

export const Slots = Type.Object(
  {
    region: Type.String(),
    quota: Type.Integer(),
    reserve: Type.Integer(),
    maxClusters: Type.Integer(),
    used: Type.Integer({ description: "Clusters of Offshoot, retired ones too." }),
    others: Type.Integer({ description: "Clusters of others in the account and Region." }),
    free: Type.Integer(),
    waiting: Type.Integer(),
  },
  named("Slots", "The scarce thing: clusters that the account may still have."),
);

export const Region = Type.Object(
  { name: Type.String(), isDefault: Type.Boolean() },
  named("Region", "A Region in which environments can be made."),
);

export const Self = Type.Object(
  {
    kind: Type.Enum(["key", "job", "person"]),
    name: Type.String(),
    scopes: Type.Array(Type.String()),
    selector: Nullable(Labels),
    expiresAt: Nullable(Time),
  },
  named("Self", "Who is asking, as the service sees it."),
);

export const Session = Type.Object(
  { credential: Type.String({ description: "For the Authorization header." }), expiresAt: Time },
  named("Session", "A credential that ends by itself."),
);
export const DeviceLogin = Type.Object(
  {
    deviceCode: Type.String(),
    userCode: Type.String(),
    verificationUri: Type.String(),
    intervalSeconds: Type.Integer(),
    expiresAt: Time,
  },
  named("DeviceLogin", "Show `userCode` to the person, and poll with `deviceCode`."),
);

/** Bodies. */
export const TenantPut = Type.Object(
  {
    labels: Type.Optional(Labels),
    limits: Type.Optional(Limits),
    until: Type.Optional(Nullable(Time)),
    protected: Type.Optional(Type.Boolean({ default: true })),
  },
  named("TenantPut", "What a customer's database should be."),
);
export const TenantPatch = Type.Object(
  {
    labels: Type.Optional(
      Type.Record(
        Type.String({ pattern: LABEL_NAME_PATTERN }),
        Nullable(Type.String({ pattern: LABEL_VALUE_PATTERN })),
        { maxProperties: LABELS_MAX, description: "Merged; null removes a label.", ...closed },
      ),
    ),
    limits: Type.Optional(Limits),
    until: Type.Optional(Nullable(Time)),
    protected: Type.Optional(Type.Boolean()),
  },
  named("TenantPatch", "What to change; what is left out stays."),
);
export const TenantMigrations = Type.Object(
  {
    files: Type.Array(
      Type.Object(
        {
          path: Type.String({ pattern: "^[A-Za-z0-9._-]{1,100}(/[A-Za-z0-9._-]{1,100}){0,8}$" }),
          sql: Type.String({ maxLength: TENANT_MIGRATIONS_CHARACTERS }),
        },
        closed,
      ),
      { maxItems: MIGRATION_FILES_MAX, description: "All files from the first one, applied in this order." },
    ),
  },
  named(
    "TenantMigrations",
    "The whole schema as migration files; statements that were applied must not change.",
  ),
);
export const EnvironmentCreate = Type.Object(
  {
    repository: Repository,
    gitBranch: GitBranch,
    labels: Type.Optional(Labels),
    until: Type.Optional(Nullable(Time)),
  },
  named("EnvironmentCreate", "A database for a git branch."),
);
export const Keep = Type.Object({ until: Time }, named("Keep", "How long to keep it at least."));
export const TokenRequest = Type.Object(
  {
    role: Type.Optional(Type.Enum(["owner", "reader"], { default: "owner" })),
    seconds: Type.Optional(Type.Integer({ minimum: TOKEN_SECONDS_MIN, maximum: TOKEN_SECONDS_MAX })),
  },
  named("TokenRequest", "Whose rights the token has, and for how long."),
);
export const SessionRequest = Type.Object(
  { oidcToken: Type.String({ minLength: 1, maxLength: 16_384 }) },
  named("SessionRequest", "A GitHub Actions OIDC token whose audience is this service's address."),
);
export const DevicePoll = Type.Object(
  { deviceCode: Type.String({ pattern: "^[\\w-]{1,255}$" }) },
  named("DevicePoll", "The code that the login began with."),
);

/** Queries. */
export const Wait = Type.Object(
  {
    wait: Type.Optional(
      Type.String({
        pattern: "^([0-9]|[12][0-9]|30)s$",
        description: "Answer later, when it has ended: 0s to 30s.",
      }),
    ),
  },
  closed,
);
export const Page = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: PAGE_MAX, default: PAGE_DEFAULT })),
  cursor: Type.Optional(
    Type.String({ pattern: "^[\\w-]{1,200}$", description: "`nextCursor` of the page before." }),
  ),
};
/** `label=name=value`, repeated for more than one; all must match. */
export const LabelFilter = Type.Optional(
  Type.Union([
    Type.String({ maxLength: 200 }),
    Type.Array(Type.String({ maxLength: 200 }), { maxItems: LABELS_MAX }),
  ]),
);

/** A page of a list. */
export const pageOf = <T extends Type.TSchema>(id: string, item: T) =>
  Type.Object(
    { items: Type.Array(item), nextCursor: Nullable(Type.String()) },
    named(id, "One page; `nextCursor` is null on the last one."),
  );
