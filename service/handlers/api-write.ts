import { actorOf, type Caller } from "../domain/caller.ts";
import type { Environment } from "../domain/environment.ts";
import { Refused, Retryable } from "../domain/errors.ts";
import { graceOf } from "../domain/grace.ts";
import type { Answer, IfMatch, OperationView, StartedView, Wait, Write } from "./api-types.ts";
import { newId } from "./context.ts";
import { load, viewOne } from "./environment-view.ts";
import { once } from "./idempotency.ts";
import { viewOperation } from "./operations.ts";
import type { ApiContext } from "./ports-api.ts";
import type { EnvironmentChange, OperationRow, StoreTransaction } from "./ports-store.ts";
import { reportWakes } from "./targets.ts";
import { waitUntil } from "./wait.ts";

/** A row that a step wrote at the same moment is read again; steps write a few times a second at most. */
const STALE_TRIES = 10;

/**
 * Runs a write in one transaction with the memory of its answer; repeated on rows that somebody else wrote first. Throws
 * Refused `paused_after_restore`.
 */
export async function write<Body>(
  context: ApiContext,
  asked: Write,
  work: (tx: StoreTransaction, now: Date) => Promise<{ readonly status: number; readonly body: Body }>,
): Promise<Answer<Body>> {
  await context.brake?.refuse();
  for (let tries = 1; ; tries += 1) {
    try {
      const answer = await context.store.transaction((tx) => {
        const now = context.clock.now();
        return once(tx, asked, now, () => work(tx, now));
      });
      context.nudge.nudge();
      return answer;
    } catch (error) {
      if (!(error instanceof Retryable) || error.reason !== "stale" || tries >= STALE_TRIES) throw error;
    }
  }
}

/** What a write changes of an environment, and how history tells it. */
export interface Change {
  readonly columns: EnvironmentChange;
  readonly event: string;
  readonly detail?: string;
}

/** Writes the columns, the history with its actor, and wakes whoever acts on it. Out: the row as it is now. */
export async function change(
  context: ApiContext,
  tx: StoreTransaction,
  caller: Caller,
  environment: Environment,
  { columns, event, detail }: Change,
  now: Date,
): Promise<Environment> {
  await tx.updateEnvironment(environment, columns);
  await record(context, tx, caller, environment, event, detail ?? null, now);
  await wakeAll(tx, environment, now);
  const fresh = await tx.environment(environment.id);
  if (!fresh) throw new Error(`Environment ${environment.id} vanished while it was written.`);
  return fresh;
}

export function record(
  context: ApiContext,
  tx: StoreTransaction,
  caller: Caller,
  { id: environmentId }: Pick<Environment, "id">,
  kind: string,
  detail: string | null,
  at: Date,
): Promise<void> {
  return tx.addEvent({ environmentId, id: newId(context, "evt"), at, kind, actor: actorOf(caller), detail });
}

/** Its clusters too: one that AWS refused to create would be tried again in an hour only. */
export async function wakeAll(tx: StoreTransaction, environment: Environment, dueAt: Date): Promise<void> {
  const { id, servingId, nextId } = environment;
  const clusters = [servingId, nextId].filter((key) => key !== null);
  await tx.wake(
    [
      { topic: "environment", key: id, dueAt },
      ...clusters.map((key) => ({ topic: "cluster" as const, key, dueAt })),
      ...reportWakes(environment, dueAt),
    ],
    dueAt,
  );
}

/** The answer of a write that began something, or that found nothing to begin (`kind` null). */
export async function started(
  context: ApiContext,
  tx: StoreTransaction,
  caller: Caller,
  environment: Environment,
  kind: OperationRow["kind"] | null,
  now: Date,
): Promise<StartedView> {
  const view = await viewOne(context, tx, environment);
  if (kind === null) return { environment: view, operation: null };
  const operation: OperationRow = {
    id: newId(context, "op"),
    environmentId: environment.id,
    kind,
    generation: environment.generation,
    actor: actorOf(caller),
    createdAt: now,
  };
  await tx.addOperation(operation);
  const operationView = await viewOperation(tx, operation, environment, now);
  return { environment: view, operation: operationView };
}

/** Its clusters follow with their next step, at AWS too. */
export async function protectClusters(
  tx: StoreTransaction,
  { servingId, nextId }: Environment,
  isProtected: boolean,
): Promise<void> {
  for (const id of [servingId, nextId]) if (id) await tx.setProtected(id, isProtected);
}

/** Throws Refused if somebody changed it since the caller looked. */
export function checkMatch({ revision }: Environment, ifMatch: IfMatch): void {
  if (ifMatch === null || ifMatch === revision) return;
  throw new Refused(
    "precondition_failed",
    `It is at revision ${revision} now, not at ${ifMatch}. Get it again, and decide again.`,
  );
}

/** Holds the answer of a write back until its operation has ended or time is over, and tells how it stands then. */
export async function settled(
  context: ApiContext,
  answer: Answer<StartedView>,
  wait: Wait | null | undefined,
): Promise<Answer<StartedView>> {
  const { operation } = answer.body;
  if (!wait || !operation) return answer;
  const read = async (): Promise<StartedView> => {
    const environment = await context.store.environment(operation.environmentId);
    const row = await context.store.operation(operation.id);
    if (!environment || !row) return answer.body;
    const view: OperationView = await viewOperation(context.store, row, environment, context.clock.now());
    return { environment: await viewOne(context, context.store, environment), operation: view };
  };
  const body = await waitUntil(context, wait, read, (view) => view.operation?.status !== "running");
  return { ...answer, body };
}

/** Whether an unwanted environment has data that can be had again. */
export async function isRestorable(context: ApiContext, tx: StoreTransaction, environment: Environment) {
  const { serving } = await load(tx, environment, context.clock.now());
  if (serving?.status !== "available") return false;
  // The next step would retire it.
  const isKept = environment.readyAt !== null && graceOf(environment, context.policy.grace) > 0;
  return serving.use === "retired" || (serving.use === "serve" && isKept);
}
