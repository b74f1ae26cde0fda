import { type CollectionTag, parse, type ScalarTag, YAMLError, YAMLMap, type YAMLSeq } from "yaml";
import { invalid, notOffered } from "./errors.ts";

export type Members = Readonly<Record<string, unknown>>;

export interface Template {
  description?: string;
  parameters: Members;
  conditions: Members;
  resources: Members;
  outputs: Members;
}

/** The limit for a template that is sent in the request, in bytes. */
export const MAX_TEMPLATE_BYTES = 51_200;

/** The limits of a template: resources, and outputs. */
const MAX_RESOURCES = 500;
const MAX_OUTPUTS = 200;

const SECTIONS = new Set([
  ...["AWSTemplateFormatVersion", "Description", "Metadata"],
  ...["Parameters", "Conditions", "Resources", "Outputs"],
]);

/** Reads a template, JSON or YAML with the short forms of its functions. Throws ValidationError. */
export function parseTemplate(body: string): Template {
  if (Buffer.byteLength(body) > MAX_TEMPLATE_BYTES) {
    const constraint = `Member must have length less than or equal to ${MAX_TEMPLATE_BYTES}`;
    throw invalid(`1 validation error detected: Value at 'templateBody' failed to satisfy: ${constraint}`);
  }
  const members = membersOf(parseText(body), "Template format error: the template");
  const unknown = Object.keys(members).find((name) => !SECTIONS.has(name));
  if (unknown !== undefined) throw notOffered(`The template's section ${unknown}`);
  const { AWSTemplateFormatVersion: version = "2010-09-09", Description } = members;
  if (version !== "2010-09-09") throw invalid("Template format error: unsupported value for version.");
  const section = (name: string) => membersOf(members[name] ?? {}, `Template format error: ${name}`);
  const template = {
    ...{ parameters: section("Parameters"), conditions: section("Conditions") },
    ...{ resources: section("Resources"), outputs: section("Outputs") },
    ...(typeof Description === "string" ? { description: Description } : {}),
  };
  const count = Object.keys(template.resources).length;
  if (count === 0) throw invalid("Template format error: At least one Resources member must be defined.");
  if (count > MAX_RESOURCES) throw invalid(`Template may not exceed ${MAX_RESOURCES} resources`);
  if (Object.keys(template.outputs).length > MAX_OUTPUTS)
    throw invalid(`Template may not exceed ${MAX_OUTPUTS} outputs`);
  return template;
}

/** In: what should be an object. Throws ValidationError, naming it. */
export function membersOf(value: unknown, what: string): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw invalid(`${what} must be an object`);
}

function parseText(body: string): unknown {
  if (body.trimStart().startsWith("{")) {
    try {
      return JSON.parse(body);
    } catch {
      throw invalid("Template format error: JSON not well-formed.");
    }
  }
  try {
    return parse(body, { customTags: SHORT_FORMS });
  } catch (error) {
    const { line = 1, col = 1 } = (error instanceof YAMLError ? error.linePos?.[0] : undefined) ?? {};
    throw invalid(`Template format error: YAML not well-formed. (line ${line}, column ${col})`);
  }
}

const FUNCTIONS = ["GetAtt", "Sub", "Join", "Select", "Split", "If", "Equals", "And", "Or", "Not"];

/** `!Sub x` is short for `{ "Fn::Sub": x }`; Ref and Condition have no `Fn::`. */
const SHORT_FORMS: (ScalarTag | CollectionTag)[] = [
  ...["Ref", "Condition"].flatMap((name) => shortForms(name, name)),
  ...FUNCTIONS.flatMap((name) => shortForms(name, `Fn::${name}`)),
];

function shortForms(name: string, long: string): (ScalarTag | CollectionTag)[] {
  const tag = `!${name}`;
  return [
    { tag, resolve: (text: string) => ({ [long]: long === "Fn::GetAtt" ? split(text) : text }) },
    {
      ...{ tag, collection: "seq" as const },
      resolve: (sequence: YAMLMap.Parsed | YAMLSeq.Parsed) => {
        const map = new YAMLMap();
        map.set(long, sequence);
        return map;
      },
    },
  ];
}

/** `!GetAtt Cluster.EncryptionDetails.KmsKeyArn`: the first dot ends the logical id. */
function split(text: string): string[] {
  const dot = text.indexOf(".");
  return dot < 0 ? [text] : [text.slice(0, dot), text.slice(dot + 1)];
}
