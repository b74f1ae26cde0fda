import type { FastifyInstance, FastifyRequest } from "fastify";
import { fieldsOf, idOf, queryOf } from "./access.ts";
import { invalid, notFound, validationFailed } from "./api-error.ts";
import { commentBody, reactionBody } from "./bodies-comment.ts";
import { type Comment, REACTIONS, type ReactionContent } from "./model.ts";
import { pageOf } from "./pages.ts";
import type { Parts } from "./parts.ts";

const READ = ["issues:read", "pull_requests:read"] as const;
const WRITE = ["issues:write", "pull_requests:write"] as const;

/** The conversation of a pull request. What is written here is written by the App's bot. */
export function addCommentRoutes(api: FastifyInstance, parts: Parts): void {
  const { site, state, access, actions } = parts;
  const body = (comment: Comment) => commentBody(site, state, comment);
  api.get("/repos/:owner/:repo/issues/:number/comments", (request, reply) => {
    const { comments } = access.pull(request, ...READ);
    const since = sinceOf(request);
    const found = comments.filter(({ updatedAt }) => updatedAt.getTime() >= since);
    return pageOf(site, request, reply, found).map(body);
  });
  api.post("/repos/:owner/:repo/issues/:number/comments", (request, reply) => {
    const pull = access.pull(request, ...WRITE);
    const comment = actions.comment(pull, state.bot, textOf(request), true);
    const answer = body(comment);
    return reply.code(201).header("location", answer.url).send(answer);
  });
  api.get("/repos/:owner/:repo/issues/comments/:id", (request) => body(access.comment(request, ...READ)));
  api.patch("/repos/:owner/:repo/issues/comments/:id", (request) => {
    const comment = access.comment(request, ...WRITE);
    return body(actions.edit(comment, state.bot, textOf(request)));
  });
  api.delete("/repos/:owner/:repo/issues/comments/:id", (request, reply) => {
    actions.remove(access.comment(request, ...WRITE), state.bot);
    return reply.code(204).send();
  });
  addReactionRoutes(api, parts);
}

function addReactionRoutes(api: FastifyInstance, { site, state, access, actions }: Parts): void {
  const url = "/repos/:owner/:repo/issues/comments/:id/reactions";
  api.get(url, (request, reply) => {
    const { reactions } = access.comment(request, ...READ);
    const { content } = queryOf(request) as { content?: string };
    const found = reactions.filter((one) => content === undefined || one.content === content);
    return pageOf(site, request, reply, found).map((one) => reactionBody(site, one));
  });
  api.post(url, (request, reply) => {
    const comment = access.comment(request, ...WRITE);
    const { reaction, isNew } = actions.react(comment, state.bot, readReaction(fieldsOf(request)["content"]));
    return reply.code(isNew ? 201 : 200).send(reactionBody(site, reaction));
  });
  api.delete(`${url}/:reaction`, (request, reply) => {
    const comment = access.comment(request, ...WRITE);
    const reaction = comment.reactions.find(({ id }) => id === idOf(request, "reaction"));
    if (!reaction) throw notFound();
    actions.unreact(comment, reaction, state.bot);
    return reply.code(204).send();
  });
}

function readReaction(content: unknown): ReactionContent {
  const found = REACTIONS.find((one) => one === content);
  if (!found) throw validationFailed("Reaction", "content", "invalid");
  return found;
}

function textOf(request: FastifyRequest): string {
  const { body } = fieldsOf(request) as { body?: unknown };
  if (body === undefined) throw invalid('Invalid request.\n\n"body" wasn\'t supplied.');
  if (typeof body !== "string") throw invalid(`Invalid request.\n\nFor 'properties/body', not a string.`);
  return body;
}

function sinceOf(request: FastifyRequest): number {
  const { since } = queryOf(request) as { since?: string };
  const time = since === undefined ? 0 : Date.parse(since);
  if (Number.isNaN(time)) throw invalid("Invalid request.\n\nFor 'properties/since', not a valid date-time.");
  return time;
}
