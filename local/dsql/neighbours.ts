import type { FastifyInstance, FastifyRequest } from "fastify";
import { makeIam } from "./iam.ts";
import type { IamStore } from "./iam-store.ts";
import type { Neighbour } from "./neighbour.ts";
import { type AnswerOptions, answer, sendError } from "./neighbour-http.ts";
import type { Parameters } from "./parameters.ts";
import type { SecretStore } from "./secret-store.ts";
import { makeSecretsManager } from "./secrets-manager.ts";
import { buildServiceApp } from "./service-http.ts";
import { makeServiceQuotas } from "./service-quotas.ts";
import { makeSsm } from "./ssm.ts";
import { makeSts } from "./sts.ts";

export interface NeighboursOptions extends AnswerOptions {
  parameters: Parameters;
  secrets: SecretStore;
  iam: IamStore;
  /** Clusters that the account may have. */
  quota: number;
  accountId: string;
}

/** The service that a request is signed for. */
const SIGNED_FOR = /Credential=[^/]+\/\d{8}\/[a-z0-9-]+\/([a-z]+)\/aws4_request/;

/**
 * AWS' services beside DSQL that a service of ours, or its operator, calls, for the real SDK clients. One address serves
 * all: a request says in its signature which one it is for. Not listening yet.
 */
export function buildNeighbours(options: NeighboursOptions): FastifyInstance {
  const { region, accountId, principals, parameters, secrets, iam, quota } = options;
  const sts = makeSts(principals, accountId);
  const ssm = makeSsm(parameters, region, accountId);
  const all: readonly Neighbour[] = [
    ...[sts, ssm],
    makeSecretsManager(secrets, region, accountId),
    makeServiceQuotas(quota, region, accountId),
    makeIam(iam, accountId),
  ];
  const choose = ({ headers }: FastifyRequest): Neighbour => {
    const [, service] = SIGNED_FOR.exec(headers.authorization ?? "") ?? [];
    // To whoever does not sign it is answered in the protocol that was spoken.
    const guess = headers["x-amz-target"] === undefined ? sts : ssm;
    return all.find((one) => one.service === service) ?? guess;
  };
  const app = buildServiceApp();
  app.setErrorHandler((error, request, reply) => sendError(choose(request), error, reply));
  app.post("/", (request, reply) => answer(choose(request), request, reply, options));
  return app;
}
