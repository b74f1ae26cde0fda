import type { FastifyInstance, FastifyReply } from "fastify";
import { parametersOf, queryOf } from "./access.ts";
import { ApiError } from "./api-error.ts";
import { ACTIONS_PREFIX, discoveryBody } from "./oidc.ts";
import type { Parts } from "./parts.ts";

/** GitHub Actions: what its issuer publishes, and the tokens that jobs ask it for. */
export function addActionsRoutes(app: FastifyInstance, { site, access, issuer, jobs }: Parts): void {
  app.get(`${ACTIONS_PREFIX}/.well-known/openid-configuration`, () => discoveryBody(issuer.url()));
  app.get(`${ACTIONS_PREFIX}/.well-known/jwks`, (_request, reply): object | FastifyReply => {
    const body = issuer.jwks();
    if (issuer.jwksAnswer() === "hang") return reply.hijack();
    if (issuer.jwksAnswer() === 500) throw new ApiError(500, "Server Error");
    return body;
  });
  app.get(`${ACTIONS_PREFIX}/idtoken/:run`, (request) => {
    const claims = jobs.claimsFor(parametersOf(request)["run"] ?? "", access.tokenOf(request));
    // What every other relying party takes as well.
    const audience = queryOf(request)["audience"] || `${site.pageUrl}/${claims["repository_owner"]}`;
    return { value: issuer.sign(claims, audience) };
  });
}
