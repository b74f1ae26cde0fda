import type { Aws } from "./aws.ts";
import type { Customers } from "./customers.ts";
import type { Deliveries } from "./deliveries.ts";
import type { GitHubWorld, PullRequest } from "./github.ts";
import type { People } from "./people.ts";
import type { EnvironmentSeen } from "./snapshot.ts";
import { lineSplitter } from "./splitter.ts";
import type { Stacks } from "./stacks.ts";
import type { Stage } from "./stage.ts";

/** Everything outside the service. */
export interface World {
  readonly stage: Stage;
  readonly aws: Aws;
  readonly stacks: Stacks;
  readonly github: GitHubWorld;
  readonly deliveries: Deliveries;
  readonly people: People;
  readonly customers: Customers;
  readonly maxClusters: number;
}

/** What the head of a commit, or a customer's files, must have executed; null if it is no SQL. */
export async function planAt({ github, customers }: World, { kind, head_sha: sha }: EnvironmentSeen) {
  const statements = [];
  for (const file of kind === "tenant" ? customers.filesAt(sha) : github.filesAt(sha)) {
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
