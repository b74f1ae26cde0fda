import { repositoryBody, type Site, timeText, userBody } from "./bodies-repository.ts";
import { emailOf } from "./commits.ts";
import { diffFiles } from "./git.ts";
import { type BranchChange, fullName, type Repository } from "./model.ts";
import { BASE_BRANCH } from "./state.ts";
import { NO_COMMIT } from "./tell.ts";

/** How many digits of a SHA the address of a comparison has. */
const SHORT_SHA_DIGITS = 12;

/** What the webhooks `push`, `create` and `delete` have besides sender and installation. */
export function branchSubject(site: Site, change: BranchChange): Record<string, unknown> {
  const { event, repository, gitBranch } = change;
  // The short name, unlike in a push.
  const named = { ref: gitBranch, ref_type: "branch", pusher_type: "user" };
  switch (event) {
    case "push":
      return pushSubject(site, change);
    case "create":
      return { ...named, master_branch: BASE_BRANCH, description: repository.description };
    case "delete":
      return named;
  }
}

function pushSubject(site: Site, change: BranchChange) {
  const { repository, gitBranch, before, after, forced, sender } = change;
  const [created, deleted] = [before === NO_COMMIT, after === NO_COMMIT];
  // Every push here brings one commit.
  const head = deleted ? null : pushedCommit(site, repository, after);
  const ends = [before, after].map((sha) => sha.slice(0, SHORT_SHA_DIGITS)).join("...");
  return {
    ...{ ref: `refs/heads/${gitBranch}`, before, after, created, deleted, forced, base_ref: null },
    compare: `${site.pageUrl}/${fullName(repository)}/compare/${ends}`,
    ...{ commits: head ? [head] : [], head_commit: head },
    repository: pushedRepository(site, repository),
    pusher: { name: sender.login, email: emailOf(sender) },
  };
}

/** In a push, unlike elsewhere, some times are numbers of seconds, and the owner has a name. */
function pushedRepository(site: Site, repository: Repository) {
  const { createdAt, pushedAt, owner } = repository;
  const seconds = (at: Date) => Math.floor(at.getTime() / 1000);
  return {
    ...{ ...repositoryBody(site, repository), created_at: seconds(createdAt), pushed_at: seconds(pushedAt) },
    owner: { name: owner.login, email: null, ...userBody(site, owner) },
    ...{ stargazers: 0, master_branch: BASE_BRANCH, organization: owner.login },
  };
}

function pushedCommit({ pageUrl }: Site, repository: Repository, sha: string) {
  const { objects } = repository;
  const commit = objects.commit(sha);
  if (!commit) return null;
  const { author: username, email, message, tree, at, parents } = commit;
  const person = { name: username, email, username };
  const changes = diffFiles(objects.files(parents[0] ?? ""), objects.files(sha));
  const paths = (wanted: string) => changes.filter(({ status }) => status === wanted).map(({ path }) => path);
  return {
    ...{ id: sha, tree_id: tree, distinct: true, message, timestamp: timeText(at) },
    ...{ url: `${pageUrl}/${fullName(repository)}/commit/${sha}`, author: person, committer: person },
    ...{ added: paths("added"), removed: paths("removed"), modified: paths("modified") },
  };
}
