import { ADMIN_ROLE } from "../domain/access.ts";
import type { Cluster } from "../domain/cluster.ts";
import { progress, standing } from "../domain/decide-environment.ts";
import type { Environment } from "../domain/environment.ts";
import { CREATE_LATE_MS, REFUSED_LOOK_MS } from "../domain/limits.ts";
import { parameterName, parameterTags } from "../domain/parameter-name.ts";
import { textDigest } from "../domain/text-digest.ts";
import { type Context, newId, type Policy } from "./context.ts";
import { DATABASE_NAME, DATABASE_PORT } from "./environment-view.ts";
import type { Parameters } from "./ports.ts";
import type { EventRow, ParameterRow, Wake } from "./ports-store.ts";
import { later, type Step } from "./step.ts";
import { repositoryOf } from "./targets.ts";

/** A parameter that somebody removed or changed by hand is put right once a day. */
export const PARAMETER_AUDIT_MS = 24 * 60 * 60_000;
/** Whom the application connects as: the role that every cluster has, and that made the tables. */
const PARAMETER_USER = ADMIN_ROLE;

/** Whoever keeps the environment's SSM parameter; nobody, unless the operator set a prefix. */
export function parameterWakes(policy: Policy, environment: Environment, dueAt: Date): readonly Wake[] {
  return policy.parameterPrefix === null ? [] : [{ topic: "parameter", key: environment.id, dueAt }];
}

/** Rows that are woken at a time. */
const LEFT_MAX = 500;

/** Without a prefix no parameter is kept, and those that were made before it was taken away are removed. Idempotent. */
export async function wakeLeftParameters({
  store,
  policy,
  clock,
}: Pick<Context, "store" | "policy" | "clock">): Promise<void> {
  if (policy.parameterPrefix !== null) return;
  const keys = await store.parameterKeys(LEFT_MAX);
  const dueAt = clock.now();
  const wakes = keys.map((key): Wake => ({ topic: "parameter", key, dueAt }));
  if (wakes.length > 0) await store.transaction((tx) => tx.wake(wakes, dueAt));
}

/** What one step of a parameter works with. */
interface Work {
  readonly context: Context;
  readonly step: Step;
  readonly parameters: Parameters;
  readonly environment: Environment;
}

/**
 * Brings the SSM parameter of one environment to what its database is now: there while it can be connected to, gone
 * otherwise, and where no prefix is set any more. The row is the written intent; nothing without this environment's tags
 * is overwritten or removed.
 */
export async function reconcileParameter(context: Context, step: Step): Promise<void> {
  const { store, parameters, policy } = context;
  const environment = await store.environment(step.key);
  const prefix = policy.parameterPrefix;
  if (!environment || !parameters) return step.commit(null, async () => {});
  const work: Work = { context, step, parameters, environment };
  const row = await store.parameter(environment.id);
  const wanted = prefix === null ? null : await readWanted(context, environment, prefix);
  // A name is left before another is taken: one row remembers one name.
  if (row && row.name !== wanted?.name) return remove(work, row);
  return wanted ? put(work, row, wanted) : step.commit(null, async () => {});
}

interface Wanted {
  readonly name: string;
  readonly value: string;
}

async function readWanted(
  context: Context,
  environment: Environment,
  prefix: string,
): Promise<Wanted | null> {
  const { store, policy } = context;
  const serving = environment.servingId === null ? null : await store.cluster(environment.servingId);
  if (!serving?.endpoint || !isConnectable(environment, serving)) return null;
  const target = await repositoryOf(store, environment);
  if (!target && environment.kind !== "tenant") return null;
  const value = {
    host: serving.endpoint,
    port: policy.connect.to?.port ?? DATABASE_PORT,
    user: PARAMETER_USER,
    database: DATABASE_NAME,
    region: serving.region,
    environmentId: environment.id,
  };
  const name = parameterName(prefix, environment, target?.repositoryName ?? null);
  return { name, value: JSON.stringify(value) };
}

/** A failed push changes nothing for whoever works with the schema before it. */
function isConnectable(environment: Environment, serving: Cluster): boolean {
  if (environment.wanted !== "present" || standing(serving) !== "available") return false;
  return environment.readyAt !== null || progress(environment, serving) === "verified";
}

/** Written intent: the name is durable before AWS hears of it, so that it can always be removed. */
async function put(work: Work, row: ParameterRow | null, { name, value }: Wanted): Promise<void> {
  const { context, step, parameters, environment } = work;
  const now = context.clock.now();
  const digest = textDigest(value);
  const auditAt = new Date((row?.attemptedAt.getTime() ?? 0) + PARAMETER_AUDIT_MS);
  if (row?.digest === digest && now < auditAt) return step.commit(auditAt, async () => {});
  const attempt = {
    ...{ environmentId: environment.id, name, digest: null },
    ...{ attemptedAt: now, foreignAt: row?.foreignAt ?? null },
  };
  await step.hold((tx) => tx.putParameter(attempt));
  step.ensureHeld();
  const outcome = await parameters.put({ name, value, tags: parameterTags(environment) });
  if (outcome === "foreign") return noteForeign(work, attempt);
  await step.commit(later(context, PARAMETER_AUDIT_MS), async (tx) => {
    await tx.putParameter({ ...attempt, digest, foreignAt: null });
    if (row?.digest !== digest) await tx.addEvent(eventOf(work, "parameter_put", name));
  });
}

/** Somebody else's: a person must move one of the two. Said once, and looked at again now and then. */
async function noteForeign(work: Work, attempt: ParameterRow): Promise<void> {
  const { context, step, environment } = work;
  const { name } = attempt;
  context.log.warn(
    { environment: environment.id, parameter: name },
    "an SSM parameter of this name is not ours and was left as it is; remove it, or change the prefix",
  );
  await step.commit(later(context, REFUSED_LOOK_MS), async (tx) => {
    await tx.putParameter({ ...attempt, foreignAt: attempt.foreignAt ?? attempt.attemptedAt });
    if (!attempt.foreignAt) await tx.addEvent(eventOf(work, "parameter_foreign", name));
  });
}

/**
 * The row stays until no put of ours can arrive any more, such as one of a worker that was paused, and the removal is
 * then repeated. After that a parameter of another name may be wanted, so the step is too.
 */
async function remove(work: Work, row: ParameterRow): Promise<void> {
  const { context, step, parameters, environment } = work;
  step.ensureHeld();
  const outcome = await parameters.remove(row.name, parameterTags(environment));
  const now = context.clock.now();
  const lateUntil = new Date(row.attemptedAt.getTime() + CREATE_LATE_MS);
  const isLast = now >= lateUntil;
  await step.commit(isLast ? now : lateUntil, async (tx) => {
    if (isLast) await tx.forgetParameter(environment.id);
    else await tx.putParameter({ ...row, digest: null });
    const wasOurs = row.digest !== null && outcome === "removed";
    if (wasOurs) await tx.addEvent(eventOf(work, "parameter_removed", row.name));
  });
}

function eventOf({ context, environment }: Work, kind: string, detail: string): EventRow {
  const { clock } = context;
  return {
    ...{ environmentId: environment.id, id: newId(context, "evt"), at: clock.now() },
    ...{ kind, actor: null, detail },
  };
}
