import { freeSlots } from "../domain/slots.ts";
import { permissionOf, subjectOf } from "./api-access.ts";
import type { ApiHandlers } from "./api-types.ts";
import { viewOperation } from "./operations.ts";
import { permit } from "./permit.ts";
import type { ApiContext } from "./ports-api.ts";
import { readCensus } from "./slots.ts";
import { waitUntil } from "./wait.ts";

/** Operations, slots and Regions. */
export function createSystem(
  context: ApiContext,
): Pick<ApiHandlers, "getOperation" | "getSlots" | "listRegions"> {
  const { store, clock, policy } = context;
  return {
    async getOperation(caller, id, wait) {
      const row = await store.operation(id);
      const environment = row && (await store.environment(row.environmentId));
      permit(
        caller,
        "operation.get",
        subjectOf(environment, await permissionOf(context, caller, environment)),
      );
      if (!row || !environment) throw new Error("An operation was permitted on nothing.");
      const look = async () =>
        viewOperation(store, row, (await store.environment(row.environmentId)) ?? environment, clock.now());
      return wait ? waitUntil(context, wait, look, ({ status }) => status !== "running") : look();
    },
    async getSlots(caller) {
      permit(caller, "slots.get", { kind: "system" });
      const { census } = await readCensus(context);
      const { quota, reserve, maxClusters, ours: used, foreign: others } = census;
      const waiting = (await store.waiting()).length;
      return {
        region: policy.region,
        ...{ quota, reserve, maxClusters, used, others, free: freeSlots(census), waiting },
      };
    },
    async listRegions(caller) {
      permit(caller, "regions.get", { kind: "system" });
      return { items: [{ name: policy.region, isDefault: true }], nextCursor: null };
    },
  };
}
