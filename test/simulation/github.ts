import type { CheckAnnotation } from "../../service/domain/check.ts";
import type { MigrationFile } from "../../service/domain/migration.ts";
import { pullKey } from "../../service/domain/owner.ts";
import type { Permission, Pull, ReactionContent } from "../../service/handlers/ports.ts";
import type { NewCheck } from "../../service/handlers/ports-checks.ts";
import type { Stage } from "./stage.ts";

export const HOST = "github.com";
export const APP = "offshoot[bot]";
export const INSTALLATION = 77;
const FIRST_COMMENT = 1_001;

export interface Repository {
  readonly id: number;
  name: string;
  /** GitHub redirects from these. */
  readonly formerNames: Set<string>;
  /** The App lost its access: everything is a 404. */
  hidden: boolean;
  /** The installation is suspended: every call is refused. */
  suspended: boolean;
  readonly permissions: Map<string, Permission>;
}

export interface PullRequest {
  readonly key: string;
  readonly repository: Repository;
  readonly number: number;
  readonly author: string;
  readonly authorIsBot: boolean;
  readonly fork: boolean;
  readonly createdAt: Date;
  state: "open" | "closed";
  merged: boolean;
  closedAt: Date | null;
  headSha: string;
  /** Somebody deleted our comment: until something changes there may be none. */
  commentDeleted: boolean;
  /** The statements of the head, by file. */
  files: ReadonlyMap<string, readonly string[]>;
}

export interface Comment {
  readonly id: number;
  readonly pull: PullRequest;
  readonly author: string;
  readonly createdAt: Date;
  body: string;
  edited: boolean;
  readonly reactions: Set<ReactionContent>;
}

/** A check run of the App. */
export interface CheckSeen extends NewCheck {
  readonly id: number;
  readonly repository: Repository;
  readonly annotations: readonly CheckAnnotation[];
}

/** What GitHub holds. People and the App change it; the port of the App is in github-port.ts. */
export interface GitHubWorld {
  readonly repositories: Repository[];
  readonly pulls: PullRequest[];
  readonly comments: Map<number, Comment>;
  readonly checks: Map<number, CheckSeen>;
  commit(pull: PullRequest, files: ReadonlyMap<string, readonly string[]>): void;
  filesAt(sha: string): readonly MigrationFile[];
  addComment(pull: PullRequest, author: string, body: string): Comment;
  /** A comment, even if it was deleted since. */
  everComment(id: number): Comment | undefined;
  setPermission(repository: Repository, login: string, permission: Permission): void;
  /** Whether the person could write at some moment from `from` on. */
  couldWrite(repository: Repository, login: string, from: Date): boolean;
}

interface Grant {
  readonly repositoryId: number;
  readonly login: string;
  readonly permission: Permission;
  readonly at: Date;
}

export function createGitHubWorld(stage: Stage): GitHubWorld {
  const commits = new Map<string, readonly MigrationFile[]>();
  const grants: Grant[] = [];
  const comments = new Map<number, Comment>();
  const written: Comment[] = [];
  return {
    repositories: [],
    pulls: [],
    comments,
    checks: new Map(),
    commit(pull, files) {
      pull.files = files;
      pull.headSha = [...stage.random.bytes(20)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      commits.set(
        pull.headSha,
        [...files].map(([path, lines]) => ({ path, text: lines.map((line) => `${line}\n`).join("") })),
      );
    },
    filesAt: (sha) => commits.get(sha) ?? [],
    addComment(pull, author, body) {
      const id = FIRST_COMMENT + written.length;
      const createdAt = inSeconds(stage.now());
      const comment = { id, pull, author, createdAt, body, edited: false, reactions: new Set<never>() };
      comments.set(id, comment);
      written.push(comment);
      return comment;
    },
    everComment: (id) => written[id - FIRST_COMMENT],
    setPermission(repository, login, permission) {
      repository.permissions.set(login, permission);
      grants.push({ repositoryId: repository.id, login, permission, at: stage.now() });
    },
    couldWrite(repository, login, from) {
      const own = grants.filter((grant) => grant.repositoryId === repository.id && grant.login === login);
      // A grant lasts until the next one.
      return own.some((grant, at) => {
        const next = own[at + 1];
        return (grant.permission === "write" || grant.permission === "admin") && (!next || next.at >= from);
      });
    },
  };
}

/** Whether a call by this name reaches the repository. */
export function answersTo({ name, formerNames, hidden }: Repository, asked: string): boolean {
  return !hidden && (name === asked || formerNames.has(asked));
}

/** GitHub's times have no milliseconds. */
export function inSeconds(at: Date): Date {
  return new Date(Math.floor(at.getTime() / 1000) * 1000);
}

export function keyOf(repository: Repository, number: number): string {
  return pullKey({ host: HOST, repositoryId: repository.id, number });
}

/** What GET /pulls answers now. */
export function readPullRequest(pull: PullRequest): Pull {
  const { number, state, merged, closedAt, createdAt, headSha, fork, author, authorIsBot, repository } = pull;
  const refs = { headRef: "feature", baseRef: "main" };
  const named = { repositoryId: repository.id, repositoryName: repository.name };
  return {
    number,
    ...named,
    state,
    merged,
    closedAt,
    createdAt,
    headSha,
    ...refs,
    fork,
    author,
    authorIsBot,
  };
}
