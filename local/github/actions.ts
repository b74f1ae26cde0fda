import { branchActions, mayNotWrite } from "./actions-branch.ts";
import { ApiError, invalid, validationFailed } from "./api-error.ts";
import type { CheckRun } from "./check-runs.ts";
import { baseHeadOf, commitOn, departure, type FileTexts, mergeCommit } from "./commits.ts";
import {
  type Account,
  type Comment,
  mayWrite,
  type Pull,
  permissionOf,
  type Reaction,
  type ReactionContent,
  type Repository,
} from "./model.ts";
import { BASE_BRANCH, type State } from "./state.ts";
import { NO_COMMIT, type Tell, tellMove, tellPull } from "./tell.ts";

/** Text of a comment: code points, not bytes. GitHub: "Body is too long (maximum is 65536 characters)". */
export const COMMENT_CHARACTERS = 65_536;
/** GitHub refuses more comments on one conversation. */
const COMMENTS_MAX = 2_500;

export interface OpenRequest {
  readonly author: Account;
  readonly title: string;
  readonly branch: string;
  readonly files: FileTexts;
  readonly body?: string;
  readonly fork?: boolean;
  readonly draft?: boolean;
}

export type Actions = ReturnType<typeof createActions>;

/** All that people and the App do here. Each change is told once it is made. Throws ApiError as GitHub would answer. */
export function createActions(state: State, tell: Tell) {
  return {
    ...branchActions(tell),
    ...pullActions(state, tell),
    ...commentActions(state, tell),
    /** The App wrote a check run of this commit: pull requests with that head show it. */
    checked({ repository, headSha }: Pick<CheckRun, "repository" | "headSha">, action: string): void {
      for (const pull of repository.pulls.filter((one) => one.headSha === headSha)) {
        tell({ event: "check_run", action, pull, sender: state.bot });
      }
    },
  };
}

function pullActions(state: State, tell: Tell) {
  return {
    /**
     * Opens a pull request. Who may not write comes from a fork, unless `fork` says otherwise. Files that come along make
     * its git branch without a webhook of their own; push the branch first to be told of both, as GitHub would.
     */
    open(repository: Repository, request: OpenRequest): Pull {
      const pull = newPull(state, repository, request);
      repository.pulls.push(pull);
      tellPull(tell, "opened", pull, pull.author);
      return pull;
    },
    /** Commits on the git branch. The pull request follows while it is open; a closed one keeps its head. */
    push(pull: Pull, author: Account, files: FileTexts): string {
      if (author.login !== pull.head.owner.login) requireWrite(pull, author);
      const { head, headRef: gitBranch, headSha: before } = pull;
      const there = head.branches.get(gitBranch);
      const after = commitOn(head, gitBranch, there ?? before, author, files);
      tellMove(tell, { repository: head, gitBranch, before: there ?? NO_COMMIT, after, sender: author });
      if (pull.state === "closed") return after;
      pull.headSha = after;
      pull.commits.push(after);
      tellPull(tell, "synchronize", pull, author, { before, after });
      return after;
    },
    close(pull: Pull, author: Account, merged: boolean): Pull {
      requireOpen(pull);
      if (merged || author.login !== pull.author.login) requireWrite(pull, author);
      const at = new Date();
      if (merged) {
        const { repository, baseRef: gitBranch } = pull;
        const before = baseHeadOf(pull);
        pull.merge = { sha: mergeCommit(pull, author), by: author, at };
        tellMove(tell, { repository, gitBranch, before, after: pull.merge.sha, sender: author });
      }
      Object.assign(pull, { state: "closed", closedAt: at });
      tellPull(tell, "closed", pull, author);
      return pull;
    },
    reopen(pull: Pull, author: Account): Pull {
      if (pull.state === "open" || pull.merge) {
        throw validationFailed("PullRequest", "state", "invalid", "state cannot be changed.");
      }
      if (author.login !== pull.author.login) requireWrite(pull, author);
      const head = pull.head.branches.get(pull.headRef);
      if (head === undefined) {
        const message = `state cannot be changed. The ${pull.headRef} branch has been deleted.`;
        throw validationFailed("PullRequest", "state", "invalid", message);
      }
      if (head !== pull.headSha) pull.commits.push(head);
      Object.assign(pull, { state: "open", closedAt: null, headSha: head });
      tellPull(tell, "reopened", pull, author);
      return pull;
    },
    /** Changes the title, the branch that it is to be merged into, or both. */
    revise(pull: Pull, author: Account, { title, base }: { title?: string; base?: string }): Pull {
      if (author.login !== pull.author.login) requireWrite(pull, author);
      const changes: Record<string, unknown> = {};
      if (base !== undefined) {
        const sha = pull.repository.branches.get(base);
        if (sha === undefined) throw validationFailed("PullRequest", "base", "invalid");
        changes["base"] = { ref: { from: pull.baseRef }, sha: { from: pull.baseSha } };
        Object.assign(pull, { baseRef: base, baseSha: sha });
      }
      if (title !== undefined) {
        changes["title"] = { from: pull.title };
        pull.title = title;
      }
      tellPull(tell, "edited", pull, author, { changes });
      return pull;
    },
  };
}

function commentActions(state: State, tell: Tell) {
  // The App's token was checked at the door; people change their own comments, and writers those of others.
  const requireMayChange = ({ author, pull }: Comment, sender: Account): void => {
    if (sender !== state.bot && sender !== author) requireWrite(pull, sender);
  };
  return {
    comment(pull: Pull, author: Account, body: string, viaApp: boolean): Comment {
      checkText(body);
      if (!viaApp && permissionOf(pull.repository, author.login) === "none")
        throw new ApiError(404, "Not Found");
      if (pull.comments.length >= COMMENTS_MAX)
        throw invalid("Commenting is disabled on issues with more than 2500 comments");
      const now = new Date();
      const shape = { id: state.nextId(), pull, author, viaApp, body, createdAt: now, updatedAt: now };
      const comment: Comment = { ...shape, reactions: [] };
      pull.comments.push(comment);
      pull.updatedAt = now;
      tell({ event: "issue_comment", action: "created", pull, comment, sender: author });
      return comment;
    },
    edit(comment: Comment, sender: Account, body: string): Comment {
      requireMayChange(comment, sender);
      checkText(body);
      const changes = { body: { from: comment.body } };
      comment.body = body;
      // Times have whole seconds: an edit within the first one must still be seen as an edit.
      comment.updatedAt = new Date(Math.max(Date.now(), comment.createdAt.getTime() + 1_000));
      tell({
        event: "issue_comment",
        action: "edited",
        pull: comment.pull,
        comment,
        sender,
        more: { changes },
      });
      return comment;
    },
    remove(comment: Comment, sender: Account): void {
      requireMayChange(comment, sender);
      const { pull } = comment;
      pull.comments.splice(pull.comments.indexOf(comment), 1);
      tell({ event: "issue_comment", action: "deleted", pull, comment, sender });
    },
    /** Idempotent: one account reacts once with each content. GitHub sends no webhook for it. */
    react(comment: Comment, author: Account, content: ReactionContent) {
      const present = comment.reactions.find((one) => one.author === author && one.content === content);
      if (present) return { reaction: present, isNew: false };
      const reaction = { id: state.nextId(), author, content, createdAt: new Date() };
      comment.reactions.push(reaction);
      tell({ event: "reaction", action: "created", pull: comment.pull, comment, sender: author });
      return { reaction, isNew: true };
    },
    unreact(comment: Comment, reaction: Reaction, sender: Account): void {
      comment.reactions.splice(comment.reactions.indexOf(reaction), 1);
      tell({ event: "reaction", action: "deleted", pull: comment.pull, comment, sender });
    },
  };
}

function newPull(state: State, repository: Repository, request: OpenRequest): Pull {
  const { author, branch, title, body = null, draft = false } = request;
  if (permissionOf(repository, author.login) === "none") throw new ApiError(404, "Not Found");
  const isFork = request.fork ?? !mayWrite(repository, author.login);
  const head = isFork ? state.fork(repository, author) : repository;
  const label = `${head.owner.login}:${branch}`;
  const isTaken = repository.pulls.some(
    (pull) => pull.state === "open" && pull.head === head && pull.headRef === branch,
  );
  if (isTaken || (!isFork && branch === BASE_BRANCH)) {
    throw validationFailed("PullRequest", "head", "custom", `A pull request already exists for ${label}.`);
  }
  const { baseSha, commits } = headOf(head, repository.branches.get(BASE_BRANCH) ?? "", request);
  const headSha = commits.at(-1) ?? baseSha;
  const now = new Date();
  return {
    ...{ id: state.nextId(), number: repository.pulls.length + 1, repository },
    ...{ head, headRef: branch, headSha },
    ...{ baseRef: BASE_BRANCH, baseSha, title, body, author, draft, state: "open", merge: null },
    ...{ closedAt: null, createdAt: now, updatedAt: now, commits: [...commits], comments: [] },
  };
}

/** The git branch of a new pull request: as it is if it is there and no files come along, else made from the base. */
function headOf(head: Repository, base: string, { branch, files, author, title }: OpenRequest) {
  const there = head.branches.get(branch);
  if (there !== undefined && Object.keys(files).length === 0) {
    const { shared, commits } = departure(head, base, there);
    if (commits.length === 0) {
      const message = `No commits between ${BASE_BRANCH} and ${branch}`;
      throw validationFailed("PullRequest", "head", "custom", message);
    }
    return { baseSha: shared, commits };
  }
  return { baseSha: base, commits: [commitOn(head, branch, base, author, files, title)] };
}

function checkText(body: string): void {
  if (body.trim() === "")
    throw validationFailed("IssueComment", "body", "unprocessable", "Body cannot be blank");
  if ([...body].length > COMMENT_CHARACTERS) {
    const message = `Body is too long (maximum is ${COMMENT_CHARACTERS} characters)`;
    throw validationFailed("IssueComment", "data", "unprocessable", message);
  }
}

function requireOpen(pull: Pull): void {
  if (pull.state !== "open") throw invalid(`Pull request ${pull.number} is closed.`);
}

function requireWrite({ repository }: Pull, account: Account): void {
  if (!mayWrite(repository, account.login)) throw mayNotWrite(repository, account);
}
