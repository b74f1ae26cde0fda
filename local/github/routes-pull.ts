import type { FastifyInstance } from "fastify";
import { parametersOf, queryOf } from "./access.ts";
import { invalid } from "./api-error.ts";
import { fileBody, pullBody, pullFiles, pullSummaryBody } from "./bodies-pull.ts";
import { fullRepositoryBody, publicUserBody, type Schemas, userBody } from "./bodies-repository.ts";
import type { Permission, Pull } from "./model.ts";
import { pageOf } from "./pages.ts";
import type { Parts } from "./parts.ts";

/** The repository, its people and its pull requests, as far as they are read. */
export function addPullRoutes(api: FastifyInstance, { site, state, access }: Parts): void {
  api.get("/user", (request) => publicUserBody(site, access.asUser(request), state.createdAt));
  api.get("/repos/:owner/:repo", (request) =>
    fullRepositoryBody(site, access.repository(request, "metadata:read")),
  );
  api.get("/repos/:owner/:repo/collaborators/:username/permission", (request) => {
    const repository = access.repository(request, "metadata:read");
    const { account, permission } = access.permission(repository, parametersOf(request)["username"] ?? "");
    const body: Schemas["repository-collaborator-permission"] = {
      ...{ permission, role_name: permission },
      user: { ...userBody(site, account), permissions: rightsOf(permission), role_name: permission },
    };
    return body;
  });
  api.get("/repos/:owner/:repo/pulls", (request, reply) => {
    const repository = access.repository(request, "pull_requests:read");
    const pulls = filterPulls(repository.pulls, queryOf(request));
    return pageOf(site, request, reply, pulls).map((pull) => pullSummaryBody(site, pull));
  });
  api.get("/repos/:owner/:repo/pulls/:number", (request) =>
    pullBody(site, access.pull(request, "pull_requests:read", "contents:read")),
  );
  api.get("/repos/:owner/:repo/pulls/:number/files", (request, reply) => {
    const pull = access.pull(request, "pull_requests:read");
    const files = pageOf(site, request, reply, pullFiles(pull));
    return files.map((file) => fileBody(site, pull.repository, pull.headSha, file));
  });
}

/** The newest first unless asked otherwise; only open ones by default. */
function filterPulls(pulls: readonly Pull[], query: Readonly<Record<string, string | undefined>>) {
  const { state = "open", head, base, direction } = query as Record<string, string | undefined>;
  if (!["open", "closed", "all"].includes(state)) {
    throw invalid(
      `Invalid request.\n\nFor 'properties/state', ${state} is not a member of ["open", "closed", "all"].`,
    );
  }
  const found = pulls.filter(
    (pull) =>
      (state === "all" || pull.state === state) &&
      (head === undefined || `${pull.head.owner.login}:${pull.headRef}` === head) &&
      (base === undefined || pull.baseRef === base),
  );
  return direction === "asc" ? found : found.reverse();
}

function rightsOf(permission: Permission) {
  const rank = ["none", "read", "write", "admin"].indexOf(permission);
  return { admin: rank >= 3, maintain: rank >= 3, push: rank >= 2, triage: rank >= 2, pull: rank >= 1 };
}
