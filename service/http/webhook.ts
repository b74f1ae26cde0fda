import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { WEBHOOK_BODY_BYTES } from "../domain/limits.ts";
import { answerDelivery, type DeliveryAnswer, refuseHeaders, respond, type WebhookDeps } from "./delivery.ts";

/** `POST /webhooks/github` of the Fastify server. */
export async function webhookRoutes(app: FastifyInstance, deps: WebhookDeps): Promise<void> {
  // The raw bytes are what was signed, so no parser may touch them; other routes keep their own parsers and limits.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "*",
    { parseAs: "buffer", bodyLimit: WEBHOOK_BODY_BYTES },
    (_request, body, done) => done(null, body),
  );
  const send = (request: FastifyRequest, reply: FastifyReply, answer: DeliveryAnswer) => {
    const about = { requestId: request.id, durationMs: reply.elapsedTime };
    const { status, headers, body } = respond(deps.log, request.headers, answer, about);
    return reply
      .code(status)
      .headers(headers)
      .send(body === "" ? undefined : body);
  };
  app.route({
    method: "POST",
    url: "/webhooks/github",
    bodyLimit: WEBHOOK_BODY_BYTES,
    async onRequest(request, reply) {
      const refusal = refuseHeaders(request.headers);
      return refusal && send(request, reply, refusal);
    },
    async handler(request, reply) {
      const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      return send(request, reply, await answerDelivery(deps, request.headers, bytes));
    },
  });
}
