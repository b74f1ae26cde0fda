import type { FastifyReply } from "fastify";

/** An error as RFC 9457 has it, with a reason code of ours. `detail` says what happened and what to do next. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly reason: string;
  readonly detail: string;
}

export const PROBLEM_TYPE = "application/problem+json";

/** The body; the id finds the request in the log. */
export function problemBody(problem: Problem, requestId: string): string {
  return JSON.stringify({ type: "about:blank", ...problem, requestId });
}

/** Answers with application/problem+json. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const requestId = reply.request.id;
  return reply
    .code(problem.status)
    .header("x-request-id", requestId)
    .type(PROBLEM_TYPE)
    .send(problemBody(problem, requestId));
}
