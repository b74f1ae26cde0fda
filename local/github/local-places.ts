import type { FastifyRequest } from "fastify";
import { idOf, parametersOf } from "./access.ts";
import { invalid, notFound } from "./api-error.ts";
import type { Account, Comment, Pull, Repository } from "./model.ts";
import type { State } from "./state.ts";

/** A push may bring a few large files. */
export const LOCAL_BODY_BYTES = 32 * 1024 * 1024;

type Places = Pick<State, "repository" | "pull">;

export function repositoryOf(state: Places, request: FastifyRequest): Repository {
  const { owner, repo } = parametersOf(request);
  const found = state.repository(`${owner}/${repo}`);
  if (!found) throw notFound();
  return found;
}

export function pullOf(state: Places, request: FastifyRequest): Pull {
  const found = state.pull(repositoryOf(state, request), idOf(request, "number"));
  if (!found) throw notFound();
  return found;
}

export function commentOf(state: Places, request: FastifyRequest): Comment {
  const found = pullOf(state, request).comments.find(({ id }) => id === idOf(request, "id"));
  if (!found) throw notFound();
  return found;
}

/** Somebody who may act over the local API. Throws 422. */
export function actor(actors: readonly Account[], login: string): Account {
  const found = actors.find((one) => one.login === login);
  if (!found) throw invalid(`There is no ${login} here, only ${actors.map((one) => one.login).join(", ")}.`);
  return found;
}
