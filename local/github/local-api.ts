import type { FastifyInstance, FastifyRequest } from "fastify";
import { ApiError } from "./api-error.ts";
import { timeText } from "./bodies-repository.ts";
import { Fault } from "./faults.ts";
import { addLocalAppRoutes } from "./local-app.ts";
import { addBranchRoutes } from "./local-branches.ts";
import { addJobRoutes, addOidcRoutes } from "./local-jobs.ts";
import { addDeviceRoutes } from "./local-login.ts";
import { actor, commentOf, LOCAL_BODY_BYTES, pullOf, repositoryOf } from "./local-places.ts";
import { addRepositoryRoutes } from "./local-repositories.ts";
import {
  AuthorBody,
  CloseBody,
  CommentBody,
  checkFiles,
  OpenBody,
  PushBody,
  ReviseBody,
} from "./local-shapes.ts";
import { showOverview, showPull } from "./local-views.ts";
import type { Pull } from "./model.ts";
import type { Parts } from "./parts.ts";
import { deliveryIdOf, deliverySummary } from "./routes-deliveries.ts";

/** The DSQL control plane is on this machine. */
const CLUSTERS_TIMEOUT_MS = 5_000;

export interface LocalOptions {
  /** Where the local DSQL lists its clusters. */
  readonly dsqlControlUrl?: string;
}

/** What people do here, for the page, the demo and tests: JSON below `/_local`, without credentials. */
export function addLocalApi(app: FastifyInstance, parts: Parts, options: LocalOptions): void {
  app.register(
    async (local) => {
      // A page of another site could send plain text here without being asked; JSON it cannot.
      local.removeContentTypeParser("text/plain");
      addPullRoutes(local, parts);
      addCommentRoutes(local, parts);
      addBranchRoutes(local, parts);
      addRepositoryRoutes(local, parts);
      addLocalAppRoutes(local, parts);
      addJobRoutes(local, parts);
      addOidcRoutes(local, parts);
      addDeviceRoutes(local, parts);
      addViewRoutes(local, parts, options);
    },
    { prefix: "/_local" },
  );
}

function addPullRoutes(local: FastifyInstance, { state, actions }: Parts): void {
  const url = "/repositories/:owner/:repo/pulls";
  const bodyLimit = LOCAL_BODY_BYTES;
  const author = (login: string) => actor(state.actors, login);
  const pull = (request: FastifyRequest) => pullOf(state, request);
  local.post<{ Body: OpenBody }>(url, { bodyLimit, schema: { body: OpenBody } }, (request, reply) => {
    const { body } = request;
    const wanted = { ...body, author: author(body.author), files: checkFiles(body.files) };
    const { number, headSha } = actions.open(repositoryOf(state, request), wanted);
    return reply.code(201).send({ number, headSha });
  });
  local.post<{ Body: PushBody }>(
    `${url}/:number/push`,
    { bodyLimit, schema: { body: PushBody } },
    (request) => {
      const { body } = request;
      return { headSha: actions.push(pull(request), author(body.author), checkFiles(body.files)) };
    },
  );
  local.post<{ Body: CloseBody }>(`${url}/:number/close`, { schema: { body: CloseBody } }, (request) => {
    const { body } = request;
    return stateOf(actions.close(pull(request), author(body.author), body.merged ?? false));
  });
  local.post<{ Body: AuthorBody }>(`${url}/:number/reopen`, { schema: { body: AuthorBody } }, (request) =>
    stateOf(actions.reopen(pull(request), author(request.body.author))),
  );
  local.patch<{ Body: ReviseBody }>(`${url}/:number`, { schema: { body: ReviseBody } }, (request) => {
    const { author: login, ...changes } = request.body;
    return stateOf(actions.revise(pull(request), author(login), changes));
  });
}

function addCommentRoutes(local: FastifyInstance, { state, actions }: Parts): void {
  const url = "/repositories/:owner/:repo/pulls/:number/comments";
  const schema = { body: CommentBody };
  local.post<{ Body: CommentBody }>(url, { schema }, (request, reply) => {
    const { author, body } = request.body;
    const { id } = actions.comment(pullOf(state, request), actor(state.actors, author), body, false);
    return reply.code(201).send({ id });
  });
  local.patch<{ Body: CommentBody }>(`${url}/:id`, { schema }, (request) => {
    const { author, body } = request.body;
    const comment = actions.edit(commentOf(state, request), actor(state.actors, author), body);
    return { id: comment.id, updatedAt: timeText(comment.updatedAt) };
  });
  local.delete<{ Body: AuthorBody }>(`${url}/:id`, { schema: { body: AuthorBody } }, (request, reply) => {
    actions.remove(commentOf(state, request), actor(state.actors, request.body.author));
    return reply.code(204).send();
  });
}

function addViewRoutes(local: FastifyInstance, parts: Parts, { dsqlControlUrl }: LocalOptions): void {
  const { site, state, deliveries, faults } = parts;
  local.get("/overview", () => showOverview(state));
  local.get("/repositories/:owner/:repo/pulls/:number", (request) =>
    showPull(site, state, pullOf(state, request)),
  );
  local.get("/clusters", () => (dsqlControlUrl === undefined ? [] : readClusters(dsqlControlUrl)));
  local.get("/deliveries", () => deliveries.list().map(deliverySummary));
  local.get("/deliveries/:id", (request) => deliveries.get(deliveryIdOf(request)));
  local.post("/deliveries/:id/redeliver", (request, reply) => {
    deliveries.redeliver(deliveryIdOf(request));
    return reply.code(202).send({});
  });
  local.post<{ Body: Fault }>("/faults", { schema: { body: Fault } }, (request, reply) => {
    faults.add(request.body);
    return reply.code(204).send();
  });
  local.delete("/faults", (_request, reply) => {
    faults.clear();
    return reply.code(204).send();
  });
}

async function readClusters(controlUrl: string): Promise<unknown> {
  try {
    const signal = AbortSignal.timeout(CLUSTERS_TIMEOUT_MS);
    const answer = await fetch(new URL("/_local/clusters", controlUrl), { signal });
    if (answer.ok) return await answer.json();
  } catch {
    // Told below: the local DSQL may be starting again.
  }
  throw new ApiError(502, "The local DSQL does not answer.");
}

function stateOf({ number, state, merge, headSha }: Pull) {
  return { number, state: merge ? "merged" : state, headSha };
}
