import type { FastifyInstance } from "fastify";
import Type, { type Static } from "typebox";
import { notFound } from "./api-error.ts";
import { JOB_EVENTS, type JobRequest } from "./jobs.ts";
import { actor, repositoryOf } from "./local-places.ts";
import { closed, GitBranch, Login } from "./local-shapes.ts";
import type { Parts } from "./parts.ts";

const jobFields = {
  event: Type.Union(JOB_EVENTS.map((event) => Type.Literal(event))),
  number: Type.Optional(Type.Integer({ minimum: 1 })),
  gitBranch: Type.Optional(GitBranch),
  actor: Type.Optional(Login),
  environment: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
  immutableSubject: Type.Optional(Type.Boolean()),
};
const JobBody = Type.Object(jobFields, closed);
type JobBody = Static<typeof JobBody>;

const Overrides = Type.Record(Type.String(), Type.Unknown(), { maxProperties: 100 });
const TokenBody = Type.Object(
  {
    ...jobFields,
    repository: Type.String({ minLength: 1, maxLength: 200 }),
    audience: Type.String({ minLength: 1, maxLength: 1000 }),
    claims: Type.Optional(Overrides),
    header: Type.Optional(Overrides),
    signedWith: Type.Optional(Type.Union([Type.Literal("current"), Type.Literal("stranger")])),
  },
  closed,
);
type TokenBody = Static<typeof TokenBody>;

const JwksBody = Type.Object(
  { answer: Type.Union([Type.Literal("on"), Type.Literal(500), Type.Literal("hang")]) },
  closed,
);
type JwksBody = Static<typeof JwksBody>;

/** Starts jobs of workflows, whose environment variables are the answer. */
export function addJobRoutes(local: FastifyInstance, { state, jobs }: Parts): void {
  const url = "/repositories/:owner/:repo/jobs";
  local.post<{ Body: JobBody }>(url, { schema: { body: JobBody } }, (request, reply) => {
    const variables = jobs.start(repositoryOf(state, request), readJob(state, request.body));
    return reply.code(201).send(variables);
  });
}

/** What a test does to the issuer of OIDC tokens, to attack who verifies them. */
export function addOidcRoutes(local: FastifyInstance, { state, issuer, jobs }: Parts): void {
  local.get("/oidc", () => issuer.show());
  local.post("/oidc/keys", (_request, reply) => {
    issuer.rotate();
    return reply.code(201).send(issuer.show());
  });
  local.delete("/oidc/keys", () => {
    issuer.dropOldKeys();
    return issuer.show();
  });
  local.put<{ Body: JwksBody }>("/oidc/jwks", { schema: { body: JwksBody } }, (request, reply) => {
    issuer.setJwksAnswer(request.body.answer);
    return reply.code(204).send();
  });
  local.post<{ Body: TokenBody }>("/oidc/tokens", { schema: { body: TokenBody } }, (request, reply) => {
    const { repository: name, audience, claims, header, signedWith, ...job } = request.body;
    const repository = state.repository(name);
    if (!repository) throw notFound();
    const forgery = {
      ...(claims === undefined ? {} : { claims }),
      ...(header === undefined ? {} : { header }),
      ...(signedWith === undefined ? {} : { signedWith }),
    };
    const value = issuer.sign(jobs.claimsOf(repository, readJob(state, job)), audience, forgery);
    return reply.code(201).send({ value });
  });
}

function readJob({ actors }: Parts["state"], { actor: login, ...body }: JobBody): JobRequest {
  return { ...body, ...(login === undefined ? {} : { actor: actor(actors, login) }) };
}
