/**
 * What went wrong. `reason` is a code of the API, or one of the client's own with `status` 0: `unreachable` (no answer
 * came), `bad_answer` (not this API), `timeout` (a wait ran out), `other_commit` and `bad_event` (of a CI job). `message`
 * says what happened and what to do next.
 */
export class OffshootError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly detail: string;
  /** What the operator finds in the service's log; null if no answer came. */
  readonly requestId: string | null;
  constructor(
    problem: { status: number; reason: string; detail: string; requestId?: string | null },
    options?: ErrorOptions,
  ) {
    super(problem.detail, options);
    this.name = "OffshootError";
    this.status = problem.status;
    this.reason = problem.reason;
    this.detail = problem.detail;
    this.requestId = problem.requestId ?? null;
  }
}
