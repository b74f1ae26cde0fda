import { invalid } from "./api-error.ts";
import { diffFiles, type Files } from "./git.ts";
import type { Account, Pull, Repository } from "./model.ts";

/** Path -> text; null removes the file. */
export type FileTexts = Readonly<Record<string, string | null>>;

interface Draft {
  readonly files: Files;
  readonly parents: readonly string[];
  readonly author: Account;
  readonly at: Date;
  readonly message: string;
}

/** Commits on top of a parent and moves the git branch there. Out: the new SHA. */
export function commitOn(
  repository: Repository,
  branch: string,
  parent: string,
  author: Account,
  changes: FileTexts,
  title?: string,
): string {
  const files = repository.objects.files(parent);
  for (const [path, text] of Object.entries(changes)) {
    if (text === null) files.delete(path);
    else files.set(path, text);
  }
  checkPaths(files);
  const message = title ?? `Change ${Object.keys(changes).join(", ").slice(0, 200) || "nothing"}`;
  return move(repository, branch, { files, parents: [parent], author, at: new Date(), message });
}

/** Brings what the pull request changed onto the head of the base branch. Out: the new SHA. */
export function mergeCommit(pull: Pull, author: Account): string {
  const { repository, baseRef, headSha, number, head, headRef } = pull;
  const message = `Merge pull request #${number} from ${head.owner.login}/${headRef}`;
  const parents = [baseHeadOf(pull), headSha];
  return move(repository, baseRef, { files: mergedFiles(pull), parents, author, at: new Date(), message });
}

/**
 * The commit of `refs/pull/N/merge`: what a merge would give now, which is what jobs of a pull request run on. Its second
 * parent is the head. The same head and base give the same SHA.
 */
export function testMergeCommit(pull: Pull): string {
  const { repository, headSha, author } = pull;
  const base = baseHeadOf(pull);
  const at = repository.objects.commit(headSha)?.at ?? pull.createdAt;
  const message = `Merge ${headSha} into ${base}`;
  return write(repository, { files: mergedFiles(pull), parents: [base, headSha], author, at, message });
}

/** The head of the branch that it is to be merged into, as it is now. */
export function baseHeadOf({ repository, baseRef, baseSha }: Pull): string {
  return repository.branches.get(baseRef) ?? baseSha;
}

/** How one commit departs from another: the last that both have, and those since along first parents, oldest first. */
export function departure({ objects }: Repository, from: string, to: string) {
  const known = new Set([from]);
  // What is added while the loop runs is visited, too: each commit once.
  for (const sha of known) for (const parent of objects.commit(sha)?.parents ?? []) known.add(parent);
  const commits: string[] = [];
  let sha = to;
  while (!known.has(sha) && objects.commit(sha)) {
    commits.unshift(sha);
    sha = objects.commit(sha)?.parents[0] ?? from;
  }
  return { shared: sha, commits };
}

function mergedFiles(pull: Pull): Files {
  const { objects } = pull.repository;
  const files = objects.files(baseHeadOf(pull));
  for (const { path, status, after } of diffFiles(objects.files(pull.baseSha), objects.files(pull.headSha))) {
    if (status === "removed") files.delete(path);
    else files.set(path, after);
  }
  return files;
}

function move(repository: Repository, branch: string, draft: Draft): string {
  const sha = write(repository, draft);
  repository.branches.set(branch, sha);
  repository.pushedAt = draft.at;
  return sha;
}

function write({ objects }: Repository, { files, author, ...rest }: Draft): string {
  return objects.writeCommit(files, { ...rest, author: author.login, email: emailOf(author) }).sha;
}

export function emailOf({ id, login }: Account): string {
  return `${id}+${login}@users.noreply.local`;
}

/** Git cannot hold a file and a directory of the same name. */
function checkPaths(files: Files): void {
  for (const path of files.keys()) {
    for (let slash = path.indexOf("/"); slash > 0; slash = path.indexOf("/", slash + 1)) {
      if (files.has(path.slice(0, slash)))
        throw invalid(`${path.slice(0, slash)} is a file, not a directory.`);
    }
  }
}
