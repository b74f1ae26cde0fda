/** What the API is sent: bodies and queries. */
import Type from "typebox";
import {
  LABEL_NAME_PATTERN,
  LABEL_VALUE_PATTERN,
  LABELS_MAX,
  MIGRATION_FILES_MAX,
  PAGE_DEFAULT,
  PAGE_MAX,
  TENANT_MIGRATIONS_BYTES,
  TOKEN_SECONDS_MAX,
  TOKEN_SECONDS_MIN,
} from "../domain/limits.ts";
import { closed, GitBranch, Labels, Limits, Nullable, named, Repository, Time } from "./schemas-parts.ts";

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
          sql: Type.String({ maxLength: TENANT_MIGRATIONS_BYTES }),
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
