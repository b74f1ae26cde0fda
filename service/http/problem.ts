import type { FastifyReply } from "fastify";

/** An error as RFC 9457 has it, with a reason code of ours. `detail` says what happened and what to do next. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly reason: string;
  readonly detail: string;
}

/** Answers with application/problem+json; the id finds the request in the log. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const requestId = reply.request.id;
  return reply
    .code(problem.status)
    .header("x-request-id", requestId)
    .type("application/problem+json")
    .send(JSON.stringify({ type: "about:blank", ...problem, requestId }));
}
