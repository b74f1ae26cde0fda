import { nodeId, repositoryBody, type Schemas, type Site, timeText, userBody } from "./bodies-repository.ts";
import { blobSha, diffFiles, type FileChange } from "./git.ts";
import { type Account, fullName, type Pull, permissionOf, type Repository } from "./model.ts";

/** A pull request as the lists have it. */
export function pullSummaryBody(site: Site, pull: Pull): Schemas["pull-request-simple"] {
  const { id, number, repository, title, body, state, draft } = pull;
  return {
    ...{ id, node_id: nodeId("PullRequest", id), number, title, body, state, draft, locked: false },
    ...pullUrls(site, pull),
    ...{ user: userBody(site, pull.author), author_association: associationOf(repository, pull.author) },
    ...{ created_at: timeText(pull.createdAt), updated_at: timeText(pull.updatedAt) },
    ...{
      closed_at: pull.closedAt && timeText(pull.closedAt),
      merged_at: pull.merge && timeText(pull.merge.at),
    },
    ...{ merge_commit_sha: pull.merge?.sha ?? null, auto_merge: null, active_lock_reason: null },
    ...{ labels: [], milestone: null, assignee: null, assignees: [] },
    ...{ requested_reviewers: [], requested_teams: [] },
    head: sideBody(site, pull.head, pull.headRef, pull.headSha),
    base: sideBody(site, repository, pull.baseRef, pull.baseSha),
  };
}

/** A pull request as its own resource and its webhooks have it. */
export function pullBody(site: Site, pull: Pull): Schemas["pull-request"] {
  const { requested_teams: _, labels: __, ...summary } = pullSummaryBody(site, pull);
  const files = pullFiles(pull);
  const lines = files.map(lineCounts);
  return {
    ...{ ...summary, state: pull.state, labels: [], requested_teams: [] },
    user: userBody(site, pull.author),
    head: sideBody(site, pull.head, pull.headRef, pull.headSha),
    base: sideBody(site, pull.repository, pull.baseRef, pull.baseSha),
    ...{ merged: pull.merge !== null, merged_by: pull.merge && userBody(site, pull.merge.by) },
    ...{ mergeable: null, rebaseable: null, mergeable_state: "unknown", maintainer_can_modify: false },
    ...{ comments: pull.comments.length, review_comments: 0, commits: pull.commits.length },
    additions: lines.reduce((sum, { additions }) => sum + additions, 0),
    deletions: lines.reduce((sum, { deletions }) => sum + deletions, 0),
    changed_files: files.length,
  };
}

/** What a pull request changes against its base. */
export function pullFiles({ repository, baseSha, headSha }: Pull): readonly FileChange[] {
  const { objects } = repository;
  return diffFiles(objects.files(baseSha), objects.files(headSha));
}

export function fileBody(
  { apiUrl, pageUrl }: Site,
  repository: Repository,
  ref: string,
  file: FileChange,
): Schemas["diff-entry"] {
  const name = fullName(repository);
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  const { additions, deletions } = lineCounts(file);
  return {
    ...{ sha: blobSha(file.status === "removed" ? file.before : file.after), filename: file.path },
    ...{ status: file.status, additions, deletions, changes: additions + deletions, patch: patchOf(file) },
    blob_url: `${pageUrl}/${name}/blob/${ref}/${path}`,
    raw_url: `${pageUrl}/${name}/raw/${ref}/${path}`,
    contents_url: `${apiUrl}/repos/${name}/contents/${path}?ref=${ref}`,
  };
}

/** How somebody relates to a repository. Reading it does not make a collaborator of the organisation's member. */
export function associationOf(repository: Repository, account: Account): Schemas["author-association"] {
  if (account.login === repository.owner.login) return "OWNER";
  if (account.type === "Bot") return "CONTRIBUTOR";
  if (permissionOf(repository, account.login) === "admin") return "MEMBER";
  return repository.collaborators.has(account.login.toLowerCase()) ? "COLLABORATOR" : "NONE";
}

function sideBody(site: Site, repository: Repository, ref: string, sha: string) {
  const user = userBody(site, repository.owner);
  return { label: `${user.login}:${ref}`, ref, sha, user, repo: repositoryBody(site, repository) };
}

function pullUrls({ apiUrl, pageUrl }: Site, { repository, number, headSha }: Pull) {
  const name = fullName(repository);
  const repos = `${apiUrl}/repos/${name}`;
  const [url, issue, html] = [
    `${repos}/pulls/${number}`,
    `${repos}/issues/${number}`,
    `${pageUrl}/${name}/pull/${number}`,
  ];
  const urls = {
    commits: `${url}/commits`,
    review_comments: `${url}/comments`,
    review_comment: `${repos}/pulls/comments{/number}`,
    comments: `${issue}/comments`,
    statuses: `${repos}/statuses/${headSha}`,
  };
  const link = (href: string) => ({ href });
  return {
    ...{ url, html_url: html, diff_url: `${html}.diff`, patch_url: `${html}.patch`, issue_url: issue },
    ...{ commits_url: urls.commits, review_comments_url: urls.review_comments },
    ...{ review_comment_url: urls.review_comment, comments_url: urls.comments },
    statuses_url: urls.statuses,
    _links: {
      ...{ self: link(url), html: link(html), issue: link(issue), comments: link(urls.comments) },
      ...{ review_comments: link(urls.review_comments), review_comment: link(urls.review_comment) },
      ...{ commits: link(urls.commits), statuses: link(urls.statuses) },
    },
  };
}

/** Whole files: every old line goes, every new line comes. Good enough to count by; nothing here merges by lines. */
function lineCounts({ before, after }: FileChange) {
  return { additions: linesOf(after).length, deletions: linesOf(before).length };
}

function patchOf({ before, after }: FileChange): string {
  const [old, now] = [linesOf(before), linesOf(after)];
  const range = (lines: readonly string[]) => `${lines.length === 0 ? 0 : 1},${lines.length}`;
  const lines = [...old.map((line) => `-${line}`), ...now.map((line) => `+${line}`)];
  return [`@@ -${range(old)} +${range(now)} @@`, ...lines].join("\n");
}

function linesOf(text: string): readonly string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}
