import { Refused } from "../domain/errors.ts";
import type {
  GitHub,
  Permission,
  Pull,
  PullComment,
  PullTarget,
  RepositoryTarget,
} from "../handlers/ports.ts";
import { createChecks } from "./github-checks.ts";
import { createGitHubClient, type GitHubClient, type GitHubOptions, madeBy } from "./github-client.ts";
import { createMigrationReader } from "./github-migrations.ts";
import { describeRepository } from "./github-repository.ts";

export type { GitHubOptions } from "./github-client.ts";

/** The most that GitHub gives per page, and more pages than the comments that a conversation may have (2,500). */
const PAGE = 100;
const PAGES_MAX = 50;
const PERMISSIONS: readonly Permission[] = ["admin", "write", "read"];

/** GitHub through an installation of the App, by Octokit's typed routes. See the port for the errors. */
export function createGitHub(options: GitHubOptions): GitHub {
  const client = createGitHubClient(options);
  return {
    readPull: (target) => readPull(client, target),
    readComment: (target, commentId) => readComment(client, target, commentId),
    readPermission: (target, login) => readPermission(client, target, login),
    readMigrations: createMigrationReader(client),
    findRepository: (name) => findRepository(client, name, options.host),
    readBranch: (target, gitBranch) => readBranch(client, target, gitBranch),
    findComments: (target, marker) => findComments(client, target, marker, options.appId),
    createComment: (target, body) => createComment(client, target, body),
    readGrants: ({ installationId }) => client.grants(installationId),
    ...createChecks(client, options.appId),
    async editComment(target, commentId, body) {
      const path = { comment_id: commentId, body };
      const response = await client.call(target, `comment ${commentId}`, (request, repository) =>
        request("PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}", { ...repository, ...path }),
      );
      return response ? "edited" : "absent";
    },
    async deleteComment(target, commentId) {
      await client.call(target, `comment ${commentId}`, (request, repository) =>
        request("DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}", {
          ...repository,
          comment_id: commentId,
        }),
      );
    },
    async react(target, commentId, content) {
      const path = { comment_id: commentId, content };
      const response = await client.call(target, `comment ${commentId}`, (request, repository) =>
        request("POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", {
          ...repository,
          ...path,
        }),
      );
      return response ? "done" : "absent";
    },
  };
}

async function readPull(client: GitHubClient, target: PullTarget): Promise<Pull | null> {
  const response = await client.call(target, `pull request ${target.number}`, (request, repository) =>
    request("GET /repos/{owner}/{repo}/pulls/{pull_number}", { ...repository, pull_number: target.number }),
  );
  if (!response) return null;
  const { data } = response;
  // Another repository may have taken the name.
  if (data.base.repo.id !== target.repositoryId) return null;
  return {
    number: data.number,
    repositoryId: data.base.repo.id,
    repositoryName: data.base.repo.full_name,
    state: data.state === "open" ? "open" : "closed",
    merged: data.merged,
    closedAt: data.closed_at ? new Date(data.closed_at) : null,
    createdAt: new Date(data.created_at),
    headSha: data.head.sha,
    headRef: data.head.ref,
    baseRef: data.base.ref,
    // Null once the fork is deleted, whatever the types say; `head.repo.fork` would be true in a fork's own pulls.
    fork: Object(data.head.repo).id !== data.base.repo.id,
    ...authorOf(data.user),
  };
}

async function readComment(
  client: GitHubClient,
  target: PullTarget,
  commentId: number,
): Promise<PullComment | null> {
  const response = await client.call(target, `comment ${commentId}`, (request, repository) =>
    request("GET /repos/{owner}/{repo}/issues/comments/{comment_id}", {
      ...repository,
      comment_id: commentId,
    }),
  );
  // Ids of comments are unique on a host, so a name that changed hands cannot show another repository's comment.
  const number = Number(/\/issues\/(\d+)$/.exec(response?.data.issue_url ?? "")?.[1]);
  if (!response || !number) return null;
  const { data } = response;
  return {
    id: Number(data.id),
    ...authorOf(data.user),
    body: data.body ?? "",
    createdAt: new Date(data.created_at),
    edited: data.updated_at !== data.created_at,
    number,
  };
}

/** GitHub names the author of a deleted account `ghost`, and answers null for it. */
function authorOf(user: { readonly login: string; readonly type: string } | null) {
  return { author: user?.login ?? "ghost", authorIsBot: user?.type === "Bot" };
}

/** The endpoint folds maintain into write and triage into read, and takes the best of all grants. */
async function readPermission(
  client: GitHubClient,
  target: RepositoryTarget,
  login: string,
): Promise<Permission> {
  const response = await client
    .read(target, `the permission of ${login}`, (request, repository) =>
      request("GET /repos/{owner}/{repo}/collaborators/{username}/permission", {
        ...repository,
        username: login,
      }),
    )
    .catch((error: unknown) => {
      if (error instanceof Refused && ["forbidden", "invalid_request"].includes(error.reason)) return null;
      throw error;
    });
  return PERMISSIONS.find((permission) => permission === response?.data.permission) ?? "none";
}

async function findRepository(
  client: GitHubClient,
  name: string,
  host: string,
): Promise<RepositoryTarget | null> {
  const found = await describeRepository(client, name);
  if (!found) return null;
  return { host, repositoryId: found.id, installationId: found.installationId, repositoryName: found.name };
}

async function readBranch(client: GitHubClient, target: RepositoryTarget, gitBranch: string) {
  const response = await client.read(target, `git branch ${gitBranch}`, (request, repository) =>
    request("GET /repos/{owner}/{repo}/branches/{branch}", { ...repository, branch: gitBranch }),
  );
  // GitHub follows renames of branches; another name is another branch.
  return response && response.data.name === gitBranch ? { sha: response.data.commit.sha } : null;
}

/** Anybody can paste our marker, so the comment must have been written through this App. */
async function findComments(client: GitHubClient, target: PullTarget, marker: string, appId: number) {
  const found: { readonly id: number; readonly body: string }[] = [];
  for (let page = 1; page <= PAGES_MAX; page += 1) {
    const path = { issue_number: target.number, per_page: PAGE, page };
    const response = await client.call(target, `comments of ${target.number}`, (request, repository) =>
      request("GET /repos/{owner}/{repo}/issues/{issue_number}/comments", { ...repository, ...path }),
    );
    for (const { id, body = "", performed_via_github_app: app } of response?.data ?? []) {
      if (app?.id === appId && body.includes(marker)) found.push({ id: Number(id), body });
    }
    const isLast = !response?.headers.link?.includes('rel="next"');
    if (isLast) return found.sort((one, other) => one.id - other.id);
  }
  throw new Refused(
    "too_many_comments",
    `Pull request ${target.number} has more comments than are searched.`,
  );
}

async function createComment(client: GitHubClient, target: PullTarget, body: string) {
  const response = await client.call(target, `a comment on ${target.number}`, (request, repository) =>
    request("POST /repos/{owner}/{repo}/issues/{issue_number}/comments", {
      ...repository,
      issue_number: target.number,
      body,
    }),
  );
  if (!response) throw new Refused("not_found", `Pull request ${target.number} cannot be seen any more.`);
  return madeBy(response, target);
}
