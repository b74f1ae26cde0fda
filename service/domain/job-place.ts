import type { JobPlace } from "./caller.ts";

/** What a job's token says of the place where it runs. */
export interface JobFacts {
  readonly eventName: string;
  readonly ref: string;
}

type Place =
  | { readonly kind: "pull"; readonly number: number }
  | { readonly kind: "branch"; readonly gitBranch: string };

/**
 * Where a job runs, by its event and ref alone. Null for every other event: `pull_request_target`, `issue_comment` and
 * `workflow_run` run in the base's context, often with a stranger's code checked out; a closed pull request's job has
 * the ref of its base (github.md 4.4, 4.5).
 */
export function placeOf({ eventName, ref }: JobFacts): Place | null {
  if (eventName === "pull_request") {
    const number = /^refs\/pull\/([1-9]\d{0,9})\/merge$/.exec(ref)?.[1];
    return number ? { kind: "pull", number: Number(number) } : null;
  }
  if (!["push", "workflow_dispatch", "merge_group"].includes(eventName)) return null;
  const gitBranch = /^refs\/heads\/(\S{1,255})$/.exec(ref)?.[1];
  return gitBranch ? { kind: "branch", gitBranch } : null;
}

/** How history names a job. */
export function jobName(place: JobPlace, repository: string, runId: string): string {
  const where = place.kind === "pull" ? `#${place.number}` : ` ${place.gitBranch}`;
  return `${repository}${where} (run ${runId})`;
}
