import type { components } from "@octokit/openapi-types";
import { type Account, fullName, type Repository } from "./model.ts";
import { BASE_BRANCH } from "./state.ts";

export type Schemas = components["schemas"];

/** Where this GitHub is found: every body holds addresses of itself. */
export interface Site {
  /** The REST API, without a slash at the end. */
  readonly apiUrl: string;
  /** The page, without a slash at the end. */
  readonly pageUrl: string;
}

/** GitHub's times have seconds and no more. */
export function timeText(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, "Z");
}

/** Opaque, as GitHub's are. */
export function nodeId(kind: string, id: number | string): string {
  return Buffer.from(`${kind}:${id}`).toString("base64url");
}

export function userBody({ apiUrl, pageUrl }: Site, { login, id, type }: Account): Schemas["simple-user"] {
  const url = `${apiUrl}/users/${encodeURIComponent(login)}`;
  return {
    ...{ login, id, node_id: nodeId("User", id), gravatar_id: "", type, site_admin: false },
    ...{ avatar_url: `${pageUrl}/avatars/${id}`, url, user_view_type: "public" },
    html_url: type === "Bot" ? `${pageUrl}/apps/${login.replace("[bot]", "")}` : `${pageUrl}/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
  };
}

/** Somebody as they see themselves. */
export function publicUserBody(site: Site, account: Account, createdAt: Date): Schemas["public-user"] {
  const at = timeText(createdAt);
  return {
    ...{ ...userBody(site, account), name: null, company: null, blog: null, location: null, email: null },
    ...{ hireable: null, bio: null, public_repos: 0, public_gists: 0, followers: 0, following: 0 },
    ...{ created_at: at, updated_at: at },
  };
}

export function repositoryBody(site: Site, repository: Repository): Schemas["repository"] {
  const { id, name, description, parent } = repository;
  const open = repository.pulls.filter(({ state }) => state === "open").length;
  const pushed = timeText(repository.pushedAt);
  return {
    ...{ id, node_id: nodeId("Repository", id), name, full_name: fullName(repository), description },
    ...{ owner: userBody(site, repository.owner), private: repository.private, fork: parent !== null },
    ...repositoryUrls(site, repository),
    ...{ created_at: timeText(repository.createdAt), updated_at: pushed, pushed_at: pushed },
    ...{ homepage: null, language: null, license: null, mirror_url: null, topics: [], size: 1 },
    ...{ forks_count: 0, forks: 0, stargazers_count: 0, watchers_count: 0, watchers: 0 },
    ...{ open_issues_count: open, open_issues: open, default_branch: BASE_BRANCH },
    ...{ has_issues: true, has_projects: false, has_wiki: false, has_pages: false, has_downloads: true },
    ...{ has_discussions: false, archived: false, disabled: false, is_template: false, allow_forking: true },
    ...{ visibility: repository.private ? "private" : "public", web_commit_signoff_required: false },
  };
}

export function fullRepositoryBody(site: Site, repository: Repository): Schemas["full-repository"] {
  const body = repositoryBody(site, repository);
  const createdAt = timeText(repository.createdAt);
  const pushedAt = timeText(repository.pushedAt);
  const { parent } = repository;
  const parentBody = parent ? repositoryBody(site, parent) : null;
  return {
    ...{ ...body, has_discussions: false, created_at: createdAt, updated_at: pushedAt, pushed_at: pushedAt },
    ...{ subscribers_count: 0, network_count: 0, organization: userBody(site, repository.owner) },
    ...{ temp_clone_token: null, custom_properties: {} },
    ...(parentBody ? { parent: parentBody, source: parentBody } : {}),
  };
}

/** Suffixes of a repository's URL in the API, and the field of each. */
const API_URLS = {
  archive_url: "/{archive_format}{/ref}",
  assignees_url: "/assignees{/user}",
  blobs_url: "/git/blobs{/sha}",
  branches_url: "/branches{/branch}",
  collaborators_url: "/collaborators{/collaborator}",
  comments_url: "/comments{/number}",
  commits_url: "/commits{/sha}",
  compare_url: "/compare/{base}...{head}",
  contents_url: "/contents/{+path}",
  contributors_url: "/contributors",
  deployments_url: "/deployments",
  downloads_url: "/downloads",
  events_url: "/events",
  forks_url: "/forks",
  git_commits_url: "/git/commits{/sha}",
  git_refs_url: "/git/refs{/sha}",
  git_tags_url: "/git/tags{/sha}",
  hooks_url: "/hooks",
  issue_comment_url: "/issues/comments{/number}",
  issue_events_url: "/issues/events{/number}",
  issues_url: "/issues{/number}",
  keys_url: "/keys{/key_id}",
  labels_url: "/labels{/name}",
  languages_url: "/languages",
  merges_url: "/merges",
  milestones_url: "/milestones{/number}",
  notifications_url: "/notifications{?since,all,participating}",
  pulls_url: "/pulls{/number}",
  releases_url: "/releases{/id}",
  stargazers_url: "/stargazers",
  statuses_url: "/statuses/{sha}",
  subscribers_url: "/subscribers",
  subscription_url: "/subscription",
  tags_url: "/tags",
  teams_url: "/teams",
  trees_url: "/git/trees{/sha}",
} as const;

function repositoryUrls({ apiUrl, pageUrl }: Site, repository: Repository) {
  const name = fullName(repository);
  const url = `${apiUrl}/repos/${name}`;
  const webUrl = `${pageUrl}/${name}`;
  const { host, hostname } = new URL(pageUrl);
  const apiUrls = Object.fromEntries(
    Object.entries(API_URLS).map(([field, suffix]) => [field, url + suffix]),
  ) as Record<keyof typeof API_URLS, string>;
  return {
    ...{ ...apiUrls, url, html_url: webUrl, clone_url: `${webUrl}.git`, svn_url: webUrl },
    ...{ git_url: `git://${host}/${name}.git`, ssh_url: `git@${hostname}:${name}.git` },
  };
}
