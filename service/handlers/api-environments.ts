import type { Environment } from "../domain/environment.ts";
import { Refused } from "../domain/errors.ts";
import { isSettled } from "../domain/operation.ts";
import { permissionOf, permitted, subjectOf } from "./api-access.ts";
import { createBranch } from "./api-branches.ts";
import { endOf, restoreOf } from "./api-ends.ts";
import type { ApiHandlers, Write } from "./api-types.ts";
import { change, settled, started, write } from "./api-write.ts";
import { load, viewOne } from "./environment-view.ts";
import { permit } from "./permit.ts";
import type { Permission } from "./ports.ts";
import type { ApiContext, Caller } from "./ports-api.ts";
import type { StoreTransaction } from "./ports-store.ts";
import { waitUntil } from "./wait.ts";

type EnvironmentHandlers = Pick<
  ApiHandlers,
  | "createEnvironment"
  | "getEnvironment"
  | "keepEnvironment"
  | "resetEnvironment"
  | "restoreEnvironment"
  | "destroyEnvironment"
>;
type Verb = "keep" | "reset" | "restore" | "destroy";

/** The same view over all owners; what changes one is for previews, because customers have routes of their own. */
export function createEnvironments(context: ApiContext): EnvironmentHandlers {
  const found = async (caller: Caller, id: string) =>
    permitted(context, caller, "environment.get", await context.store.environment(id));
  /** A write over a preview: who may is asked before, as GitHub may be asked for it; the rows are read again inside. */
  const on = async <Body>(
    asked: Write,
    id: string,
    verb: Verb,
    work: (
      tx: StoreTransaction,
      environment: Environment,
      now: Date,
    ) => Promise<{ status: number; body: Body }>,
  ) => {
    const known = await context.store.environment(id);
    const permission = await permissionOf(context, asked.caller, known);
    // A repeat is answered from memory, which is for those only who may now.
    permit(asked.caller, `environment.${verb}`, subjectOf(known, permission));
    return write(context, asked, async (tx, now) =>
      work(tx, await checked(tx, asked.caller, id, verb, permission), now),
    );
  };
  return {
    async createEnvironment(asked, create, wait) {
      return settled(context, await createBranch(context, asked, create), wait);
    },
    async getEnvironment(caller, id, wait) {
      const environment = await found(caller, id);
      if (wait) await waitForRest(context, environment, wait);
      const fresh = (await context.store.environment(id)) ?? environment;
      return viewOne(context, context.store, fresh);
    },
    keepEnvironment: (asked, id, until) =>
      on(asked, id, "keep", async (tx, environment, now) => {
        const kept = await keep(context, tx, asked.caller, environment, until, now);
        return { status: 200, body: await viewOne(context, tx, kept) };
      }),
    async resetEnvironment(asked, id, wait) {
      const answer = await on(asked, id, "reset", async (tx, environment, now) => {
        const reset = await change(context, tx, asked.caller, environment, resetOf(environment, now), now);
        return { status: 202, body: await started(context, tx, asked.caller, reset, "reset", now) };
      });
      return settled(context, answer, wait);
    },
    async restoreEnvironment(asked, id, wait) {
      const answer = await on(asked, id, "restore", async (tx, environment, now) => {
        const restored = await restoreOf(context, tx, environment, now);
        const back = await change(context, tx, asked.caller, environment, restored, now);
        return { status: 202, body: await started(context, tx, asked.caller, back, "restore", now) };
      });
      return settled(context, answer, wait);
    },
    async destroyEnvironment(asked, id, wait) {
      const answer = await on(asked, id, "destroy", async (tx, environment, now) => {
        const { caller } = asked;
        if (environment.wanted === "absent" && environment.wantedReason === "api_destroy") {
          return { status: 202, body: await started(context, tx, caller, environment, null, now) };
        }
        const gone = await change(context, tx, caller, environment, endOf(environment, now), now);
        return { status: 202, body: await started(context, tx, caller, gone, "delete", now) };
      });
      return settled(context, answer, wait);
    },
  };
}

async function checked(
  tx: StoreTransaction,
  caller: Caller,
  id: string,
  verb: Verb,
  permission: Permission,
): Promise<Environment> {
  const environment = await tx.environment(id);
  permit(caller, `environment.${verb}`, subjectOf(environment, permission));
  if (!environment) throw new Error(`${verb} was permitted on nothing.`);
  if (environment.kind !== "tenant") return environment;
  throw new Refused(
    "use_tenants",
    `This is a customer's database. Use /v1/tenants/${environment.customerKey}.`,
  );
}

async function waitForRest(
  context: ApiContext,
  environment: Environment,
  wait: Parameters<typeof waitUntil>[1],
): Promise<void> {
  const look = async () => {
    const fresh = (await context.store.environment(environment.id)) ?? environment;
    return load(context.store, fresh, context.clock.now());
  };
  await waitUntil(context, wait, look, ({ phase, serving }) => isSettled(phase, serving));
}

/** At least until then; a later end that it has already stays. */
async function keep(
  context: ApiContext,
  tx: StoreTransaction,
  caller: Caller,
  environment: Environment,
  until: Date,
  now: Date,
): Promise<Environment> {
  if (environment.wanted === "absent") {
    throw new Refused("deleted", "It has ended already. Restore it first, if its data is still kept.");
  }
  const latest = new Date(now.getTime() + context.policy.ageMs);
  if (until <= now || until > latest) {
    const bounds = `between now and ${latest.toISOString()}`;
    throw new Refused("invalid_request", `until: ${until.toISOString()} is not ${bounds}.`);
  }
  if (environment.until === null || environment.until >= until) return environment;
  const columns = { until, revision: environment.revision + 1 };
  return change(
    context,
    tx,
    caller,
    environment,
    { columns, event: "kept", detail: until.toISOString() },
    now,
  );
}

function resetOf(environment: Environment, now: Date) {
  if (environment.wanted === "absent") {
    throw new Refused("deleted", "It has ended already, so there is nothing to begin anew.");
  }
  const generation = environment.generation + 1;
  const revision = environment.revision + 1;
  return { columns: { generation, resetGeneration: generation, revision, wantedAt: now }, event: "reset" };
}
