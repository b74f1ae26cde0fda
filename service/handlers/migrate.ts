import type { Cluster } from "../domain/cluster.ts";
import type { Environment } from "../domain/environment.ts";
import {
  BACKOFF_FIRST_MS,
  CALL_TIMEOUT_MS,
  MIGRATE_STEP_SECONDS,
  STATEMENT_LOSSES_MAX,
  STATEMENT_RETRIES,
} from "../domain/limits.ts";
import { type Plan, STATEMENT_LOST, type Statement } from "../domain/migration.ts";
import { type PlanRelation, relatePlan } from "../domain/plan.ts";
import { type ClusterAccess, grantReading, mapAccess, readAccess } from "./access.ts";
import { type Context, newId } from "./context.ts";
import { readPlan } from "./plans.ts";
import type { DatabaseSession, RepositoryTarget, StatementOutcome } from "./ports.ts";
import type { LedgerRow, MigrationChange, StoreTransaction } from "./ports-store.ts";
import { later, type Step } from "./step.ts";
import { reportWakes } from "./targets.ts";

/** How often a background index build is looked at; DSQL builds small tables in 5 to 30 s. */
const JOB_LOOK_MS = 1_000;
/** sys.jobs forgets a job about 30 min after its end; one that is not listed for this long is not waited for. */
const JOB_UNKNOWN_MS = 40 * 60_000;

/** What one migrate step works with. */
interface Work {
  readonly context: Context;
  readonly step: Step;
  readonly environment: Environment;
  readonly cluster: Cluster;
  readonly plan: Plan;
  /** Null if nobody is mapped. */
  readonly access: ClusterAccess | null;
  readonly deadline: Date;
}

/**
 * Applies the plan of the environment's generation to a cluster, statement by statement, for at most
 * MIGRATE_STEP_SECONDS. The ledger has a row before and after each statement, so that a crash leaves either "not begun",
 * "applied" or "outcome unknown", never a guess.
 */
export async function migrate(
  context: Context,
  step: Step,
  target: RepositoryTarget | null,
  environment: Environment,
  cluster: Cluster,
): Promise<void> {
  const read = await readPlan(context, target, environment);
  // The plan was readable at this SHA before; if it is not now, the next read_plan says why.
  if ("problem" in read)
    return step.commit(later(context, 0), (tx) => tx.updateEnvironment(environment, { planGeneration: 0 }));
  const deadline = later(context, MIGRATE_STEP_SECONDS * 1000);
  const [access, ledger] = await Promise.all([
    readAccess(context, environment, cluster, target),
    context.store.ledger(cluster.id),
  ]);
  const work: Work = { context, step, environment, cluster, plan: read.plan, access, deadline };
  const relation = relatePlan(read.plan, ledger);
  if (relation.kind === "applied" && !access) return conclude(work, []);
  if (relation.kind === "diverged") return diverge(work, relation);
  if (!cluster.endpoint) throw new Error(`Cluster ${cluster.id} is available without an endpoint.`);
  const session = await context.databases.open(cluster.endpoint);
  try {
    // Before the first statement, because a migration may grant something to a role of the list.
    if (access) await mapAccess(step, session, access);
    const finished = relation.kind === "applied" ? [] : await runFrom(work, session, relation, ledger);
    if (!finished) return;
    if (access) {
      // What was applied is on record before anything else can fail; else the next look would rebuild.
      if (finished.length > 0) await step.hold((tx) => put(work, tx, finished));
      await grantReading(session, access);
    }
    await conclude(work, finished);
  } finally {
    await session.close();
  }
}

/**
 * The outcome of statement n and the beginning of n + 1 share one commit: two round trips a statement. Out: the rows
 * that are to be committed with the conclusion, or null if the step was settled here.
 */
async function runFrom(
  work: Work,
  session: DatabaseSession,
  relation: Extract<PlanRelation, { kind: "behind" | "building" }>,
  ledger: readonly LedgerRow[],
): Promise<readonly LedgerRow[] | null> {
  const { context, step, plan } = work;
  let finished: LedgerRow[] = [];
  let ordinal = relation.ordinal;
  if (relation.kind === "building") {
    const row = ledger.find((entry) => entry.ordinal === ordinal);
    if (!row) throw new Error(`Statement ${ordinal} of ${work.cluster.id} is building without a ledger row.`);
    const built = await waitForJob(work, session, row, relation.jobId);
    if (!built) return null;
    finished = [built];
    ordinal += 1;
  }
  for (; ordinal < plan.statements.length; ordinal += 1) {
    const statement = plan.statements[ordinal];
    if (!statement) break;
    if (context.clock.now() >= work.deadline) {
      await step.commit(later(context, 0), (tx) => put(work, tx, finished));
      return null;
    }
    const started = ledgerRow(ordinal, statement, context.clock.now());
    const current = await begin(work, [...finished, started]);
    if (!current) {
      await step.commit(later(context, 0), async () => {});
      return null;
    }
    const row = await runOne(work, session, statement, started);
    if (!row) return null;
    finished = [row];
  }
  return finished;
}

/** Writes the ledger under a fresh lease, unless a push or a close has changed what is wanted. */
async function begin(work: Work, rows: readonly LedgerRow[]): Promise<boolean> {
  const { environment } = work;
  let current = true;
  await work.step.hold(async (tx) => {
    const fresh = await tx.environment(environment.id);
    current = fresh?.generation === environment.generation;
    await put(work, tx, current ? rows : rows.slice(0, -1));
    if (current) await told(work, tx, work.context.clock.now());
  });
  return current;
}

/** Runs one statement; returns its finished row, or null if the step was settled here. */
async function runOne(
  work: Work,
  session: DatabaseSession,
  statement: Statement,
  started: LedgerRow,
): Promise<LedgerRow | null> {
  work.step.ensureHeld();
  const outcome = await runRetrying(session, statement);
  const finishedAt = work.context.clock.now();
  switch (outcome.kind) {
    case "applied":
      return { ...started, state: "applied", finishedAt };
    case "building": {
      const building: LedgerRow = { ...started, state: "building", jobId: outcome.jobId };
      await work.step.hold((tx) => put(work, tx, [building]));
      return waitForJob(work, session, building, outcome.jobId);
    }
    case "failed": {
      const { code, message } = outcome;
      await fail(work, { ...started, state: "failed", finishedAt, code, message });
      return null;
    }
    case "conflict": {
      const message = `The statement met a conflict ${STATEMENT_RETRIES} times; push again or comment /db create.`;
      await fail(work, { ...started, state: "failed", finishedAt, code: "40001", message });
      return null;
    }
    case "lost":
      await lose(work, started, outcome.cause);
      return null;
  }
}

/** Nobody knows whether the statement was applied, so the next look rebuilds; but not for ever. */
async function lose(work: Work, started: LedgerRow, cause: string): Promise<void> {
  const { context, environment } = work;
  const at = context.clock.now();
  const losses = (await context.store.events(environment.id)).filter(
    (event) => event.kind === STATEMENT_LOST && event.at >= environment.wantedAt,
  );
  context.log.warn({ environment: environment.id, owner: environment.ownerKey, cause }, "statement lost");
  if (losses.length + 1 >= STATEMENT_LOSSES_MAX) {
    const message = `The connection was lost while this statement ran, on ${STATEMENT_LOSSES_MAX} databases. It must end within ${CALL_TIMEOUT_MS / 1000} s; split it into smaller ones.`;
    return fail(work, { ...started, state: "failed", finishedAt: at, code: STATEMENT_LOST, message });
  }
  const event = { environmentId: environment.id, id: newId(context, "evt"), at, kind: STATEMENT_LOST };
  const detail = `${started.file}:${started.line} ${cause}`;
  // The ledger row stays `started`.
  await work.step.commit(later(context, BACKOFF_FIRST_MS), (tx) =>
    tx.addEvent({ ...event, actor: null, detail }),
  );
}

async function runRetrying(session: DatabaseSession, statement: Statement): Promise<StatementOutcome> {
  let outcome = await session.run(statement);
  for (let tries = 1; outcome.kind === "conflict" && tries < STATEMENT_RETRIES; tries += 1) {
    outcome = await session.run(statement);
  }
  return outcome;
}

/** Waits within this step for a background build, else dates the next look. */
async function waitForJob(
  work: Work,
  session: DatabaseSession,
  row: LedgerRow,
  jobId: string,
): Promise<LedgerRow | null> {
  const outcome = await session.job(jobId);
  const finishedAt = work.context.clock.now();
  switch (outcome.kind) {
    case "completed":
      return { ...row, state: "applied", finishedAt };
    case "failed":
      await fail(work, {
        ...row,
        state: "failed",
        finishedAt,
        code: "index_build_failed",
        message: outcome.message,
      });
      return null;
    case "unknown":
      if (finishedAt.getTime() - row.startedAt.getTime() > JOB_UNKNOWN_MS) {
        await diverge(work, { kind: "diverged", reason: "outcome_unknown", file: row.file, line: row.line });
        return null;
      }
      return lookLater(work, finishedAt);
    case "building":
      return lookLater(work, finishedAt);
  }
}

async function lookLater(work: Work, now: Date): Promise<null> {
  await work.step.commit(later(work.context, JOB_LOOK_MS), (tx) => told(work, tx, now));
  return null;
}

async function fail(work: Work, row: LedgerRow): Promise<void> {
  await finish(
    work,
    { migrationState: "failed" },
    [row],
    "migration_failed",
    `${row.file}:${row.line} ${row.code}`,
  );
}

async function diverge(work: Work, relation: Extract<PlanRelation, { kind: "diverged" }>): Promise<void> {
  const detail = `${relation.reason} ${relation.file}:${relation.line}`;
  await finish(work, { migrationState: "diverged" }, [], "migration_diverged", detail);
}

async function conclude(work: Work, rows: readonly LedgerRow[]): Promise<void> {
  const detail = `${work.plan.statements.length} statements`;
  await finish(work, { migrationState: "applied" }, rows, "migrated", detail);
}

async function finish(
  work: Work,
  change: MigrationChange,
  rows: readonly LedgerRow[],
  kind: string,
  detail: string,
): Promise<void> {
  const { context, environment, cluster, access } = work;
  const now = context.clock.now();
  await work.step.commit(now, async (tx) => {
    await put(work, tx, rows);
    if (access && change.migrationState === "applied") await tx.putClusterAccess(access.mapped);
    await tx.updateMigration(cluster.id, {
      ...change,
      migrationGeneration: environment.generation,
      migrationSince: now,
    });
    await tx.addEvent({
      environmentId: environment.id,
      id: newId(context, "evt"),
      at: now,
      kind,
      actor: null,
      detail,
    });
    await told(work, tx, now);
  });
}

function told(work: Work, tx: StoreTransaction, now: Date): Promise<void> {
  return tx.wake(reportWakes(work.environment, now), now);
}

async function put(work: Work, tx: StoreTransaction, rows: readonly LedgerRow[]): Promise<void> {
  for (const row of rows) await tx.putStatement(work.cluster.id, row);
}

function ledgerRow(ordinal: number, statement: Statement, startedAt: Date): LedgerRow {
  const { file, index, line, checksum } = statement;
  const key = { ordinal, file, index, line, checksum };
  return { ...key, state: "started", jobId: null, startedAt, finishedAt: null, code: null, message: null };
}
