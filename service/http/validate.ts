import type { FastifySchemaCompiler } from "fastify";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import Value from "typebox/value";
import { Refused } from "../domain/errors.ts";

/** How much of what the validator says is repeated. */
const ERRORS_SHOWN = 3;
const DETAIL_CHARACTERS = 500;
/** Postgres takes no such character in a text, and no name needs it. */
const NUL = "\u0000";

/** What Fastify calls the parts of a request, and what people do. */
const PARTS: Readonly<Record<string, string>> = { params: "path", querystring: "query", body: "body" };

/**
 * Validation by TypeBox, the same schemas that the OpenAPI document shows. Texts of an address become numbers where the
 * schema wants them; a body is taken as it is,
 * and none is an empty one. Answers a Refused `invalid_request` that names the field.
 */
export function createValidatorCompiler(named: ReadonlyMap<string, TSchema>): FastifySchemaCompiler<TSchema> {
  return ({ schema, httpPart }) => {
    const reference = "$ref" in schema ? String(schema["$ref"]).replace(/#$/, "") : null;
    const whole = (reference === null ? schema : named.get(reference)) ?? schema;
    // At the first request for it: a function's first answer does not wait for the schemas of all others.
    let compiled: ReturnType<typeof Compile> | null = null;
    const part = PARTS[httpPart ?? ""] ?? "request";
    return (given: unknown) => {
      const value = httpPart === "body" ? (given ?? {}) : Value.Default(whole, Value.Convert(whole, given));
      compiled ??= Compile(whole);
      const validator = compiled;
      if (!validator.Check(value)) return { error: refusal(part, validator.Errors(value)) };
      if (!holdsNul(value)) return { value };
      return { error: new Refused("invalid_request", `The ${part} holds a NUL character; take it out.`) };
    };
  };
}

interface Fault {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: unknown;
}

function refusal(part: string, faults: readonly Fault[]): Refused {
  const told = faults.filter((fault) => fault.keyword !== "boolean").slice(0, ERRORS_SHOWN);
  const lines = told.map(({ instancePath, message, params }) => {
    const { additionalProperties: unknown } = Object(params) as { additionalProperties?: readonly string[] };
    const field = instancePath === "" ? part : `${part}${instancePath.replaceAll("/", ".")}`;
    return unknown ? `${field} has an unknown member ${JSON.stringify(unknown[0])}` : `${field} ${message}`;
  });
  const text = [...new Set(lines)].join("; ").slice(0, DETAIL_CHARACTERS);
  return new Refused("invalid_request", `${text || `The ${part} is not of the documented form`}.`);
}

/** Whatever passed its schema is shallow, so this ends. */
function holdsNul(value: unknown): boolean {
  if (typeof value === "string") return value.includes(NUL);
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([name, part]) => name.includes(NUL) || holdsNul(part));
}
