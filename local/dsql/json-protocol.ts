import type Type from "typebox";
import Value from "typebox/value";
import { type Neighbour, NeighbourError } from "./neighbour.ts";

type Inputs = Readonly<Record<string, Type.TObject>>;
type Operations<Schemas extends Inputs> = {
  [Name in keyof Schemas]: (input: Type.Static<Schemas[Name]>) => object;
};

export interface JsonServiceOptions<Schemas extends Inputs> {
  service: Neighbour["service"];
  /** What the header X-Amz-Target begins with. */
  target: string;
  /** The members that each operation takes; others are refused, because ignoring them would promise what is not there. */
  inputs: Schemas;
  operations: Operations<Schemas>;
  resourceOf(operation: string, input: Readonly<Record<string, unknown>>): string;
  /** What the service calls the errors that have another name at each. */
  codes: Pick<Neighbour["codes"], "throttled" | "internal">;
  /** The code of a request that breaks a bound. */
  invalidCode: string;
}

const SHARED_CODES = {
  missing: "MissingAuthenticationTokenException",
  unknown: "UnrecognizedClientException",
  expired: "ExpiredTokenException",
  signature: "InvalidSignatureException",
  denied: "AccessDeniedException",
};

/** A neighbour in AWS' JSON protocol, version 1.1: the operation is named by a header, and errors by `__type`. */
export function jsonService<Schemas extends Inputs>(options: JsonServiceOptions<Schemas>): Neighbour {
  const { service, target, inputs, operations, invalidCode } = options;
  const read = (name: string, body: string): Record<string, unknown> => {
    const schema = inputs[name];
    if (schema === undefined) throw new NeighbourError("UnknownOperationException", name);
    const input = parsed(body);
    const other = Object.keys(Object(input)).find((one) => !Object.hasOwn(schema.properties, one));
    if (other !== undefined) throw new NeighbourError(invalidCode, `${other} is not offered here`);
    if (Value.Check(schema, input)) return { ...(input as object) };
    const errors = Value.Errors(schema, input).map((one) => `${one.instancePath} ${one.message}`);
    throw new NeighbourError(invalidCode, `Invalid request: ${errors.join("; ")}`);
  };
  return {
    ...{ service, contentType: "application/x-amz-json-1.1", refusedStatus: 400 },
    codes: { ...SHARED_CODES, ...options.codes },
    read({ "x-amz-target": header }, body) {
      const operation = String(header).slice(target.length + 1);
      return { operation, input: read(operation, body) };
    },
    resourceOf: ({ operation, input }) => options.resourceOf(operation, input),
    run: ({ operation, input }) =>
      JSON.stringify((operations[operation] as (input: unknown) => object)(input)),
    describe: ({ code, message }) => JSON.stringify({ __type: code, message }),
  };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new NeighbourError("SerializationException", "The request body is not JSON");
  }
}
