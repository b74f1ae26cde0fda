import type { FastifyReply, FastifyRequest } from "fastify";
import type { Faults } from "./faults.ts";
import { type Neighbour, NeighbourError } from "./neighbour.ts";
import { type Principals, refuseAction } from "./principals.ts";
import { bodyOf, perform, whoSigned } from "./service-http.ts";

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

/** Tells an error in the words of the service; one that is not its own is a bug of ours, or a body that is too large. */
export function sendError(neighbour: Neighbour, error: unknown, reply: FastifyReply): FastifyReply {
  const known =
    error instanceof NeighbourError
      ? error
      : new NeighbourError(neighbour.codes.internal, "Internal failure", 500);
  if (known !== error) console.error(error);
  if (known.retryAfterSeconds !== undefined) reply.header("retry-after", String(known.retryAfterSeconds));
  return reply
    .code(known.status)
    .header("content-type", neighbour.contentType)
    .send(neighbour.describe(known));
}
