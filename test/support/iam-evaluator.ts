/**
 * IAM's decision for one call, as far as the policies of infra/ need it: identity policies alone, Allow unless denied.
 * What it does not know it refuses, because a condition that is ignored would prove too much.
 */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** What is asked. Keys of the context as IAM names them, such as `aws:ResourceTag/offshoot:kind`. */
export interface Question {
  readonly action: string;
  readonly resource: string;
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
}

export function isAllowed(statements: readonly Statement[], question: Question): boolean {
  const fitting = statements.filter((statement) => fits(statement, question));
  return fitting.length > 0 && fitting.every(({ Effect }) => Effect === "Allow");
}

/** The context of a request that sets these tags. */
export function requestTags(tags: Readonly<Record<string, string>>): NonNullable<Question["context"]> {
  const pairs = Object.entries(tags).map(([name, value]) => [`aws:RequestTag/${name}`, value] as const);
  return { ...Object.fromEntries(pairs), "aws:TagKeys": Object.keys(tags) };
}

/** The context of a resource that has these tags. */
export function resourceTags(tags: Readonly<Record<string, string>>): NonNullable<Question["context"]> {
  return Object.fromEntries(Object.entries(tags).map(([name, value]) => [`aws:ResourceTag/${name}`, value]));
}

function fits({ Action, Resource, Condition = {} }: Statement, { action, resource, context = {} }: Question) {
  return (
    list(Action).some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase())) &&
    list(Resource).some((pattern) => matches(pattern, resource)) &&
    Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => holds(operator, context[key], list(values))),
    )
  );
}

function holds(
  operator: string,
  given: string | readonly string[] | undefined,
  wanted: readonly string[],
): boolean {
  switch (operator) {
    case "StringEquals":
      return typeof given === "string" && wanted.includes(given);
    case "Null":
      return wanted.includes(String(given === undefined));
    // Of no values at all it is true, as IAM says.
    case "ForAllValues:StringEquals":
      return list(given ?? []).every((value) => wanted.includes(value));
    default:
      throw new Error(`The condition operator ${operator} is not evaluated here.`);
  }
}

function list(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : value;
}

/** `*` stands for any characters. */
function matches(pattern: string, text: string): boolean {
  const source = pattern.replace(/[.+^${}()|[\]\\?]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${source}$`, "s").test(text);
}
