import Type from "typebox";
import { jsonService } from "./json-protocol.ts";
import { type Neighbour, NeighbourError } from "./neighbour.ts";
import type { ParameterRecord, Parameters } from "./parameters.ts";

// Bounds are those of the API's model (version 2014-11-06) and of its standard tier.
const Name = Type.String({ minLength: 1, maxLength: 2048 });
const Tag = Type.Object({
  Key: Type.String({ minLength: 1, maxLength: 128, pattern: "^[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*$" }),
  Value: Type.String({ maxLength: 256, pattern: "^[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*$" }),
});
const Tags = Type.Array(Tag, { maxItems: 1000 });
const Resource = { ResourceType: Type.Literal("Parameter"), ResourceId: Name };
const NextToken = Type.Optional(Type.String());
const Filter = Type.Object({
  Key: Type.String({ pattern: "^(Name|tag:.+)$" }),
  Option: Type.Optional(Type.Union([Type.Literal("Equals"), Type.Literal("BeginsWith")])),
  Values: Type.Array(Type.String(), { minItems: 1, maxItems: 50 }),
});

const INPUTS = {
  PutParameter: Type.Object({
    Name,
    Value: Type.String({ minLength: 1 }),
    Type: Type.Optional(Type.Literal("String")),
    Description: Type.Optional(Type.String({ maxLength: 1024 })),
    Overwrite: Type.Optional(Type.Boolean()),
    Tags: Type.Optional(Tags),
    Tier: Type.Optional(Type.Literal("Standard")),
  }),
  GetParameter: Type.Object({ Name, WithDecryption: Type.Optional(Type.Boolean()) }),
  DeleteParameter: Type.Object({ Name }),
  AddTagsToResource: Type.Object({ ...Resource, Tags }),
  ListTagsForResource: Type.Object(Resource),
  DescribeParameters: Type.Object({
    ParameterFilters: Type.Optional(Type.Array(Filter, { maxItems: 50 })),
    MaxResults: Type.Optional(Type.Integer({ minimum: 1, maximum: 50 })),
    NextToken,
  }),
  GetParametersByPath: Type.Object({
    Path: Type.String({ pattern: "^/" }),
    Recursive: Type.Optional(Type.Boolean()),
    WithDecryption: Type.Optional(Type.Boolean()),
    MaxResults: Type.Optional(Type.Integer({ minimum: 1, maximum: 10 })),
    NextToken,
  }),
};

type Operation = keyof typeof INPUTS;
type Input<Name extends Operation> = Type.Static<(typeof INPUTS)[Name]>;

/** Of the standard tier. */
const MAX_VALUE_CHARACTERS = 4_096;
const MAX_TAGS = 50;
const DEFAULT_DESCRIBE_PAGE = 50;
const DEFAULT_PATH_PAGE = 10;

/** The local SSM (JSON 1.1), as far as it keeps parameters of type String. */
export function makeSsm(parameters: Parameters, region: string, accountId: string): Neighbour {
  const arnOf = (name: string) => `arn:aws:ssm:${region}:${accountId}:parameter/${name.replace(/^\//, "")}`;
  return jsonService({
    ...{ service: "ssm", target: "AmazonSSM", inputs: INPUTS, codes: CODES, invalidCode: INVALID },
    resourceOf(operation, input) {
      if (operation === "DescribeParameters") return "*";
      return arnOf(String(input["Name"] ?? input["ResourceId"] ?? input["Path"]));
    },
    operations: { ...changing(parameters), ...reading(parameters, arnOf), ...tagging(parameters) },
  });
}

const INVALID = "ValidationException";

const CODES = { throttled: "ThrottlingException", internal: "InternalServerError" };

function changing(parameters: Parameters) {
  return {
    PutParameter({ Name, Value, Type: type, Overwrite = false, Tags, Description }: Input<"PutParameter">) {
      checkName(Name);
      if (Value.length > MAX_VALUE_CHARACTERS)
        throw invalid(
          `Standard tier parameters support a maximum parameter value of ${MAX_VALUE_CHARACTERS} characters.`,
        );
      if (Overwrite && Tags) {
        throw invalid(
          "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
        );
      }
      const known = parameters.get(Name);
      if (known && !Overwrite) {
        const message =
          "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.";
        throw new NeighbourError("ParameterAlreadyExists", message);
      }
      if (!known && type === undefined)
        throw invalid("A parameter type is required when you create a parameter.");
      const description = Description ?? known?.description;
      const version = (known?.version ?? 0) + 1;
      parameters.put({
        ...{ name: Name, value: Value, version, modifiedAt: Date.now() },
        ...(description === undefined ? {} : { description }),
        tags: known?.tags ?? merged({}, Tags ?? []),
      });
      return { Version: version, Tier: "Standard" };
    },
    DeleteParameter({ Name }: Input<"DeleteParameter">) {
      if (!parameters.remove(Name)) throw notFound(Name);
      return {};
    },
  };
}

function reading(parameters: Parameters, arnOf: (name: string) => string) {
  const describe = (parameter: ParameterRecord) => ({
    Name: parameter.name,
    ARN: arnOf(parameter.name),
    Type: "String",
    Version: parameter.version,
    LastModifiedDate: parameter.modifiedAt / 1000,
    DataType: "text",
  });
  const withValue = (parameter: ParameterRecord) => ({ ...describe(parameter), Value: parameter.value });
  return {
    GetParameter({ Name }: Input<"GetParameter">) {
      const found = parameters.get(Name);
      if (!found) throw notFound(Name);
      return { Parameter: withValue(found) };
    },
    DescribeParameters({ ParameterFilters = [], MaxResults, NextToken }: Input<"DescribeParameters">) {
      const chosen = parameters
        .all()
        .filter((one) => ParameterFilters.every((filter) => passes(one, filter)));
      const { page, rest } = cut(chosen, MaxResults ?? DEFAULT_DESCRIBE_PAGE, NextToken);
      const found = page.map((one) => ({ ...describe(one), Description: one.description, Tier: "Standard" }));
      return { Parameters: found, ...rest };
    },
    GetParametersByPath({ Path, Recursive = false, MaxResults, NextToken }: Input<"GetParametersByPath">) {
      const prefix = Path.endsWith("/") ? Path : `${Path}/`;
      const below = parameters.all().filter(({ name }) => name.startsWith(prefix));
      const chosen = below.filter(({ name }) => Recursive || !name.slice(prefix.length).includes("/"));
      const { page, rest } = cut(chosen, MaxResults ?? DEFAULT_PATH_PAGE, NextToken);
      return { Parameters: page.map(withValue), ...rest };
    },
  };
}

function tagging(parameters: Parameters) {
  const find = (name: string): ParameterRecord => {
    const found = parameters.get(name);
    if (!found) throw new NeighbourError("InvalidResourceId", `The parameter ${name} does not exist`);
    return found;
  };
  return {
    AddTagsToResource({ ResourceId, Tags }: Input<"AddTagsToResource">) {
      const found = find(ResourceId);
      parameters.put({ ...found, tags: merged(found.tags, Tags) });
      return {};
    },
    ListTagsForResource({ ResourceId }: Input<"ListTagsForResource">) {
      const tags = Object.entries(find(ResourceId).tags);
      return { TagList: tags.map(([Key, Value]) => ({ Key, Value })) };
    },
  };
}

function passes(
  { name, tags }: ParameterRecord,
  { Key, Option = "Equals", Values }: Type.Static<typeof Filter>,
): boolean {
  const text = Key === "Name" ? name : tags[Key.slice("tag:".length)];
  return Values.some((value) => (Option === "Equals" ? text === value : text?.startsWith(value)));
}

/** A page's token is the name of its last parameter, so that it stays good after parameters came or went. */
function cut(sorted: readonly ParameterRecord[], size: number, after = "") {
  const rest = sorted.filter(({ name }) => name > after);
  const page = rest.slice(0, size);
  return { page, rest: rest.length > size ? { NextToken: page.at(-1)?.name } : {} };
}

function merged(tags: Readonly<Record<string, string>>, more: readonly Type.Static<typeof Tag>[]) {
  const all = { ...tags, ...Object.fromEntries(more.map(({ Key, Value }) => [Key, Value])) };
  if (Object.keys(all).length <= MAX_TAGS) return all;
  throw new NeighbourError("TooManyTagsError", `A parameter may have ${MAX_TAGS} tags`);
}

function checkName(name: string): void {
  const shape = /^(?:\/[\w.-]+(?:\/[\w.-]+){0,14}|[\w.-]+)$/;
  if (shape.test(name) && !/^\/?(?:aws|ssm)/i.test(name)) return;
  throw invalid(
    `Parameter name: ${name} must be of letters, digits, ".", "-" and "_", with at most 15 levels after "/"`,
  );
}

function notFound(name: string): NeighbourError {
  return new NeighbourError("ParameterNotFound", `The parameter ${name} does not exist`);
}

function invalid(message: string): NeighbourError {
  return new NeighbourError(INVALID, message);
}
