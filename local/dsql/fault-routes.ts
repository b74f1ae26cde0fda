import type { FastifyInstance } from "fastify";
import type Type from "typebox";
import Value from "typebox/value";
import { Fault, type Faults } from "./faults.ts";
import { bodyOf } from "./service-http.ts";

export interface WantedOnDemand<Schema extends Type.TSchema> {
  url: string;
  schema: Schema;
  /** The shape, in words for whoever sent another one. */
  shape: string;
  add(wanted: Type.Static<Schema>): void;
  clear(): void;
}

/** `POST` adds what a test wants to go wrong, `DELETE` takes everything back; neither needs a signature. */
export function addOnDemand<Schema extends Type.TSchema>(
  app: FastifyInstance,
  { url, schema, shape, add, clear }: WantedOnDemand<Schema>,
): void {
  app.post(url, (request, reply) => {
    const wanted = parse(bodyOf(request).toString("utf8"));
    if (!Value.Check(schema, wanted)) {
      return reply.code(400).header("content-type", "text/plain").send(`Expected ${shape}`);
    }
    add(wanted);
    return reply.code(204).send();
  });
  app.delete(url, (_request, reply) => {
    clear();
    return reply.code(204).send();
  });
}

/** The faults of a service's operations. */
export function addFaultRoutes(app: FastifyInstance, faults: Faults): void {
  addOnDemand(app, {
    ...{ url: "/_local/faults", schema: Fault, add: faults.add, clear: faults.clear },
    shape: "{ operation, answer: 500 | 429 | 'hang' | 'lost', times, retryAfterSeconds? }",
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
