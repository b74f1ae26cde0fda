import { Ajv, type ErrorObject } from "ajv";
import formats from "ajv-formats";
import {
  type Content,
  type Description,
  type Found,
  findOperation,
  type Parameter,
  resolve,
  withoutNullable,
} from "./description.ts";

/** One recorded request with its answer. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly status: number;
  readonly answer: unknown;
}

/** GitHub: "Body is too long (maximum is 65536 characters)"; the description does not know it. */
const COMMENT_CHARACTERS = 65_536;
const COMMENT_PATH = /^\/repos\/[^/]+\/[^/]+\/issues\/(\d+\/comments|comments\/\d+)$/;
const ERRORS_MAX = 5;

/** What is right although the description lacks it, with the reason. */
const UNDESCRIBED_STATUSES: Readonly<Record<number, string>> = {
  307: "whatever is written below a name that a repository had before is sent to its id",
  304: "any GET with If-None-Match may be answered so; the description names it for some only",
  400: "a body that is not JSON is refused by every operation",
  401: "a bad credential is refused by every operation",
  403: "a token may lack a permission for any operation",
  404: "whatever a token may not see is not found",
};

/** Mistakes of the description: the operation, what is said of it, and why it is not a violation. */
const MISTAKES = [
  {
    template: "/app/installations",
    pattern: /^answer 200\/\d+\/account /,
    reason: "allOf of a user and an enterprise, which nothing can be; the shared schema of it has anyOf",
  },
];

/** Finds what does not follow the description: unknown paths, parameters, bodies, statuses and answers. */
export function createChecker(description: Description) {
  const { validate, coerce } = createValidators(description);
  return (call: Call): readonly string[] => {
    const found = findOperation(description, call.method, call.path);
    if (!found) return ["the description has no such operation"];
    const violations = [
      ...checkParameters(description, found, call, coerce),
      ...checkBody(found, call, validate),
      ...checkAnswer(description, found, call, validate),
      ...checkComment(call),
    ];
    const isMistake = (text: string) =>
      MISTAKES.some(({ template, pattern }) => template === found.template && pattern.test(text));
    return violations.filter((text) => !isMistake(text));
  };
}

type Validate = (schema: object, value: unknown, what: string) => readonly string[];

function createValidators(description: Description): { validate: Validate; coerce: Validate } {
  const components = withoutNullable(description.components) as object;
  const make = (coerceTypes: boolean): Validate => {
    const ajv = new Ajv({
      strict: false,
      allErrors: true,
      logger: false,
      validateSchema: false,
      coerceTypes,
    });
    formats.default(ajv);
    ajv.addSchema({ $id: "github", components });
    const compiled = new Map<string, ReturnType<Ajv["compile"]>>();
    return (schema, value, what) => {
      const text = JSON.stringify(withoutNullable(schema)).replaceAll('"$ref":"#/', '"$ref":"github#/');
      const check = compiled.get(text) ?? ajv.compile(JSON.parse(text));
      compiled.set(text, check);
      return check(value) ? [] : (check.errors ?? []).slice(0, ERRORS_MAX).map((error) => tell(what, error));
    };
  };
  return { validate: make(false), coerce: make(true) };
}

function tell(what: string, { instancePath, message, params }: ErrorObject): string {
  return `${what}${instancePath} ${message} ${JSON.stringify(params)}`;
}

function checkParameters(description: Description, found: Found, call: Call, coerce: Validate) {
  const parameters = (found.operation.parameters ?? []).map((one) => resolve<Parameter>(description, one));
  const given = { path: found.path, query: call.query, header: {} };
  const unknown = Object.keys(call.query).filter(
    (name) => !parameters.some((one) => one.in === "query" && one.name === name),
  );
  const wrong = parameters.flatMap(({ name, in: place, required, schema = {} }) => {
    const value = (given[place] as Record<string, unknown>)[name];
    if (value !== undefined) return coerce({ properties: { [name]: schema } }, { [name]: value }, place);
    return required && place !== "header" ? [`${place} lacks ${name}`] : [];
  });
  return [...unknown.map((name) => `query has ${name}, which is not known`), ...wrong];
}

function checkBody({ operation }: Found, { body, status }: Call, validate: Validate): readonly string[] {
  const { requestBody } = operation;
  // GitHub has said itself that this body is wrong.
  if (status === 400 || status === 422) return [];
  if (body === null) return requestBody?.required ? ["body is missing"] : [];
  const schema = requestBody?.content?.["application/json"]?.schema as { properties?: object } | undefined;
  if (!schema) return ["body is sent where none is taken"];
  const { properties } = schema;
  const unknown = properties
    ? Object.keys(Object(body)).filter((name) => !Object.hasOwn(properties, name))
    : [];
  return [
    ...unknown.map((name) => `body has ${name}, which is not known`),
    ...validate(schema, body, "body"),
  ];
}

function checkAnswer(description: Description, { operation }: Found, call: Call, validate: Validate) {
  const { status, answer } = call;
  const described = operation.responses[status];
  if (!described) {
    return Object.hasOwn(UNDESCRIBED_STATUSES, status) ? [] : [`status ${status} is not described`];
  }
  const { content } = resolve<{ content?: Content }>(description, described);
  const schema = content?.["application/json"]?.schema;
  if (!schema) return answer === null ? [] : [`answer ${status} has a body where none is described`];
  return answer === null && status === 304 ? [] : validate(schema, answer, `answer ${status}`);
}

function checkComment({ method, path, body, status }: Call): readonly string[] {
  if (!["POST", "PATCH"].includes(method) || !COMMENT_PATH.test(path)) return [];
  const { length } = [...String(Object(body).body ?? "")];
  const isWrong = length > COMMENT_CHARACTERS && status < 400;
  return isWrong ? [`a comment of ${length} characters was taken`] : [];
}
