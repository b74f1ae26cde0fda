/** The check run of a commit: what GitHub shows beside it, in short. */

/** Its name, which people may require in a branch's protection: never changed. */
export const CHECK_NAME = "offshoot";

export type CheckConclusion = "success" | "failure" | "neutral" | "timed_out";

/** What a check run says. */
export interface Check {
  readonly status: "queued" | "in_progress" | "completed";
  /** Of a completed one only. */
  readonly conclusion: CheckConclusion | null;
  /** Plain text. */
  readonly title: string;
  /** Markdown as GitHub reads it. */
  readonly summary: string;
  /** Where it failed; GitHub can add one, and never takes it back. */
  readonly annotation: CheckAnnotation | null;
}

export interface CheckAnnotation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** By this a check run whose creation was not answered is found again: several pull requests may have one head. */
export function checkExternalId(pullKey: string, sha: string): string {
  return `${pullKey}@${sha}`;
}
