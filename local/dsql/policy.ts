/**
 * IAM policies as far as the local DSQL evaluates them. Whatever it does not evaluate it refuses when the policy is put, because a
 * condition that is ignored would let in, or keep out, the wrong people.
 */
export type Policy = readonly Statement[];

export interface Statement {
  effect: "Allow" | "Deny";
  actions: readonly string[];
  resources: readonly string[];
  /** ARNs, account ids or `*`; none in a session policy, which speaks of the session's own principal. */
  principals: readonly string[];
  conditions: readonly Condition[];
}

export interface Condition {
  /** True for StringNotEquals and its like. */
  negated: boolean;
  matches(principalArn: string): boolean;
}

/** Who asks for what. ARNs of principals are those of the role, also while a session of it asks. */
export interface Question {
  principalArn: string;
  /** The session's own ARN, which a Principal element may also name. */
  callerArn: string;
  action: string;
  resource: string;
}

/** What is wrong with a policy, in words for its author. */
export class PolicyError extends Error {}

/** AWS' bound for the statements of a policy is its size; this one keeps evaluation cheap. */
const MAX_STATEMENTS = 100;

const VERSIONS = ["2012-10-17", "2008-10-17"];

const MEMBERS = ["Sid", "Effect", "Action", "Resource", "Condition"];

/** In: a cluster's resource policy as JSON. Throws PolicyError on what is wrong or not evaluated here. */
export function parseResourcePolicy(text: string): Policy {
  return statementsOf(text).map((statement) => {
    const { Principal, ...rest } = statement;
    return readStatement(rest, readPrincipals(Principal));
  });
}

/** In: a session policy of AssumeRole as JSON. Throws PolicyError; in particular, it may not name principals. */
export function parseSessionPolicy(text: string): Policy {
  return statementsOf(text).map((statement) => readStatement(statement, []));
}

/** True if a statement of the resource policy denies it, whatever else allows it. */
export function denies(policy: Policy, question: Question): boolean {
  return policy.some(
    (statement) =>
      statement.effect === "Deny" &&
      covers(statement, question) &&
      statement.principals.some((principal) => names(principal, question)),
  );
}

/** True if the session policy leaves it to the session: allowed by a statement and denied by none. */
export function permits(policy: Policy, question: Question): boolean {
  const covering = policy.filter((statement) => covers(statement, question));
  return covering.length > 0 && covering.every(({ effect }) => effect === "Allow");
}

function covers({ actions, resources, conditions }: Statement, question: Question): boolean {
  return (
    actions.some((action) => matchesPattern(action.toLowerCase(), question.action.toLowerCase())) &&
    resources.some((resource) => matchesPattern(resource, question.resource)) &&
    conditions.every(({ negated, matches }) => matches(question.principalArn) !== negated)
  );
}

/** A Principal element knows no wildcards except `*` alone; an account stands for everybody in it. */
function names(principal: string, { principalArn, callerArn }: Question): boolean {
  if (principal === "*" || principal === principalArn || principal === callerArn) return true;
  const account = /^(?:arn:aws[a-z-]*:iam::)?(\d{12})(?::root)?$/.exec(principal)?.[1];
  return account !== undefined && account === principalArn.split(":")[4];
}

function statementsOf(text: string): Record<string, unknown>[] {
  const { Version, Statement, Id: _id, ...others } = asObject(parseJson(text), "The policy");
  refuseOthers(others, "The policy");
  if (Version !== undefined && !VERSIONS.includes(String(Version))) {
    throw new PolicyError(`Version must be one of ${VERSIONS.join(", ")}`);
  }
  const statements: unknown[] = Array.isArray(Statement) ? Statement : [Statement];
  if (statements.length === 0 || statements.length > MAX_STATEMENTS) {
    throw new PolicyError(`Statement must have 1 to ${MAX_STATEMENTS} elements`);
  }
  return statements.map((statement) => asObject(statement, "A statement"));
}

function readStatement(source: Record<string, unknown>, principals: readonly string[]): Statement {
  const others = Object.fromEntries(Object.entries(source).filter(([name]) => !MEMBERS.includes(name)));
  refuseOthers(others, "A statement");
  const { Effect, Action, Resource, Condition = {} } = source;
  if (Effect !== "Allow" && Effect !== "Deny") throw new PolicyError("Effect must be Allow or Deny");
  const actions = asTexts(Action, "Action");
  const odd = actions.find((action) => action !== "*" && !/^[a-z0-9-]+:[a-zA-Z*?]+$/.test(action));
  if (odd !== undefined) throw new PolicyError(`${odd} is not an action`);
  const conditions = Object.entries(asObject(Condition, "Condition")).flatMap(readCondition);
  return { effect: Effect, actions, resources: asTexts(Resource, "Resource"), principals, conditions };
}

function readPrincipals(source: unknown): string[] {
  if (source === "*") return ["*"];
  const { AWS, ...others } = asObject(source, "Principal");
  refuseOthers(others, "Principal");
  const principals = asTexts(AWS, "Principal.AWS");
  const odd = principals.find(
    (one) => one !== "*" && !/^(?:\d{12}|arn:aws[a-z-]*:(?:iam|sts)::\d{12}:[^*?]+)$/.test(one),
  );
  if (odd !== undefined) throw new PolicyError(`${odd} is not a principal`);
  return principals;
}

type Matcher = (pattern: string, principalArn: string) => boolean;

/** ArnEquals and ArnLike are the same to IAM. */
const OPERATORS: ReadonlyMap<string, { negated: boolean; matcher: Matcher }> = new Map([
  ["StringEquals", { negated: false, matcher: (pattern: string, arn: string) => pattern === arn }],
  ["StringNotEquals", { negated: true, matcher: (pattern: string, arn: string) => pattern === arn }],
  ["ArnEquals", { negated: false, matcher: matchesArn }],
  ["ArnLike", { negated: false, matcher: matchesArn }],
  ["ArnNotEquals", { negated: true, matcher: matchesArn }],
  ["ArnNotLike", { negated: true, matcher: matchesArn }],
]);

/** In: one operator with its keys and values. A negated operator wants that none of the values matches. */
function readCondition([name, keys]: [string, unknown]): Condition[] {
  const operator = OPERATORS.get(name);
  if (!operator) throw new PolicyError(`The condition operator ${name} is not evaluated by the local DSQL`);
  return Object.entries(asObject(keys, `Condition.${name}`)).map(([key, value]) => {
    if (key.toLowerCase() !== "aws:principalarn") {
      throw new PolicyError(`The condition key ${key} is not evaluated by the local DSQL`);
    }
    const values = asTexts(value, `Condition.${name}.${key}`);
    const { negated, matcher } = operator;
    return { negated, matches: (arn) => values.some((pattern) => matcher(pattern, arn)) };
  });
}

/** An ARN is compared part by part, so that a wildcard does not reach into the next part; the last may have colons. */
function matchesArn(pattern: string, arn: string): boolean {
  const split = (text: string) => {
    const parts = text.split(":");
    return [...parts.slice(0, 5), parts.slice(5).join(":")];
  };
  const parts = split(arn);
  return split(pattern).every((part, index) => matchesPattern(part, parts[index] ?? ""));
}

/** `*` stands for any characters, `?` for one. */
function matchesPattern(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*+/g, ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s").test(text);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new PolicyError("The policy is not JSON");
  }
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw new PolicyError(`${what} must be an object`);
}

function asTexts(value: unknown, what: string): string[] {
  const texts: unknown[] = Array.isArray(value) ? value : [value];
  const wrong = texts.length === 0 || !texts.every((text) => typeof text === "string" && text !== "");
  if (wrong) throw new PolicyError(`${what} must be a text or a list of texts`);
  return texts.map(String);
}

function refuseOthers(others: Record<string, unknown>, what: string): void {
  const [name] = Object.keys(others);
  if (name !== undefined)
    throw new PolicyError(`${what} has ${name}, which is not evaluated by the local DSQL`);
}
