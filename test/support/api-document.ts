import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { FastifyInstance } from "fastify";

export interface Operation {
  readonly method: string;
  /** As in the document, such as /v1/tenants/{key}. */
  readonly path: string;
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  /** The schema of its body, with references resolved; null if it takes none. */
  readonly body: JsonSchema | null;
  readonly isPublic: boolean;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema: JsonSchema;
}

export type JsonSchema = Readonly<Record<string, unknown>>;

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}
interface RawOperation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
  readonly security?: readonly unknown[];
  readonly responses: Readonly<Record<string, RawResponse>>;
}

interface RawResponse {
  readonly description: string;
  readonly content?: Readonly<Record<string, unknown>>;
}

/** The document of an application, as its clients get it. */
export async function documentOf(app: FastifyInstance): Promise<Document> {
  return (await app.inject("/v1/openapi.json")).json() as Document;
}

export function operationsOf({ paths, components }: Document): readonly Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const schema = operation.requestBody?.content["application/json"]?.schema ?? null;
      const name = typeof schema?.["$ref"] === "string" ? schema["$ref"].split("/").at(-1) : undefined;
      const { operationId, parameters = [], security = [] } = operation;
      const body = name === undefined ? schema : (components.schemas[name] ?? null);
      return {
        method: method.toUpperCase(),
        path,
        operationId,
        parameters,
        body,
        isPublic: security.length === 0,
      };
    }),
  );
}

export interface Answered {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** Says what an answer has that the document does not; null if it is as documented. */
export function createConformance(document: Document) {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "document", ...document });
  const validators = new Map<string, ValidateFunction>();
  return ({ path, method }: Operation, { status, contentType, body }: Answered): string | null => {
    const { content, description } = document.paths[path]?.[method.toLowerCase()]?.responses[status] ?? {};
    if (!content) return `${method} ${path} has no answer ${status}: ${body}`;
    const type = contentType.split(";")[0] ?? "";
    if (!(type in content)) return `${method} ${path} answers ${status} not as ${type}`;
    const { reason } = Object(JSON.parse(body)) as { readonly reason?: string };
    const isKnown = type !== "application/problem+json" || description?.includes(`\`${reason}\``);
    if (!isKnown) return `${method} ${path} ${status} has no reason ${reason}`;
    const pointer = [
      "paths",
      path,
      method.toLowerCase(),
      "responses",
      String(status),
      "content",
      type,
      "schema",
    ]
      .map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1"))
      .map(encodeURIComponent)
      .join("/");
    const validate = validators.get(pointer) ?? ajv.compile({ $ref: `document#/${pointer}` });
    validators.set(pointer, validate);
    return validate(JSON.parse(body))
      ? null
      : `${method} ${path} ${status}: ${ajv.errorsText(validate.errors)}`;
  };
}
