import type { Aws } from "./aws.ts";
import type { Deliveries } from "./deliveries.ts";
import type { GitHubWorld, PullRequest } from "./github.ts";
import type { People } from "./people.ts";
import { lineSplitter } from "./splitter.ts";
import type { Stage } from "./stage.ts";

/** Everything outside the service. */
export interface World {
  readonly stage: Stage;
  readonly aws: Aws;
  readonly github: GitHubWorld;
  readonly deliveries: Deliveries;
  readonly people: People;
  readonly maxClusters: number;
}

/** What the head of a commit must have executed; null if it is no SQL. */
export async function planAt(github: GitHubWorld, sha: string) {
  const statements = [];
  for (const file of github.filesAt(sha)) {
    const split = await lineSplitter.split(file);
    if ("problem" in split) return null;
    statements.push(...split.statements);
  }
  return statements;
}

export function pullOf(github: GitHubWorld, key: string): PullRequest {
  const pull = github.pulls.find((one) => one.key === key);
  if (!pull) throw new Error(`There is no pull request ${key}.`);
  return pull;
}
