import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Faults } from "./faults.ts";
import { type Neighbour, NeighbourError } from "./neighbour.ts";
import type { Parameters } from "./parameters.ts";
import { type Principals, refuseAction } from "./principals.ts";
import { bodyOf, buildServiceApp, perform, whoSigned } from "./service-http.ts";
import { makeSsm } from "./ssm.ts";
import { makeSts } from "./sts.ts";

export interface NeighboursOptions {
  principals: Principals;
  parameters: Parameters;
  faults: Faults;
  region: string;
  accountId: string;
}

/**
 * AWS' services beside DSQL that a service of ours calls, STS and SSM's parameters, for the real SDK clients. One address serves
 * both: SSM's protocol names its operation in a header, which that of STS does not have. Not listening yet.
 */
export function buildNeighbours(options: NeighboursOptions): FastifyInstance {
  const { region, accountId, principals, parameters } = options;
  const sts = makeSts(principals, accountId);
  const ssm = makeSsm(parameters, region, accountId);
  const app = buildServiceApp();
  const choose = ({ headers }: FastifyRequest) => (headers["x-amz-target"] === undefined ? sts : ssm);
  app.setErrorHandler((error, request, reply) => sendError(choose(request), error, reply));
  app.post("/", (request, reply) => answer(choose(request), request, reply, options));
  return app;
}

async function answer(
  neighbour: Neighbour,
  request: FastifyRequest,
  reply: FastifyReply,
  { region, principals, faults }: NeighboursOptions,
): Promise<unknown> {
  const { service, codes, refusedStatus, contentType } = neighbour;
  const identity = await whoSigned(request, { service, region, principals });
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

function sendError(neighbour: Neighbour, error: unknown, reply: FastifyReply): FastifyReply {
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
