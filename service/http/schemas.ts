/** The shapes of the API: types, validation and OpenAPI in one. Times are ISO 8601 in UTC. */
import Type from "typebox";
import {
  CustomerKey,
  closed,
  EnvironmentId,
  GitBranch,
  Labels,
  Limits,
  Nullable,
  named,
  OperationId,
  Repository,
  Time,
} from "./schemas-parts.ts";

export {
  CustomerKey,
  EnvironmentId,
  GitBranch,
  Labels,
  Limits,
  OperationId,
  Repository,
} from "./schemas-parts.ts";
export * from "./schemas-requests.ts";

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

export const Stack = Type.Object(
  {
    name: Type.String({ description: "The name of the CloudFormation stack." }),
    connectRoleArn: Nullable(Type.String({ description: "Whoever may assume it connects as admin." })),
    readerRoleArn: Nullable(
      Type.String({ description: "Whoever may assume it connects as offshoot_reader." }),
    ),
    trouble: Nullable(
      Type.Object(
        {
          reason: Type.String({ description: "A reason code." }),
          message: Nullable(Type.String({ description: "What AWS says about it." })),
        },
        closed,
      ),
    ),
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
    settled: Type.Boolean({
      description: "Whether it stays in this phase until somebody asks for something, or its time is over.",
    }),
    wanted: Type.Enum(["present", "absent"]),
    reason: Type.String({ description: "Why it is wanted or not: a reason code." }),
    labels: Labels,
    limits: Limits,
    protected: Type.Boolean({ description: "While true it cannot be deleted." }),
    revision: Type.Integer({ description: "Rises with each change by a request; also the ETag." }),
    generation: Type.Integer({ description: "Rises when what is wanted changed." }),
    endpoint: Nullable(Endpoint),
    stack: Nullable(Stack),
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
    createdAt: Type.String({ format: "date-time", description: "A restore does not move it." }),
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

/** A page of a list. */
export const pageOf = <T extends Type.TSchema>(id: string, item: T) =>
  Type.Object(
    { items: Type.Array(item), nextCursor: Nullable(Type.String()) },
    named(id, "One page; `nextCursor` is null on the last one."),
  );
