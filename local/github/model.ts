import type { Objects } from "./git.ts";

export type Permission = "admin" | "write" | "read" | "none";

export interface Account {
  readonly login: string;
  readonly id: number;
  readonly type: "User" | "Bot" | "Organization";
}

export interface Repository {
  readonly id: number;
  readonly owner: Account;
  name: string;
  readonly description: string;
  readonly private: boolean;
  readonly parent: Repository | null;
  /** Whether the subject of its OIDC tokens holds ids, as that of repositories made since July 2026. */
  readonly immutableSubject: boolean;
  /** Shared by all forks of a network. */
  readonly objects: Objects;
  /** Name of a git branch -> SHA of its head. */
  readonly branches: Map<string, string>;
  readonly collaborators: ReadonlyMap<string, Permission>;
  readonly pulls: Pull[];
  readonly createdAt: Date;
  pushedAt: Date;
}

export interface Pull {
  readonly id: number;
  readonly number: number;
  readonly repository: Repository;
  readonly head: Repository;
  readonly headRef: string;
  headSha: string;
  baseRef: string;
  baseSha: string;
  title: string;
  readonly body: string | null;
  readonly author: Account;
  readonly draft: boolean;
  state: "open" | "closed";
  merge: { readonly sha: string; readonly by: Account; readonly at: Date } | null;
  closedAt: Date | null;
  readonly createdAt: Date;
  updatedAt: Date;
  /** SHAs of the commits that it brings, oldest first. */
  readonly commits: string[];
  readonly comments: Comment[];
}

export interface Comment {
  readonly id: number;
  readonly pull: Pull;
  readonly author: Account;
  /** Whether it was written through the App. */
  readonly viaApp: boolean;
  body: string;
  readonly createdAt: Date;
  updatedAt: Date;
  readonly reactions: Reaction[];
}

export interface Reaction {
  readonly id: number;
  readonly author: Account;
  readonly content: ReactionContent;
  readonly createdAt: Date;
}

export const REACTIONS = ["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"] as const;
export type ReactionContent = (typeof REACTIONS)[number];

/** Something that the page shows and, but for reactions and check runs, webhooks are told of. */
export type Change = PullChange | BranchChange;

export interface PullChange {
  readonly event: "pull_request" | "issue_comment" | "reaction" | "check_run";
  readonly action: string;
  readonly pull: Pull;
  readonly comment?: Comment;
  readonly sender: Account;
  /** What the payload has besides: `before` and `after`, or `changes`. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** A git branch moved, appeared or went. */
export interface BranchChange {
  readonly event: "push" | "create" | "delete";
  readonly repository: Repository;
  readonly gitBranch: string;
  /** SHAs of its head; forty zeros where there was or is none. */
  readonly before: string;
  readonly after: string;
  /** Whether commits went that were there before. */
  readonly forced: boolean;
  readonly sender: Account;
}

/** The repository whose webhooks tell of a change. */
export function placeOf(change: Change): Repository {
  return "gitBranch" in change ? change.repository : change.pull.repository;
}

export function fullName({ owner, name }: Repository): string {
  return `${owner.login}/${name}`;
}

/** What a person may do: a collaborator what was granted, everybody else reads what is public. */
export function permissionOf(repository: Repository, login: string): Permission {
  const granted = repository.collaborators.get(login.toLowerCase());
  return granted ?? (repository.private ? "none" : "read");
}

export function mayWrite(repository: Repository, login: string): boolean {
  return ["admin", "write"].includes(permissionOf(repository, login));
}
