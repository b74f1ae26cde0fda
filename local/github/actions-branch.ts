import { ApiError, invalid } from "./api-error.ts";
import { commitOn, type FileTexts } from "./commits.ts";
import { type Account, fullName, mayWrite, type Pull, type Repository } from "./model.ts";
import { BASE_BRANCH } from "./state.ts";
import { NO_COMMIT, type Tell, tellMove, tellPull } from "./tell.ts";

export interface BranchPush {
  readonly author: Account;
  readonly files: FileTexts;
  /** Rewrites the git branch: it then has what the default branch has, and these files. */
  readonly force?: boolean;
}

/** What people do to git branches. Open pull requests follow theirs. Throws ApiError as GitHub would answer. */
export function branchActions(tell: Tell) {
  return {
    /** Commits on a git branch, which begins at the default branch if it is new. Out: the SHA of its head. */
    pushBranch(repository: Repository, gitBranch: string, { author, files, force = false }: BranchPush) {
      if (!mayWrite(repository, author.login)) throw mayNotWrite(repository, author);
      const head = repository.branches.get(gitBranch);
      const parent = (force ? undefined : head) ?? repository.branches.get(BASE_BRANCH) ?? NO_COMMIT;
      const after = commitOn(repository, gitBranch, parent, author, files);
      const before = head ?? NO_COMMIT;
      const forced = force && head !== undefined;
      tellMove(tell, { repository, gitBranch, before, after, sender: author, forced });
      for (const pull of openPullsOf(repository, gitBranch)) {
        if (force) pull.commits.splice(0);
        pull.commits.push(after);
        const previous = pull.headSha;
        pull.headSha = after;
        tellPull(tell, "synchronize", pull, author, { before: previous, after });
      }
      return after;
    },
    /** Deletes a git branch; GitHub then closes the pull requests from it and into it. */
    deleteBranch(repository: Repository, gitBranch: string, sender: Account): void {
      if (!mayWrite(repository, sender.login)) throw mayNotWrite(repository, sender);
      const before = repository.branches.get(gitBranch);
      if (before === undefined) throw invalid("Reference does not exist");
      if (gitBranch === BASE_BRANCH) throw invalid("Cannot delete the default branch");
      repository.branches.delete(gitBranch);
      tellMove(tell, { repository, gitBranch, before, after: NO_COMMIT, sender });
      const into = repository.pulls.filter(({ state, baseRef }) => state === "open" && baseRef === gitBranch);
      for (const pull of new Set([...openPullsOf(repository, gitBranch), ...into])) {
        Object.assign(pull, { state: "closed", closedAt: new Date() });
        tellPull(tell, "closed", pull, sender);
      }
    },
  };
}

export function mayNotWrite(repository: Repository, { login }: Account): ApiError {
  return new ApiError(403, `${login} may not write to ${fullName(repository)}.`);
}

/** Those whose head is the git branch; the ones of a fork stand in its parent. */
function openPullsOf(repository: Repository, gitBranch: string): readonly Pull[] {
  const { pulls } = repository.parent ?? repository;
  return pulls.filter(
    ({ state, head, headRef }) => state === "open" && head === repository && headRef === gitBranch,
  );
}
