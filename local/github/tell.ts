import type { Account, Change, Pull, Repository } from "./model.ts";

/** What git calls the commit before the first and after the last. */
export const NO_COMMIT = "0".repeat(40);

/** Takes a change to whoever wants to know. */
export type Tell = (change: Change) => void;

/** A git branch moved from one commit to another. */
export interface Move {
  readonly repository: Repository;
  readonly gitBranch: string;
  readonly before: string;
  readonly after: string;
  readonly sender: Account;
  readonly forced?: boolean;
}

/** Tells that a git branch has moved, and that it was created or deleted if so. */
export function tellMove(tell: Tell, move: Move): void {
  const { before, after, forced = false } = move;
  if (before === NO_COMMIT) tell({ ...move, event: "create", forced });
  if (after === NO_COMMIT) tell({ ...move, event: "delete", forced });
  tell({ ...move, event: "push", forced });
}

/** Tells what happened to a pull request, which is now younger. */
export function tellPull(
  tell: Tell,
  action: string,
  pull: Pull,
  sender: Account,
  more: Readonly<Record<string, unknown>> = {},
): void {
  pull.updatedAt = new Date();
  tell({ event: "pull_request", action, pull, sender, more });
}
