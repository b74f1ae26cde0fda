import type { Cluster } from "../domain/cluster.ts";
import type { Environment } from "../domain/environment.ts";
import { failureOf, OUTCOME_UNKNOWN } from "../domain/failure.ts";
import { STATEMENT_LOST } from "../domain/migration.ts";
import { isSettled } from "../domain/operation.ts";
import { currentCluster, type Phase, phaseOf } from "../domain/phase.ts";
import type { EnvironmentView, StackView } from "./api-types.ts";
import type { Context } from "./context.ts";
import type { StoreReads } from "./ports-store.ts";
import { hostOf } from "./targets.ts";

/** DSQL's port and the one database of a cluster (quotas page). */
export const DATABASE_PORT = 5432;
export const DATABASE_NAME = "postgres";

/** An environment with the clusters that it stands for. */
export interface Loaded {
  readonly environment: Environment;
  readonly serving: Cluster | null;
  readonly next: Cluster | null;
  readonly phase: Phase;
}

/** Reads the clusters of environments, in one statement for them all. */
export async function loadAll(
  store: StoreReads,
  environments: readonly Environment[],
  now: Date,
): Promise<readonly Loaded[]> {
  const ids = environments.flatMap(({ servingId, nextId }) => [servingId, nextId]);
  const clusters = await store.clusters(ids.filter((id) => id !== null));
  const byId = new Map(clusters.map((cluster) => [cluster.id, cluster]));
  const clusterOf = (id: string | null) => (id === null ? null : (byId.get(id) ?? null));
  const loaded: Loaded[] = [];
  for (const environment of environments) {
    const known = clusterOf(environment.servingId);
    const next = clusterOf(environment.nextId);
    // An unwanted one has not ended while a cluster that it let go of earlier is still there (read-clusters.ts).
    const isLeft =
      environment.wanted === "absent" && !environment.endedAt && (!known || known.status === "gone");
    const serving = isLeft ? await store.lastCluster(environment.id) : known;
    loaded.push({ environment, serving, next, phase: phaseOf(environment, serving, next, now) });
  }
  return loaded;
}

export async function load(store: StoreReads, environment: Environment, now: Date): Promise<Loaded> {
  const [loaded] = await loadAll(store, [environment], now);
  if (!loaded) throw new Error(`Environment ${environment.id} was not loaded.`);
  return loaded;
}

/** What the API shows of environments: as many statements for a page as for one. */
export async function viewAll(
  context: Pick<Context, "store" | "clock" | "policy">,
  store: StoreReads,
  environments: readonly Environment[],
): Promise<readonly EnvironmentView[]> {
  const loaded = await loadAll(store, environments, context.clock.now());
  const ids = new Set(
    environments.flatMap(({ repositoryId }) => (repositoryId === null ? [] : [repositoryId])),
  );
  const names = new Map(
    (await store.repositories([...ids])).map((one) => [
      `${one.host}/${one.repositoryId}`,
      one.repositoryName,
    ]),
  );
  const current = loaded.map(({ serving, next }) => currentCluster(serving, next));
  const applied = await store.appliedStatements(current.flatMap((cluster) => (cluster ? [cluster.id] : [])));
  const views: EnvironmentView[] = [];
  for (const [at, one] of loaded.entries()) {
    const cluster = current[at] ?? null;
    views.push({
      ...fieldsOf(one.environment),
      owner: ownerOf(
        one.environment,
        names.get(`${hostOf(one.environment)}/${one.environment.repositoryId}`),
      ),
      phase: one.phase,
      settled: isSettled(one.phase, one.serving),
      endpoint: endpointOf(context, one.serving),
      stack: stackOf(one.serving),
      failure: failureOf(
        one.environment,
        cluster,
        one.phase,
        await failedStatement(store, one.phase, cluster),
      ),
      migrations: {
        digest: one.environment.headSha,
        statements: one.environment.plan?.statementCount ?? 0,
        applied: (cluster && applied.get(cluster.id)) ?? 0,
      },
      retiredUntil: one.phase === "retired" ? (one.serving?.retiredUntil ?? null) : null,
    });
  }
  return views;
}

export async function viewOne(
  context: Pick<Context, "store" | "clock" | "policy">,
  store: StoreReads,
  environment: Environment,
): Promise<EnvironmentView> {
  const [view] = await viewAll(context, store, [environment]);
  if (!view) throw new Error(`Environment ${environment.id} has no view.`);
  return view;
}

function fieldsOf(environment: Environment) {
  const { id, wanted, wantedReason: reason, labels, limits, revision, generation, queuedAt } = environment;
  const { createdAt, wantedAt, readyAt, until, endedAt } = environment;
  const waiting = queuedAt === null ? null : { since: queuedAt };
  const named = {
    id,
    wanted,
    reason,
    labels,
    limits,
    protected: environment.protected,
    revision,
    generation,
  };
  return { ...named, waiting, createdAt, wantedAt, readyAt, until, endedAt };
}

function ownerOf(environment: Environment, repository: string | undefined): EnvironmentView["owner"] {
  const { kind, number, gitBranch, customerKey, database } = environment;
  return {
    kind,
    repository: repository ?? null,
    number,
    gitBranch,
    database: kind === "tenant" ? null : database,
    key: customerKey,
  };
}

/** Also while it is not ready: builds may store it early, and connecting is refused until then. */
function endpointOf(
  { policy }: Pick<Context, "policy">,
  cluster: Cluster | null,
): EnvironmentView["endpoint"] {
  if (!cluster?.endpoint || !cluster.identifier || cluster.use === "remove" || cluster.status === "gone")
    return null;
  const { identifier, endpoint: host } = cluster;
  return { identifier, region: policy.region, host, port: DATABASE_PORT, database: DATABASE_NAME };
}

function stackOf(cluster: Cluster | null): StackView | null {
  if (!cluster?.stack || cluster.status === "gone") return null;
  const { stack: name, roles, reason, trouble: message } = cluster;
  return {
    ...{ name, connectRoleArn: roles?.connect ?? null, readerRoleArn: roles?.reader ?? null },
    trouble: reason === null ? null : { reason, message },
  };
}

export async function failedStatement(store: StoreReads, phase: Phase, cluster: Cluster | null) {
  if (phase !== "failed" || !cluster) return null;
  const ledger = await store.ledger(cluster.id);
  const lost = ledger.find((entry) => entry.state === "started");
  if (lost && cluster.migrationState === "diverged") {
    return { file: lost.file, line: lost.line, code: OUTCOME_UNKNOWN, message: "" };
  }
  const failed = ledger.find((entry) => entry.state === "failed");
  // Of diverged ones a failure counts that could not be tried again (plan.ts); an older one is not why.
  const isWhy = cluster.migrationState !== "diverged" || failed?.jobId || failed?.code === STATEMENT_LOST;
  const row = isWhy ? failed : undefined;
  return row ? { file: row.file, line: row.line, code: row.code ?? "", message: row.message ?? "" } : null;
}
