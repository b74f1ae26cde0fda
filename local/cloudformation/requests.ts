import Type from "typebox";
import Value from "typebox/value";
import { invalid, notOffered } from "./errors.ts";

/** Deeper than any request of the API; a bound for the recursion. */
const MAX_DEPTH = 8;

/** Reads the form of AWS' Query protocol, in which `Tags.member.1.Key=a` is an item of a list. Throws ValidationError. */
export function parseForm(body: string): { action: string; input: Record<string, unknown> } {
  const {
    Action = "",
    Version: _version,
    ...input
  } = membersOf([...new URLSearchParams(body)].map(([name, value]) => [name.split("."), value] as const));
  return { action: String(Action), input };
}

type Entry = readonly [path: readonly string[], value: string];

function membersOf(entries: readonly Entry[]): Record<string, unknown> {
  if (entries.some(([path]) => path.length > MAX_DEPTH)) throw invalid("The request is nested too deeply");
  const groups = Map.groupBy(entries, ([[name = ""]]) => name);
  return Object.fromEntries([...groups].map(([name, group]) => [name, partOf(group)]));
}

function partOf(group: readonly Entry[]): unknown {
  const [first] = group;
  if (first?.[0].length === 1) return first[1];
  const members = membersOf(group.map(([[, ...path], value]) => [path, value] as const));
  const list = members["member"];
  if (typeof list !== "object" || list === null) return members;
  return Object.entries(list)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, item]) => item);
}

const Flag = Type.Union([Type.Literal("true"), Type.Literal("false")]);
// Patterns and bounds are those of the API's model (version 2010-05-15); an empty list comes as an empty text.
const listOf = <Item extends Type.TSchema>(item: Item, maxItems: number) =>
  Type.Optional(Type.Union([Type.Array(item, { maxItems }), Type.Literal("")]));
const StackName = Type.String({
  pattern: "^([a-zA-Z][-a-zA-Z0-9]{0,127}|arn:aws[-a-z]*:cloudformation:[^ ]{1,400})$",
});
const NewName = Type.String({ pattern: "^[a-zA-Z][-a-zA-Z0-9]{0,127}$" });
const RequestToken = Type.Optional(Type.String({ pattern: "^[a-zA-Z0-9][-a-zA-Z0-9]{0,127}$" }));
const RoleArn = Type.Optional(Type.String({ pattern: "^arn:aws:iam::\\d{12}:role/[\\w+=,.@/-]{1,512}$" }));
const LogicalId = Type.String({ pattern: "^[A-Za-z0-9]{1,255}$" });
const NextToken = Type.Optional(Type.String({ minLength: 1, maxLength: 1024 }));
const Capability = Type.Union([
  Type.Literal("CAPABILITY_IAM"),
  Type.Literal("CAPABILITY_NAMED_IAM"),
  Type.Literal("CAPABILITY_AUTO_EXPAND"),
]);

/** AWS allows 50 tags on a stack, and some more items elsewhere. */
const MAX_TAGS = 50;
const MAX_PARAMETERS = 200;
const MAX_ITEMS = 500;

const wanted = {
  TemplateBody: Type.Optional(Type.String({ minLength: 1 })),
  Parameters: listOf(
    Type.Object({
      ParameterKey: Type.String(),
      ParameterValue: Type.Optional(Type.String()),
      UsePreviousValue: Type.Optional(Flag),
    }),
    MAX_PARAMETERS,
  ),
  Tags: listOf(
    Type.Object({
      Key: Type.String({ minLength: 1, maxLength: 128, pattern: "^(?!aws:)" }),
      Value: Type.String({ maxLength: 256 }),
    }),
    MAX_TAGS,
  ),
  Capabilities: listOf(Capability, 3),
  ClientRequestToken: RequestToken,
  RoleARN: RoleArn,
  DisableRollback: Type.Optional(Flag),
  RetainExceptOnCreate: Type.Optional(Flag),
};
const closed = { additionalProperties: false };

const SCHEMAS = {
  CreateStack: Type.Object(
    {
      ...{ ...wanted, StackName: NewName, EnableTerminationProtection: Type.Optional(Flag) },
      OnFailure: Type.Optional(
        Type.Union([Type.Literal("ROLLBACK"), Type.Literal("DO_NOTHING"), Type.Literal("DELETE")]),
      ),
    },
    closed,
  ),
  UpdateStack: Type.Object({ ...wanted, StackName, UsePreviousTemplate: Type.Optional(Flag) }, closed),
  DeleteStack: Type.Object(
    {
      ...{ StackName, ClientRequestToken: RequestToken, RoleARN: RoleArn },
      RetainResources: listOf(LogicalId, MAX_ITEMS),
      DeletionMode: Type.Optional(Type.Union([Type.Literal("STANDARD"), Type.Literal("FORCE_DELETE_STACK")])),
    },
    closed,
  ),
  UpdateTerminationProtection: Type.Object({ StackName, EnableTerminationProtection: Flag }, closed),
  DescribeStacks: Type.Object({ StackName: Type.Optional(StackName), NextToken }, closed),
  DescribeStackEvents: Type.Object({ StackName, NextToken }, closed),
  DescribeStackResources: Type.Object({ StackName, LogicalResourceId: Type.Optional(LogicalId) }, closed),
  ListStacks: Type.Object({ StackStatusFilter: listOf(Type.String(), MAX_ITEMS), NextToken }, closed),
  GetTemplate: Type.Object({ StackName, TemplateStage: Type.Optional(Type.Literal("Original")) }, closed),
  ValidateTemplate: Type.Object({ TemplateBody: Type.String({ minLength: 1 }) }, closed),
};

export type Action = keyof typeof SCHEMAS;
export type Input<Name extends Action> = Type.Static<(typeof SCHEMAS)[Name]>;

export function isAction(name: string): name is Action {
  return Object.hasOwn(SCHEMAS, name);
}

/** Checks a request at the door. Throws ValidationError with everything that is wrong. */
export function readInput<Name extends Action>(action: Name, input: Record<string, unknown>): Input<Name> {
  const schema = SCHEMAS[action];
  const unknown = Object.keys(input).find((name) => !Object.hasOwn(schema.properties, name));
  if (unknown !== undefined) throw notOffered(unknown);
  if (Value.Check(schema, input)) return input as Input<Name>;
  const wrong = Value.Errors(schema, input).map(({ instancePath, message }) => {
    const [name = "", ...rest] = instancePath.slice(1).split("/");
    const member = [name.slice(0, 1).toLowerCase() + name.slice(1), ...rest].join(".");
    return `Value at '${member}' failed to satisfy constraint: ${message}`;
  });
  const count = `${wrong.length} validation error${wrong.length === 1 ? "" : "s"} detected`;
  throw invalid(`${count}: ${wrong.join("; ")}`);
}

/** The items of a list, which is a text when it is empty. */
export function items<Item>(list: readonly Item[] | "" | undefined): readonly Item[] {
  return list === undefined || list === "" ? [] : list;
}
