import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parametersOf, queryOf } from "./access.ts";
import { ApiError, invalid, notFound } from "./api-error.ts";
import { hookConfigBody } from "./bodies-app.ts";
import type { Schemas } from "./bodies-repository.ts";
import type { Delivery } from "./deliveries.ts";
import { linkText, perPageOf } from "./pages.ts";
import type { Parts } from "./parts.ts";
import { appOf } from "./routes-app.ts";

/** Where a page begins; what it looks like is GitHub's own affair. */
const CURSOR = /^v1_(\d{1,19})$/;
const ID = /^\d{1,19}$/;
/** GitHub's classes of outcomes by status code; a redirect is a success. (openapi-types, webhook-delivery-status) */
const OUTCOMES: Readonly<Record<string, readonly [from: number, to: number]>> = {
  success: [200, 399],
  failure: [400, 599],
};

/** What became of the webhooks; only the App itself may ask. */
export function addDeliveryRoutes(api: FastifyInstance, { site, state, access, deliveries }: Parts): void {
  api.get("/app/hook/config", async (request) => {
    await access.asApp(request);
    return hookConfigBody(appOf(state.apps));
  });
  api.get("/app/hook/deliveries", async (request, reply) => {
    await access.asApp(request);
    const found = filterDeliveries(deliveries.list(), queryOf(request));
    const page = found.slice(0, perPageOf(request));
    const next = found[page.length];
    if (next) reply.header("link", linkText(site, request, { next: `v1_${next.id}` }, "cursor"));
    return sendJson(reply, `[${page.map(deliverySummary).map(textOf).join(",")}]`);
  });
  api.get("/app/hook/deliveries/:id", async (request, reply) => {
    await access.asApp(request);
    return sendJson(reply, textOf(deliveries.get(deliveryIdOf(request))));
  });
  api.post("/app/hook/deliveries/:id/attempts", async (request, reply) => {
    await access.asApp(request);
    deliveries.redeliver(deliveryIdOf(request));
    return reply.code(202).send({});
  });
}

/** A delivery without what was sent and answered. */
export function deliverySummary(delivery: Delivery) {
  const { request: _request, response: _response, url: _url, ...summary } = delivery;
  return summary satisfies Omit<Schemas["hook-delivery-item"], "id">;
}

/** The id of the path; 404 for what can be none. */
export function deliveryIdOf(request: FastifyRequest): string {
  const { id = "" } = parametersOf(request);
  if (!ID.test(id)) throw notFound();
  return id;
}

function filterDeliveries(
  deliveries: readonly Delivery[],
  { cursor, status }: Readonly<Record<string, string | undefined>>,
): readonly Delivery[] {
  const from = cursor === undefined ? undefined : CURSOR.exec(cursor)?.[1];
  if (cursor !== undefined && from === undefined) throw new ApiError(400, "Invalid cursor");
  const outcome = status === undefined ? [0, 999] : OUTCOMES[status];
  if (!outcome) throw invalid(`Invalid request.\n\nFor 'properties/status', ${status} is not a status.`);
  const [lowest = 0, highest = 0] = outcome;
  return deliveries.filter(
    ({ id, status_code }) =>
      (from === undefined || BigInt(id) <= BigInt(from)) && status_code >= lowest && status_code <= highest,
  );
}

/** JSON in which the id is a number with all its digits, which JSON.stringify cannot make. */
function textOf(delivery: { readonly id: string }): string {
  return JSON.stringify(delivery).replace(/^\{"id":"(\d+)"/, '{"id":$1');
}

function sendJson(reply: FastifyReply, text: string): FastifyReply {
  return reply.header("content-type", "application/json; charset=utf-8").send(text);
}
