import { invalid, notOffered } from "./errors.ts";
import { type Members, membersOf } from "./template.ts";

/** What the functions of a template look things up in. Each throws ValidationError for a name it does not know. */
export interface Scope {
  /** In: the name of a parameter or pseudo parameter. Out: nothing if there is none. */
  parameter(name: string): string | readonly string[] | undefined;
  condition(name: string): boolean;
  /** What Ref (no attribute) or GetAtt gives; nothing while it is not known yet: the function then stays as it is. */
  resource(logicalId: string, attribute?: string): string | undefined;
}

/** What `AWS::NoValue` leaves: nothing, not even the property. */
const NO_VALUE = Symbol("AWS::NoValue");

/** Deeper than any template; a bound for the recursion. */
const MAX_DEPTH = 50;

/** Fills in the functions of a part of a template. Throws ValidationError. */
export function evaluate(value: unknown, scope: Scope, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw invalid("Template format error: nested too deeply");
  const inner = (part: unknown) => evaluate(part, scope, depth + 1);
  if (Array.isArray(value)) return value.map(inner).filter((part) => part !== NO_VALUE);
  if (typeof value !== "object" || value === null) return value;
  const [only, ...others] = Object.entries(value);
  const call = only && others.length === 0 ? callOf(only[0], only[1]) : undefined;
  if (call) return call(scope, inner);
  const entries = Object.entries(value).map(([name, part]) => [name, inner(part)] as const);
  return Object.fromEntries(entries.filter(([, part]) => part !== NO_VALUE));
}

/** Whether a condition holds: a function of the Conditions section. */
export function holds(value: unknown, scope: Scope): boolean {
  const result = evaluate(value, scope);
  if (result === true || result === "true") return true;
  if (result === false || result === "false") return false;
  throw invalid(
    "Template format error: a condition must be Fn::Equals, Fn::And, Fn::Or, Fn::Not or Condition",
  );
}

type Call = (scope: Scope, inner: (part: unknown) => unknown) => unknown;

function callOf(name: string, argument: unknown): Call | undefined {
  if (name.startsWith("Fn::") && !(name in CALLS)) throw notOffered(name);
  // `Condition` is also an ordinary key of policies; as a function its argument is a name.
  if (name === "Condition" && typeof argument !== "string") return undefined;
  const call = Object.hasOwn(CALLS, name) ? CALLS[name] : undefined;
  return call && ((scope, inner) => call(argument, scope, inner));
}

type Function = (argument: unknown, scope: Scope, inner: (part: unknown) => unknown) => unknown;

const CALLS: Readonly<Record<string, Function>> = {
  Ref: (name, scope) => reference(text(name, "Ref"), scope),
  Condition: (name, scope) => scope.condition(text(name, "Condition")),
  "Fn::GetAtt": getAtt,
  "Fn::Sub": substitute,
  "Fn::Join": (argument, _scope, inner) => {
    const [separator, parts] = list(argument, "Fn::Join", 2);
    return join(text(separator, "Fn::Join"), list(inner(parts), "Fn::Join"));
  },
  "Fn::Select": (argument, _scope, inner) => {
    const [index, parts] = list(argument, "Fn::Select", 2);
    const chosen = list(inner(parts), "Fn::Select")[Number(inner(index))];
    if (chosen === undefined)
      throw invalid(`Template error: Fn::Select cannot select index ${String(index)}`);
    return chosen;
  },
  "Fn::Split": (argument, _scope, inner) => {
    const [separator, source] = list(argument, "Fn::Split", 2);
    return text(inner(source), "Fn::Split").split(text(separator, "Fn::Split"));
  },
  "Fn::If": (argument, scope, inner) => {
    const [name, then, otherwise] = list(argument, "Fn::If", 3);
    return inner(scope.condition(text(name, "Fn::If")) ? then : otherwise);
  },
  "Fn::Equals": (argument, _scope, inner) => {
    const [left, right] = list(argument, "Fn::Equals", 2).map(inner);
    return String(left) === String(right);
  },
  "Fn::And": (argument, scope) => list(argument, "Fn::And").every((part) => holds(part, scope)),
  "Fn::Or": (argument, scope) => list(argument, "Fn::Or").some((part) => holds(part, scope)),
  "Fn::Not": (argument, scope) => !holds(list(argument, "Fn::Not", 1)[0], scope),
};

function reference(name: string, scope: Scope): unknown {
  if (name === "AWS::NoValue") return NO_VALUE;
  return scope.parameter(name) ?? scope.resource(name) ?? { Ref: name };
}

function getAtt(argument: unknown, scope: Scope): unknown {
  const [first, second] =
    typeof argument === "string" ? argument.split(/\.(.*)/s) : list(argument, "Fn::GetAtt");
  const [logicalId, attribute] = [text(first, "Fn::GetAtt"), text(second, "Fn::GetAtt")];
  return scope.resource(logicalId, attribute) ?? { "Fn::GetAtt": [logicalId, attribute] };
}

/** `${Name}`, `${Resource.Attribute}` and, for a literal, `${!Name}`. */
function substitute(argument: unknown, scope: Scope, inner: (part: unknown) => unknown): unknown {
  const [source, given] = typeof argument === "string" ? [argument, {}] : list(argument, "Fn::Sub", 2);
  const variables = inner(membersOf(given, "Template error: the variables of Fn::Sub")) as Members;
  const parts = text(source, "Fn::Sub").split(/\$\{([^}]*)\}/);
  return join(
    "",
    parts.map((part, index) => {
      if (index % 2 === 0) return part;
      if (part.startsWith("!")) return `\${${part.slice(1)}}`;
      if (Object.hasOwn(variables, part)) return variables[part];
      return part.includes(".") ? getAtt(part, scope) : reference(part, scope);
    }),
  );
}

/** Joins once every part is known; until then the function stays, with what is known filled in. */
function join(separator: string, parts: readonly unknown[]): unknown {
  if (parts.some((part) => typeof part === "object")) return { "Fn::Join": [separator, parts] };
  return parts.map(String).join(separator);
}

function text(value: unknown, name: string): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return String(value);
  throw invalid(`Template error: ${name} takes a text here`);
}

function list(value: unknown, name: string, length?: number): readonly unknown[] {
  if (Array.isArray(value) && (length === undefined || value.length === length)) return value;
  throw invalid(`Template error: every ${name} object requires a list${length ? ` of ${length}` : ""}`);
}
