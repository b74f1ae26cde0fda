import type { Check } from "../domain/check.ts";
import type { RepositoryTarget } from "./ports.ts";

export interface SentCheck extends Check {
  /** Where its name leads. */
  readonly detailsUrl: string;
}

export interface NewCheck extends SentCheck {
  readonly sha: string;
  readonly externalId: string;
}

export interface FoundCheck {
  readonly id: number;
  readonly status: string;
}

/** Check runs by this App, for which an installation must have granted `checks: write`. Errors as GitHub's. */
export interface Checks {
  /** Those of that external id at the commit, oldest first. */
  findChecks(target: RepositoryTarget, sha: string, externalId: string): Promise<readonly FoundCheck[]>;
  createCheck(target: RepositoryTarget, check: NewCheck): Promise<{ readonly id: number }>;
  /** Also opens one that was completed. An annotation is added to those that it has. `absent` if it is gone. */
  updateCheck(target: RepositoryTarget, id: number, check: SentCheck): Promise<"updated" | "absent">;
}
