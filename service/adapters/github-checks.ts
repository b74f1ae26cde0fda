import { CHECK_NAME } from "../domain/check.ts";
import { Refused } from "../domain/errors.ts";
import type { RepositoryTarget } from "../handlers/ports.ts";
import type { Checks, FoundCheck, NewCheck, SentCheck } from "../handlers/ports-checks.ts";
import { type GitHubClient, madeBy } from "./github-client.ts";

/** The most that GitHub gives at once: more pull requests than have one head commit. */
const PAGE = 100;

/** The calls about check runs, by Octokit's typed routes. See the port for the errors. (rest/checks/runs) */
export function createChecks(client: GitHubClient, appId: number): Checks {
  return {
    findChecks: (target, sha, externalId) => findChecks(client, appId, target, sha, externalId),
    createCheck: (target, check) => createCheck(client, target, check),
    async updateCheck(target, id, check) {
      const response = await client.call(target, `check run ${id}`, (request, repository) =>
        request("PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}", {
          ...{ ...repository, check_run_id: id },
          ...bodyOf(check),
        }),
      );
      return response ? "updated" : "absent";
    },
  };
}

async function findChecks(
  client: GitHubClient,
  appId: number,
  target: RepositoryTarget,
  sha: string,
  externalId: string,
): Promise<readonly FoundCheck[]> {
  // Without `all` GitHub shows the latest of each name only.
  const query = { check_name: CHECK_NAME, app_id: appId, filter: "all", per_page: PAGE } as const;
  const response = await client.read(target, `check runs of ${sha}`, (request, repository) =>
    request("GET /repos/{owner}/{repo}/commits/{ref}/check-runs", { ...repository, ref: sha, ...query }),
  );
  const runs = (response?.data.check_runs ?? []).filter((one) => one.external_id === externalId);
  return runs.map(({ id, status }) => ({ id: Number(id), status })).sort((one, other) => one.id - other.id);
}

async function createCheck(client: GitHubClient, target: RepositoryTarget, check: NewCheck) {
  const { sha, externalId } = check;
  const response = await client.call(target, `a check run of ${sha}`, (request, repository) =>
    request("POST /repos/{owner}/{repo}/check-runs", {
      ...{ ...repository, name: CHECK_NAME, head_sha: sha, external_id: externalId },
      ...bodyOf(check),
    }),
  );
  if (!response) throw new Refused("not_found", `${target.repositoryName} cannot be seen any more.`);
  return madeBy(response, target);
}

function bodyOf({ status, conclusion, title, summary, annotation, detailsUrl }: SentCheck) {
  const annotations = annotation ? [annotationOf(annotation)] : [];
  const output = { title, summary, ...(annotation ? { annotations } : {}) };
  return { details_url: detailsUrl, status, ...(conclusion ? { conclusion } : {}), output };
}

function annotationOf({ path, line, message }: NonNullable<SentCheck["annotation"]>) {
  return { path, start_line: line, end_line: line, annotation_level: "failure" as const, message };
}
