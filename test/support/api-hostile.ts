import fc from "fast-check";
import type { JsonSchema, Operation } from "./api-document.ts";

/** What attackers and broken clients put into texts. */
const INJECTIONS = [
  "' or 1=1 --",
  "'; drop table environment; --",
  "$(id)",
  "{{7*7}}",
  "../../etc/passwd",
  "<script>alert(1)</script>",
  "%00",
  "\r\nx-injected: 1",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\u202Eevil",
  "__proto__",
  "constructor",
  "env_' or '1'='1",
  "null",
  "NaN",
];

const hostileText = fc.oneof(
  fc.constantFrom(...INJECTIONS),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.constantFrom(1_000, 10_000).map((length) => "x".repeat(length)),
);
const anything = fc.oneof(
  hostileText,
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(null, true, -1, 0, 1e308, 1.5, Number.MAX_SAFE_INTEGER + 2, [], {}, [[]]),
);

/** A value that the schema allows, as far as the API's schemas go. */
export function fitting(schema: JsonSchema): fc.Arbitrary<unknown> {
  const { type, properties, patternProperties, items, anyOf, enum: choices, pattern, format } = schema;
  if (Array.isArray(choices)) return fc.constantFrom(...choices);
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map((one) => fitting(one as JsonSchema)));
  if (typeof pattern === "string") return fc.stringMatching(new RegExp(pattern));
  if (format === "date-time")
    return fc
      .date({ min: new Date("2027-01-01"), max: new Date("2030-01-01"), noInvalidDate: true })
      .map((date) => date.toISOString());
  if (patternProperties) {
    const [[name = "", value = {}] = []] = Object.entries(patternProperties as Record<string, JsonSchema>);
    return fc.dictionary(fc.stringMatching(new RegExp(name)), fitting(value), { maxKeys: 3 });
  }
  switch (type) {
    case "object": {
      const members = Object.entries((properties ?? {}) as Record<string, JsonSchema>);
      const required = (schema["required"] ?? []) as string[];
      const model = Object.fromEntries(members.map(([name, member]) => [name, fitting(member)]));
      return fc.record(model, { requiredKeys: required });
    }
    case "array":
      return fc.array(fitting((items ?? {}) as JsonSchema), { maxLength: 2 });
    case "integer":
      return fc.integer({ min: Number(schema["minimum"] ?? 0), max: Number(schema["maximum"] ?? 1_000_000) });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      return fc.string({ minLength: Number(schema["minLength"] ?? 0), maxLength: 30 });
  }
}

/** A value of the schema with one of its parts, at any depth, replaced by anything, left out, or added to. */
function damaged(schema: JsonSchema): fc.Arbitrary<unknown> {
  return fc
    .tuple(fitting(schema), fc.nat(), anything, fc.constantFrom("replace", "remove", "add"))
    .map(([value, at, other, how]) => {
      let seen = 0;
      const total = JSON.stringify(value)?.match(/":|\[|\{/g)?.length ?? 1;
      const text = JSON.stringify(value, (_name, old) => {
        if (seen++ !== at % total) return old;
        if (how === "add" && typeof old === "object" && old !== null)
          return { ...old, [String(other)]: other };
        return how === "remove" ? undefined : other;
      });
      return JSON.parse(text ?? "null");
    });
}

export interface Asked {
  readonly operation: Operation;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string | undefined;
}

/** What may stand in a header at all: visible latin-1. */
const headerText = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
  maxLength: 300,
});

/** Requests to the operation: some as documented, most with something wrong. */
export function requestsTo(operation: Operation, credentials: readonly string[]): fc.Arbitrary<Asked> {
  const { path, method, parameters, body } = operation;
  const some = (schema: JsonSchema) =>
    fc.oneof({ weight: 3, arbitrary: fitting(schema) }, { weight: 1, arbitrary: anything });
  const at = (place: string) => parameters.filter((parameter) => parameter.in === place);
  const named = (place: string) =>
    fc.record(
      Object.fromEntries(at(place).map(({ name, schema }) => [name, some(schema)])),
      place === "path" ? {} : { requiredKeys: [] },
    );
  const payload = body
    ? fc.oneof(
        { weight: 3, arbitrary: fitting(body).map((value) => JSON.stringify(value)) },
        { weight: 4, arbitrary: damaged(body).map((value) => JSON.stringify(value)) },
        {
          weight: 1,
          arbitrary: fc.oneof(fc.json(), hostileText, fc.constant('{"a":'), fc.constant("[".repeat(100_000))),
        },
      )
    : fc.constantFrom(undefined, "", "{}", "x");
  return fc
    .record({
      method: fc.oneof(
        { weight: 9, arbitrary: fc.constant(method) },
        { weight: 1, arbitrary: fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD") },
      ),
      ...{ params: named("path"), query: named("query") },
      extra: fc.option(fc.tuple(hostileText, hostileText), { freq: 8 }),
      payload: fc.option(payload, { nil: undefined, freq: 8 }),
      type: fc.oneof(
        { weight: 9, arbitrary: fc.constant("application/json") },
        {
          weight: 1,
          arbitrary: fc.constantFrom(
            "text/plain",
            "application/xml",
            "application/json; charset=utf-16",
            "multipart/form-data; boundary=x",
            "x",
          ),
        },
      ),
      authorization: fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(...credentials).map((one) => `Bearer ${one}`) },
        { weight: 1, arbitrary: headerText },
      ),
      key: fc.option(fc.oneof(fc.uuid(), headerText), { freq: 4 }),
      ifMatch: fc.option(fc.oneof(fc.constantFrom('"1"', '"99"', "*"), headerText), { freq: 4 }),
    })
    .map(({ params, query, extra, type, authorization, key, ifMatch, ...rest }) => {
      const place = path.replace(/\{(\w+)\}/g, (_whole, name: string) => encoded(params[name]));
      const pairs = [...Object.entries(query), ...(extra ? [extra] : [])].flatMap(([name, value]) =>
        [value].flat().map((one) => `${encoded(name)}=${encoded(one)}`),
      );
      const headers = {
        authorization,
        ...(rest.payload === undefined ? {} : { "content-type": type }),
        ...(key === null ? {} : { "idempotency-key": key }),
        ...(ifMatch === null ? {} : { "if-match": ifMatch }),
      };
      return { operation, url: pairs.length > 0 ? `${place}?${pairs.join("&")}` : place, headers, ...rest };
    });
}

function encoded(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return encodeURIComponent(text.toWellFormed());
}
