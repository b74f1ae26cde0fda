import type { Environment } from "../domain/environment.ts";
import { failureOf } from "../domain/failure.ts";
import { operationStatus } from "../domain/operation.ts";
import { currentCluster } from "../domain/phase.ts";
import type { OperationView } from "./api-types.ts";
import { failedStatement, load } from "./environment-view.ts";
import type { OperationRow, StoreReads } from "./ports-store.ts";

/** An operation with its status, computed from the environment as it is now. */
export async function viewOperation(
  store: StoreReads,
  row: OperationRow,
  environment: Environment,
  now: Date,
): Promise<OperationView> {
  const { serving, next, phase } = await load(store, environment, now);
  const cluster = currentCluster(serving, next);
  const { id, kind, environmentId, createdAt } = row;
  return {
    id,
    kind,
    environmentId,
    createdAt,
    phase,
    status: operationStatus(row, environment, serving, phase),
    failure: failureOf(environment, cluster, phase, await failedStatement(store, phase, cluster)),
  };
}
