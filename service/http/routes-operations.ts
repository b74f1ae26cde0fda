import Type from "typebox";
import type { ApiHandlers } from "./api-handlers.ts";
import { GITHUB_REASONS } from "./problem-status.ts";
import type { AddRoute } from "./route.ts";
import { OperationId, Wait } from "./schemas.ts";

const Params = Type.Object({ id: OperationId }, { additionalProperties: false });

/** What requests began, and what there is room for. */
export function operationRoutes(add: AddRoute, handlers: ApiHandlers): void {
  add({
    ...{ method: "GET", url: "/operations/:id", operationId: "getOperation", tag: "Operations" },
    summary: "Get an operation, or wait until it has ended",
    ...{ params: Params, query: Wait },
    answers: { 200: ["The operation.", "Operation"] },
    reasons: ["too_many_waits", ...GITHUB_REASONS],
    handle: async ({ caller, params, query, during }) => ({
      body: await during(query.wait, (wait) => handlers.getOperation(caller, params.id, wait)),
    }),
  });
  add({
    ...{ method: "GET", url: "/slots", operationId: "getSlots", tag: "Capacity" },
    summary: "How many databases there is room for",
    answers: { 200: ["The slots.", "Slots"] },
    handle: async ({ caller }) => ({ body: await handlers.getSlots(caller) }),
  });
  add({
    ...{ method: "GET", url: "/regions", operationId: "listRegions", tag: "Capacity" },
    summary: "The Regions in which databases can be made",
    answers: { 200: ["All of them.", "RegionPage"] },
    handle: async ({ caller }) => ({ body: await handlers.listRegions(caller) }),
  });
}
