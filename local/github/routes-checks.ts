import type { FastifyInstance, FastifyRequest } from "fastify";
import { fieldsOf, idOf, parametersOf, queryOf } from "./access.ts";
import { notFound } from "./api-error.ts";
import { appBody } from "./bodies-app.ts";
import { nodeId, type Schemas, type Site, timeText } from "./bodies-repository.ts";
import type { CheckRun } from "./check-runs.ts";
import { fullName } from "./model.ts";
import { pageOf } from "./pages.ts";
import type { Parts } from "./parts.ts";
import { APP_ID, type State } from "./state.ts";

/** Check runs, which only an App may write. */
export function addCheckRoutes(api: FastifyInstance, { site, state, access, actions }: Parts): void {
  const { checks } = state;
  const body = (run: CheckRun) => checkRunBody(site, state, run);
  const runOf = (request: FastifyRequest, need: "checks:read" | "checks:write") => {
    const run = checks.get(access.repository(request, need), idOf(request, "id"));
    if (!run) throw notFound();
    return run;
  };
  api.post("/repos/:owner/:repo/check-runs", (request, reply) => {
    const run = checks.create(access.repository(request, "checks:write"), fieldsOf(request));
    actions.checked(run, "created");
    return reply.code(201).send(body(run));
  });
  api.get("/repos/:owner/:repo/check-runs/:id", (request) => body(runOf(request, "checks:read")));
  api.patch("/repos/:owner/:repo/check-runs/:id", (request) => {
    const run = checks.update(runOf(request, "checks:write"), fieldsOf(request));
    actions.checked(run, run.status);
    return body(run);
  });
  api.get("/repos/:owner/:repo/commits/:ref/check-runs", (request, reply) => {
    const repository = access.repository(request, "checks:read");
    const { ref = "" } = parametersOf(request);
    const { check_name, app_id, filter } = queryOf(request);
    const sha = repository.branches.get(ref) ?? ref;
    const isOurs = app_id === undefined || Number(app_id) === APP_ID;
    const found = checks
      .at(repository, sha, filter === "all" ? "all" : "latest")
      .filter(({ name }) => isOurs && (check_name === undefined || name === check_name));
    return { total_count: found.length, check_runs: pageOf(site, request, reply, found).map(body) };
  });
}

function checkRunBody(site: Site, state: State, run: CheckRun): Schemas["check-run"] {
  const { id, repository, title, summary, text, annotations } = run;
  const url = `${site.apiUrl}/repos/${fullName(repository)}/check-runs/${id}`;
  const app = state.apps.current();
  return {
    ...{ id, node_id: nodeId("CheckRun", id), head_sha: run.headSha, name: run.name, url },
    html_url: `${site.pageUrl}/${fullName(repository)}/runs/${id}`,
    ...{ external_id: run.externalId ?? "", details_url: run.detailsUrl },
    ...{ status: run.status, conclusion: run.conclusion, started_at: timeText(run.startedAt) },
    completed_at: run.completedAt && timeText(run.completedAt),
    output: {
      ...{ title, summary, text },
      ...{ annotations_count: annotations.length, annotations_url: `${url}/annotations` },
    },
    check_suite: { id: repository.id },
    app: app && appBody(site, state, app),
    pull_requests: [],
  };
}
