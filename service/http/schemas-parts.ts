/** What the shapes of the API are made of. */
import Type from "typebox";
import {
  CUSTOMER_KEY_PATTERN,
  GRACE_HOURS_MAX,
  LABEL_NAME_PATTERN,
  LABEL_VALUE_PATTERN,
  LABELS_MAX,
  TOKEN_SECONDS_MAX,
  TOKEN_SECONDS_MIN,
} from "../domain/limits.ts";

export const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const Time = Type.String({ format: "date-time", maxLength: 40 });
/** Unknown members are refused: a misspelt one would be ignored in silence. */
export const closed = { additionalProperties: false };
export const named = (id: string, description: string) => ({ $id: id, description, ...closed });

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
