import type { FastifyInstance, FastifyRequest } from "fastify";
import { fieldsOf, idOf, parametersOf } from "./access.ts";
import { forbidden, invalid, notFound } from "./api-error.ts";
import type { App, Apps, Grants } from "./app.ts";
import { appBody, installationBody } from "./bodies-app.ts";
import { repositoryBody, type Schemas, timeText } from "./bodies-repository.ts";
import { covers, readPermissions } from "./credentials.ts";
import { pageOf } from "./pages.ts";
import type { Parts } from "./parts.ts";
import { INSTALLATION_ID, type State } from "./state.ts";

/** GitHub: a token may name at most 500 repositories. */
const TOKEN_REPOSITORIES_MAX = 500;

/** The App, its installation and its tokens. */
export function addAppRoutes(api: FastifyInstance, parts: Parts): void {
  const { site, state, access, credentials } = parts;
  const { apps } = state;
  api.get("/app", async (request) => {
    await access.asApp(request);
    const installations_count = apps.installation() ? 1 : 0;
    return { ...appBody(site, state, appOf(apps)), installations_count } satisfies Schemas["integration"];
  });
  api.get("/app/installations", async (request, reply) => {
    await access.asApp(request);
    const granted = apps.installation();
    return pageOf(site, request, reply, granted ? [installationBody(site, state, granted)] : []);
  });
  api.get("/app/installations/:id", async (request) => {
    await access.asApp(request);
    return installationBody(site, state, installationOf(apps, request));
  });
  api.post("/app/installations/:id/access_tokens", async (request, reply) => {
    await access.asApp(request);
    const granted = installationOf(apps, request);
    const { permissions: wanted, ...names } = fieldsOf(request);
    const permissions = readPermissions(granted.permissions, wanted);
    const repositoryIds = readRepositories(state, names);
    const { token, grant } = credentials.issue(permissions, repositoryIds);
    const repositories = state.installed.filter((one) => covers(grant, one));
    const body: Schemas["installation-token"] = {
      ...{ token, expires_at: timeText(grant.expiresAt), permissions },
      repository_selection: repositoryIds ? "selected" : "all",
      ...(repositoryIds ? { repositories: repositories.map((one) => repositoryBody(site, one)) } : {}),
    };
    return reply.code(201).send(body);
  });
  api.delete("/installation/token", (request, reply) => {
    access.asInstallation(request);
    credentials.revoke(access.tokenOf(request));
    return reply.code(204).send();
  });
  api.get("/installation/repositories", (request, reply) => {
    const grant = access.asInstallation(request);
    if (!grant.permissions.metadata) throw forbidden("metadata=read");
    const visible = state.installed.filter((one) => covers(grant, one));
    const repositories = pageOf(site, request, reply, visible).map((one) => repositoryBody(site, one));
    return {
      ...{ total_count: visible.length, repositories },
      repository_selection: grant.repositoryIds ? "selected" : "all",
    };
  });
  api.get("/repos/:owner/:repo/installation", async (request) => {
    await access.asApp(request);
    const { owner, repo } = parametersOf(request);
    const repository = state.repository(`${owner}/${repo}`);
    const granted = apps.installation();
    if (!granted || !repository || !state.installed.includes(repository)) throw notFound();
    return installationBody(site, state, granted);
  });
}

/** Throws 404 while there is no App. */
export function appOf(apps: Apps): App {
  const app = apps.current();
  if (!app) throw notFound();
  return app;
}

/** What was granted to the installation of the path. */
function installationOf(apps: Apps, request: FastifyRequest): Grants {
  const granted = apps.installation();
  if (!granted || idOf(request, "id") !== INSTALLATION_ID) throw notFound();
  return granted;
}

/** The repositories that a token is asked for, by id or by name; null for all. Throws 422 for any that is not installed. */
function readRepositories(state: State, fields: Readonly<Record<string, unknown>>): readonly number[] | null {
  const { repository_ids: ids, repositories: names } = fields as Record<
    "repository_ids" | "repositories",
    unknown
  >;
  if (ids === undefined && names === undefined) return null;
  const wanted = [
    ...listOf("repository_ids", ids).map((wantedId) => state.installed.find(({ id }) => id === wantedId)),
    ...listOf("repositories", names).map((wantedName) =>
      state.installed.find(({ name }) => name === wantedName),
    ),
  ];
  if (wanted.length > TOKEN_REPOSITORIES_MAX)
    throw invalid(`A token names at most ${TOKEN_REPOSITORIES_MAX} repositories.`);
  return wanted.map((found) => {
    if (!found) {
      throw invalid(
        "There is at least one repository that does not exist or is not accessible to the parent installation.",
      );
    }
    return found.id;
  });
}

function listOf(name: string, value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid(`Invalid request.\n\nFor 'properties/${name}', not an array.`);
  return value;
}
