import Type from "typebox";
import Value from "typebox/value";
import { PolicyError, parseResourcePolicy } from "./policy.ts";
import type { CreateInput, UpdateInput } from "./registry.ts";
import { type InvalidField, validationFailed } from "./service-error.ts";

// Patterns and bounds are those of the API's model (version 2018-05-10).
const Identifier = Type.String({ pattern: "^[a-z0-9]{26}$" });
const ClientToken = Type.String({ pattern: "^[!-~]{1,128}$" });
const TAG_CHARACTERS = "[a-zA-Z0-9_.:/=+\\-@ ]";
const TagKey = Type.String({ pattern: `^${TAG_CHARACTERS}{1,128}$` });
const Tags = Type.Record(Type.String(), Type.String({ pattern: `^${TAG_CHARACTERS}{0,256}$` }), {
  propertyNames: TagKey,
  maxProperties: 200,
});

const updateMembers = {
  clientToken: Type.Optional(ClientToken),
  deletionProtectionEnabled: Type.Optional(Type.Boolean()),
  kmsEncryptionKey: Type.Optional(Type.String({ minLength: 1, maxLength: 2048 })),
};

const PolicyText = Type.String({ minLength: 1, maxLength: 20_480 });
const PolicyVersion = Type.Optional(Type.String({ minLength: 1, maxLength: 128 }));

/** A member of the API that needs other Regions. Ignoring it would promise what is not there. */
const absent = { multiRegionProperties: Type.Optional(Type.Never()) };

const CreateCluster = Type.Object({
  ...{ ...updateMembers, ...absent },
  tags: Type.Optional(Tags),
  policy: Type.Optional(PolicyText),
  bypassPolicyLockoutSafetyCheck: Type.Optional(Type.Boolean()),
});
const UpdateCluster = Type.Object({ ...updateMembers, ...absent, identifier: Identifier });
const PutPolicy = Type.Object({
  identifier: Identifier,
  policy: PolicyText,
  expectedPolicyVersion: PolicyVersion,
  bypassPolicyLockoutSafetyCheck: Type.Optional(Type.Boolean()),
  clientToken: updateMembers.clientToken,
});
const DeletePolicy = Type.Object({
  identifier: Identifier,
  expectedPolicyVersion: PolicyVersion,
  clientToken: updateMembers.clientToken,
});
const OneCluster = Type.Object({ identifier: Identifier });
const DeleteCluster = Type.Object({ identifier: Identifier, clientToken: updateMembers.clientToken });
const ListClusters = Type.Object({
  maxResults: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  nextToken: Type.Optional(Type.String({ pattern: "^[a-z0-9]{26}$" })),
});
const TagResource = Type.Object({ identifier: Identifier, tags: Tags });
const UntagResource = Type.Object({ identifier: Identifier, tagKeys: Type.Array(TagKey, { maxItems: 200 }) });

type WithToken<Input> = Input & { clientToken?: string };
type WithPolicy<Input> = Input & { bypassPolicyLockoutSafetyCheck?: boolean };

/** Each reader checks a request at the door and throws ValidationException 400 with every wrong field. */
export const readCreate = (value: unknown): WithToken<WithPolicy<CreateInput>> =>
  checkPolicy(check(CreateCluster, value));
export const readPutPolicy = (value: unknown) => checkPolicy(check(PutPolicy, value));
export const readDeletePolicy = (value: unknown) => check(DeletePolicy, value);
export const readUpdate = (value: unknown): WithToken<UpdateInput> & { identifier: string } =>
  check(UpdateCluster, value);
export const readOne = (value: unknown) => check(OneCluster, value);
export const readDelete = (value: unknown) => check(DeleteCluster, value);
export const readList = (value: unknown) => check(ListClusters, value);
export const readTag = (value: unknown) => check(TagResource, value);
export const readUntag = (value: unknown) => check(UntagResource, value);

/** In: an ARN of this account and Region. Out: the identifier in it. */
export function readArn(arn: string, region: string, accountId: string): string {
  const [, identifier] =
    /^arn:aws(?:-[a-z-]+)?:dsql:[a-z0-9-]{1,20}:\d{12}:cluster\/([a-z0-9]{26})$/.exec(arn) ?? [];
  if (identifier === undefined || !arn.includes(`:${region}:${accountId}:`)) {
    const message = `must be the ARN of a cluster of account ${accountId} in ${region}`;
    throw validationFailed("fieldValidationFailed", `resourceArn ${message}`, [
      { name: "resourceArn", message },
    ]);
  }
  return identifier;
}

/** In: the body's bytes; an empty body is an empty object. Throws ValidationException, reason `cannotParse`. */
export function parseBody(body: Uint8Array): Record<string, unknown> {
  try {
    const parsed: unknown = body.length === 0 ? {} : JSON.parse(Buffer.from(body).toString("utf8"));
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  } catch {
    // Falls through to the same answer as JSON of another shape.
  }
  throw validationFailed("cannotParse", "The request body is not a JSON object");
}

function checkPolicy<Input extends { policy?: string }>(input: Input): Input {
  try {
    if (input.policy !== undefined) parseResourcePolicy(input.policy);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    const { message } = error;
    throw validationFailed("fieldValidationFailed", message, [{ name: "policy", message }]);
  }
  return input;
}

function check<Schema extends Type.TSchema>(schema: Schema, value: unknown): Type.Static<Schema> {
  if (Value.Check(schema, value)) return value;
  const fieldList: InvalidField[] = Value.Errors(schema, value).map((error) => ({
    name: error.instancePath.slice(1).replaceAll("/", "."),
    message: error.keyword === "not" ? "is not offered by the local DSQL" : error.message,
  }));
  const summary = fieldList.map(({ name, message }) => `${name} ${message}`.trim()).join("; ");
  throw validationFailed("fieldValidationFailed", `Invalid request: ${summary}`, fieldList);
}
