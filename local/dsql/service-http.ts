import { randomUUID } from "node:crypto";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Fault, Faults } from "./faults.ts";
import type { Identity, Refusal } from "./principals.ts";
import { type Scope, verifyRequest } from "./signature.ts";

/** The largest request is CreateCluster with a policy of 20 KB and 200 tags; a secret has 64 KB at most. */
export const BODY_LIMIT_BYTES = 256 * 1024;

/** An HTTP server for one of AWS' protocols: bodies stay bytes, because signatures cover them. Not listening yet. */
export function buildServiceApp(): FastifyInstance {
  const app = Fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    routerOptions: { maxParamLength: 512 },
    forceCloseConnections: true,
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.addHook("onRequest", async (_request, reply) => {
    reply.header("x-amzn-requestid", randomUUID());
  });
  return app;
}

export function bodyOf({ body }: FastifyRequest): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

/** Out: who signed the request. */
export function whoSigned(request: FastifyRequest, scope: Scope): Promise<Identity | Refusal> {
  const { method, url, headers } = request;
  return verifyRequest({ method, url, headers, body: bodyOf(request) }, scope, new Date());
}

export interface Perform {
  operation: string;
  faults: Faults;
  reply: FastifyReply;
  /** Does it. Out: the answer's body. */
  run(): Promise<string> | string;
  /** What to throw for a fault that is an error. */
  fail(answer: 500 | 429, retryAfterSeconds?: number): Error;
}

/** Does an operation, or what a test's fault wants instead: an error, silence, or the effect without its answer. */
export async function perform({ operation, faults, reply, run, fail }: Perform): Promise<unknown> {
  const fault: Fault | undefined = faults.take(operation);
  if (fault?.answer === 500 || fault?.answer === 429) throw fail(fault.answer, fault.retryAfterSeconds);
  if (fault?.answer === "hang") return reply.hijack();
  const body = await run();
  if (fault?.answer !== "lost") return reply.send(body);
  reply.raw.socket?.destroy();
  return reply.hijack();
}
