import { invalid, notOffered } from "./errors.ts";
import { evaluate, holds, type Scope } from "./functions.ts";
import { referenceOf } from "./parameters.ts";
import type { ParameterRecord, Plan, ResourcePlan } from "./records.ts";
import type { ResourceTypes } from "./resource-type.ts";
import { type Members, membersOf, type Template } from "./template.ts";

export interface PlanInput {
  template: Template;
  parameters: readonly ParameterRecord[];
  /** `AWS::Region` and its like. */
  pseudo: Readonly<Record<string, string>>;
  types: ResourceTypes;
}

const RESOURCE_MEMBERS = [
  ...["Type", "Properties", "DependsOn", "Condition"],
  ...["DeletionPolicy", "UpdateReplacePolicy", "Metadata"],
];
const DELETION_POLICIES = ["Delete", "Retain", "RetainExceptOnCreate"];

/** AWS' rule for the names of a template's parts. */
const LOGICAL_ID = /^[A-Za-z0-9]{1,255}$/;

/** What a template means with its parameters. Throws ValidationError for everything that is wrong before a resource is touched. */
export function makePlan({ template, parameters, pseudo, types }: PlanInput): Plan {
  const conditions = conditionsOf(template, scopeOf(template, parameters, pseudo));
  const wanted = Object.entries(template.resources)
    .map(([logicalId, source]) => ({ logicalId, members: resourceMembers(logicalId, source) }))
    .filter(({ members }) => members["Condition"] === undefined || conditions(String(members["Condition"])));
  const needs = new Map<string, Set<string>>();
  const typeOf = new Map(wanted.map(({ logicalId, members }) => [logicalId, String(members["Type"])]));
  checkTypes(typeOf, types);
  const scopeFor = (needed: Set<string>): Scope => ({
    ...scopeOf(template, parameters, pseudo),
    condition: conditions,
    resource(logicalId, attribute) {
      checkReference(logicalId, attribute, typeOf, types);
      needed.add(logicalId);
      return undefined;
    },
  });
  const resources = wanted.map(({ logicalId, members }) => {
    const needed = new Set<string>([members["DependsOn"] ?? []].flat().map(String));
    for (const other of needed) checkReference(other, undefined, typeOf, types);
    needs.set(logicalId, needed);
    return planResource(logicalId, members, scopeFor(needed));
  });
  return {
    ...(template.description === undefined ? {} : { description: template.description }),
    resources: inOrder(resources, needs),
    outputs: planOutputs(template.outputs, conditions, scopeFor(new Set())),
  };
}

function scopeOf(
  { parameters: declared }: Template,
  parameters: readonly ParameterRecord[],
  pseudo: PlanInput["pseudo"],
): Scope {
  const unresolved = (name: string) =>
    invalid(`Template format error: Unresolved dependencies [${name}]. Cannot reference resources here`);
  return {
    parameter(name) {
      if (Object.hasOwn(pseudo, name)) return pseudo[name];
      const found = parameters.find(({ key }) => key === name);
      return found && referenceOf((declared[name] as Members)["Type"], found.value);
    },
    condition: (name) => {
      throw unresolved(name);
    },
    resource: (name) => {
      throw unresolved(name);
    },
  };
}

/** Out: whether a named condition holds. Conditions may name each other, but not in a circle. */
function conditionsOf({ conditions }: Template, scope: Scope): (name: string) => boolean {
  const known = new Map<string, boolean>();
  const open = new Set<string>();
  const condition = (name: string): boolean => {
    const before = known.get(name);
    if (before !== undefined) return before;
    if (!Object.hasOwn(conditions, name)) throw invalid(`Template error: unresolved condition ${name}`);
    if (open.has(name)) throw invalid(`Template error: the condition ${name} depends on itself`);
    open.add(name);
    const result = holds(conditions[name], { ...scope, condition });
    known.set(name, result);
    return result;
  };
  for (const name of Object.keys(conditions)) condition(name);
  return condition;
}

function resourceMembers(logicalId: string, source: unknown): Members {
  if (!LOGICAL_ID.test(logicalId)) {
    throw invalid(`Template format error: Resource name ${logicalId} is non alphanumeric.`);
  }
  const members = membersOf(source, `Template format error: the resource ${logicalId}`);
  const other = Object.keys(members).find((name) => !RESOURCE_MEMBERS.includes(name));
  if (other !== undefined) throw notOffered(`${other} of the resource ${logicalId}`);
  if (typeof members["Type"] === "string") return members;
  throw invalid(
    `Template format error: [/Resources/${logicalId}] Every Resources object must contain a Type member.`,
  );
}

function checkTypes(typeOf: ReadonlyMap<string, string>, types: ResourceTypes): void {
  const unknown = [...new Set(typeOf.values())].filter((type) => !Object.hasOwn(types, type));
  if (unknown.length > 0) {
    throw invalid(`Template format error: Unrecognized resource types: [${unknown.join(", ")}]`);
  }
}

function checkReference(
  logicalId: string,
  attribute: string | undefined,
  typeOf: ReadonlyMap<string, string>,
  types: ResourceTypes,
): void {
  const type = typeOf.get(logicalId);
  if (type === undefined) {
    const where = "in the Resources block of the template";
    throw invalid(`Template format error: Unresolved resource dependencies [${logicalId}] ${where}`);
  }
  if (attribute === undefined || types[type]?.attributes.includes(attribute)) return;
  const what = `resource ${logicalId} does not support attribute type ${attribute} in Fn::GetAtt`;
  throw invalid(`Template error: ${what}`);
}

function planResource(logicalId: string, members: Members, scope: Scope): ResourcePlan {
  const { Type, Properties = {}, DeletionPolicy = "Delete", Metadata } = members;
  const deletionPolicy = String(DeletionPolicy);
  if (!DELETION_POLICIES.includes(deletionPolicy)) {
    throw invalid(`Template error: ${String(Type)} does not support the DeletionPolicy ${deletionPolicy}`);
  }
  const what = `Template format error: the properties of ${logicalId}`;
  const properties = { ...membersOf(evaluate(membersOf(Properties, what), scope), what) };
  checkTags(logicalId, properties["Tags"] ?? []);
  const metadata =
    Metadata === undefined
      ? {}
      : membersOf(evaluate(Metadata, scope), `Template format error: the metadata of ${logicalId}`);
  return {
    ...{ logicalId, type: String(Type), properties },
    ...(Object.keys(metadata).length === 0 ? {} : { metadata: { ...metadata } }),
    deletionPolicy: deletionPolicy as ResourcePlan["deletionPolicy"],
  };
}

/** The stack's tags join them, so they must be what they should be. */
function checkTags(logicalId: string, tags: unknown): void {
  const isTag = (tag: unknown) => typeof tag === "object" && tag !== null && "Key" in tag && "Value" in tag;
  if (Array.isArray(tags) && tags.every(isTag)) return;
  throw invalid(`Template format error: the Tags of ${logicalId} must be a list of Key and Value`);
}

function planOutputs(outputs: Members, condition: (name: string) => boolean, scope: Scope): Plan["outputs"] {
  return Object.entries(outputs).flatMap(([key, source]) => {
    const output = membersOf(source, `Template format error: the output ${key}`);
    const { Value, Description, Condition, Export } = output;
    if (Export !== undefined) throw notOffered(`Export of the output ${key}`);
    if (Value === undefined) throw invalid(`Template format error: Output ${key} must have a Value`);
    if (Condition !== undefined && !condition(String(Condition))) return [];
    const value = evaluate(Value, scope);
    return [{ key, value, ...(typeof Description === "string" ? { description: Description } : {}) }];
  });
}

/** Each resource after those it needs. Throws ValidationError for a circle. */
function inOrder(
  resources: readonly ResourcePlan[],
  needs: ReadonlyMap<string, Set<string>>,
): ResourcePlan[] {
  const ordered: ResourcePlan[] = [];
  const done = new Set<string>();
  let rest = resources;
  while (rest.length > 0) {
    const ready = rest.filter(({ logicalId }) =>
      [...(needs.get(logicalId) ?? [])].every((one) => done.has(one)),
    );
    if (ready.length === 0) {
      const names = rest.map(({ logicalId }) => logicalId).join(", ");
      throw invalid(`Circular dependency between resources: [${names}]`);
    }
    for (const { logicalId } of ready) done.add(logicalId);
    ordered.push(...ready);
    rest = rest.filter(({ logicalId }) => !done.has(logicalId));
  }
  return ordered;
}
