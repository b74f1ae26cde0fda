import type { FastifyInstance } from "fastify";
import { validationFailed } from "./api-error.ts";
import { actor, LOCAL_BODY_BYTES, repositoryOf } from "./local-places.ts";
import { checkFiles, RenameBody, RepositoryBody } from "./local-shapes.ts";
import { fullName, type Repository } from "./model.ts";
import type { Parts } from "./parts.ts";
import type { State } from "./state.ts";

/** Renaming a repository and making one, also under a name that another one has left. No webhook tells of either. */
export function addRepositoryRoutes(local: FastifyInstance, { state }: Parts): void {
  const url = "/repositories/:owner/:repo/rename";
  local.post<{ Body: RenameBody }>(url, { schema: { body: RenameBody } }, (request) => {
    const repository = repositoryOf(state, request);
    refuseTaken(state, request.body.name);
    state.rename(repository, request.body.name);
    return nameOf(repository);
  });
  local.post<{ Body: RepositoryBody }>(
    "/repositories",
    { bodyLimit: LOCAL_BODY_BYTES, schema: { body: RepositoryBody } },
    (request, reply) => {
      const { author, name, files } = request.body;
      refuseTaken(state, name);
      const made = state.create(name, actor(state.actors, author), textsOf(checkFiles(files)));
      return reply.code(201).send(nameOf(made));
    },
  );
}

function refuseTaken(state: State, name: string): void {
  if (!state.repository(`${state.organisation.login}/${name}`)) return;
  throw validationFailed("Repository", "name", "custom", "name already exists on this account");
}

/** A new repository has no file to delete. */
function textsOf(files: ReturnType<typeof checkFiles>): Readonly<Record<string, string>> {
  const texts = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries(texts);
}

function nameOf(repository: Repository) {
  return { id: repository.id, name: fullName(repository) };
}
