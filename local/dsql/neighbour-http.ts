import type { FastifyReply, FastifyRequest } from "fastify";
import type { Faults } from "./faults.ts";
import { type Neighbour, NeighbourError } from "./neighbour.ts";
import { type Principals, refuseAction } from "./principals.ts";
import { BODY_LIMIT_BYTES, bodyOf, perform, whoSigned } from "./service-http.ts";

export interface AnswerOptions {
  principals: Principals;
  faults: Faults;
  region: string;
}

/** Answers one request of a service: who signed, may they, what do they want, and a test's fault instead if there is one. */
export async function answer(
  neighbour: Neighbour,
  request: FastifyRequest,
  reply: FastifyReply,
  { region, principals, faults }: AnswerOptions,
): Promise<unknown> {
  const { service, codes, refusedStatus, contentType } = neighbour;
  const identity = await whoSigned(request, { service, region: neighbour.region ?? region, principals });
  if ("refused" in identity) throw new NeighbourError(codes[identity.kind], identity.refused, refusedStatus);
  const wish = neighbour.read(request.headers, bodyOf(request).toString("utf8"));
  const { operation } = wish;
  const resource = neighbour.resourceOf(wish);
  const refusal =
    resource === undefined ? undefined : refuseAction(identity, `${service}:${operation}`, resource);
  if (refusal !== undefined) throw new NeighbourError(codes.denied, refusal, refusedStatus);
  reply.header("content-type", contentType);
  return perform({
    ...{ operation, faults, reply },
    run: () => neighbour.run(wish, identity),
    fail: (status, retryAfterSeconds) =>
      status === 500
        ? new NeighbourError(codes.internal, "Internal failure", 500, retryAfterSeconds)
        : new NeighbourError(codes.throttled, "Rate exceeded", 400, retryAfterSeconds),
  });
}

/** Tells an error in the words of the service; one that is neither its own nor the caller's is a bug of ours. */
export function sendError(neighbour: Neighbour, error: unknown, reply: FastifyReply): FastifyReply {
  const known = error instanceof NeighbourError ? error : fromFastify(neighbour, error);
  if (known.status >= 500 && known !== error) console.error(error);
  if (known.retryAfterSeconds !== undefined) reply.header("retry-after", String(known.retryAfterSeconds));
  return reply
    .code(known.status)
    .header("content-type", neighbour.contentType)
    .send(neighbour.describe(known));
}

/** Fastify refuses bodies that are too large or cut off. The codes of both are ours: AWS' front door has no model. */
function fromFastify({ codes }: Neighbour, error: unknown): NeighbourError {
  const { statusCode, message } = Object(error);
  if (statusCode === 413) {
    return new NeighbourError("RequestTooLarge", `The request has more than ${BODY_LIMIT_BYTES} bytes`, 413);
  }
  if (typeof statusCode === "number" && statusCode < 500) {
    return new NeighbourError("MalformedRequest", String(message), statusCode);
  }
  return new NeighbourError(codes.internal, "Internal failure", 500);
}
