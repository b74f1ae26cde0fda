/** GitHub's OpenAPI 3.0 description of its REST API, as far as it is read. */
export interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, unknown>>;
}

export interface Operation {
  readonly parameters?: readonly Reference[];
  readonly requestBody?: { readonly required?: boolean; readonly content?: Content };
  readonly responses: Readonly<Record<string, Reference>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema?: object;
}

/** Media type -> schema. */
export type Content = Readonly<Record<string, { readonly schema?: object }>>;

/** A thing, or `$ref` to where it is. */
type Reference = Readonly<Record<string, unknown>>;

export interface Found {
  readonly operation: Operation;
  readonly template: string;
  /** Name of each parameter of the path -> its text. */
  readonly path: Readonly<Record<string, string>>;
}

/** These parameters hold slashes. */
const MANY_SEGMENTS = new Set(["path", "ref", "branch"]);

/** The operation of a request; the template with the most fixed parts wins. */
export function findOperation(description: Description, method: string, path: string): Found | undefined {
  const found = Object.entries(description.paths).flatMap(([template, operations]) => {
    const operation = operations[method.toLowerCase()];
    const match = operation && templatePattern(template).exec(path);
    return match ? [{ operation, template, path: decode(match.groups ?? {}) }] : [];
  });
  return found.sort((one, other) => fixedParts(other.template) - fixedParts(one.template))[0];
}

/** What a reference leads to, or the thing itself. */
export function resolve<T>(description: Description, thing: Reference): T {
  const { $ref } = thing as { $ref?: string };
  if ($ref === undefined) return thing as T;
  let target: unknown = description;
  for (const name of $ref.replace(/^#\//, "").split("/")) target = Object(target)[name];
  return target as T;
}

/** OpenAPI 3.0 says `nullable`, JSON Schema has a type for it. */
export function withoutNullable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNullable);
  if (typeof value !== "object" || value === null) return value;
  const { nullable, ...rest } = value as Record<string, unknown>;
  const schema = Object.fromEntries(
    Object.entries(rest).map(([name, inner]) => [name, withoutNullable(inner)]),
  );
  // A property may itself have the name `nullable`.
  if (typeof nullable === "object") return { ...schema, nullable: withoutNullable(nullable) };
  return nullable === true ? { anyOf: [{ type: "null" }, schema] } : schema;
}

function templatePattern(template: string): RegExp {
  const source = template.replace(/[.+]/g, "\\$&").replace(/\{([\w-]+)\}/g, (_all, name: string) => {
    return `(?<${groupName(name)}>${MANY_SEGMENTS.has(name) ? ".+" : "[^/]+"})`;
  });
  return new RegExp(`^${source}$`);
}

function fixedParts(template: string): number {
  return template.split("/").filter((part) => !part.startsWith("{")).length;
}

function decode(groups: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(groups).map(([name, text]) => [name.replaceAll("$", "-"), decodeURIComponent(text)]),
  );
}

/** A group of a regular expression may have no dash in its name. */
function groupName(name: string): string {
  return name.replaceAll("-", "$");
}
