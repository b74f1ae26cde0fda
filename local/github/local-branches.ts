import type { FastifyInstance } from "fastify";
import { parametersOf } from "./access.ts";
import { actor, LOCAL_BODY_BYTES, repositoryOf } from "./local-places.ts";
import { AuthorBody, BranchPushBody, checkFiles, GitBranchPath } from "./local-shapes.ts";
import type { Parts } from "./parts.ts";

/** Git branches, as people push and delete them. A slash in a name is %2F in the path. */
export function addBranchRoutes(local: FastifyInstance, { state, actions }: Parts): void {
  const url = "/repositories/:owner/:repo/branches/:gitBranch";
  const params = GitBranchPath;
  local.post<{ Body: BranchPushBody }>(
    `${url}/push`,
    { bodyLimit: LOCAL_BODY_BYTES, schema: { params, body: BranchPushBody } },
    (request) => {
      const { author, files, ...more } = request.body;
      const push = { author: actor(state.actors, author), files: checkFiles(files), ...more };
      const { gitBranch = "" } = parametersOf(request);
      return { headSha: actions.pushBranch(repositoryOf(state, request), gitBranch, push) };
    },
  );
  local.delete<{ Body: AuthorBody }>(url, { schema: { params, body: AuthorBody } }, (request, reply) => {
    const { gitBranch = "" } = parametersOf(request);
    actions.deleteBranch(repositoryOf(state, request), gitBranch, actor(state.actors, request.body.author));
    return reply.code(204).send();
  });
}
