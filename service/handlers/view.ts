import { ADMIN_ROLE } from "../domain/access.ts";
import type { Cluster } from "../domain/cluster.ts";
import type { Environment, WantedReason } from "../domain/environment.ts";
import type { MigrationProblem, Plan } from "../domain/migration.ts";
import { currentCluster, type Phase, phaseOf } from "../domain/phase.ts";
import type {
  CommandNotice,
  Connection,
  EndReason,
  ReadyTimings,
  ReportState,
  ReportView,
  Trouble,
} from "../domain/report.ts";
import { outside } from "../domain/text.ts";
import type { Context } from "./context.ts";
import { readPlan } from "./plans.ts";
import type { LedgerRow, PullRow } from "./ports-store.ts";
import { readClusters } from "./read-clusters.ts";
import { readOffer, slotsInAll } from "./slots.ts";

/** A view with the phase that it shows and the cluster that it speaks of. */
export interface Viewed {
  readonly view: ReportView;
  readonly phase: Phase;
  readonly cluster: Cluster | null;
}

/** Reads what a report of one environment shows. Asks AWS and GitHub only for what the phase needs. */
export async function readView(
  context: Context,
  pull: PullRow,
  environment: Environment,
  notice: CommandNotice | null,
): Promise<Viewed> {
  const { store, clock, policy } = context;
  const { serving, next } = await readClusters(store, environment);
  const phase = phaseOf(environment, serving, next, clock.now());
  const cluster = currentCluster(serving, next);
  const ledger = cluster ? await store.ledger(cluster.id) : [];
  const facts: Facts = { context, pull, environment, cluster, ledger };
  const view = {
    environmentId: environment.id,
    database: outside(environment.database),
    repository: pull.repositoryName,
    webUrl: policy.webUrl,
    number: pull.number,
    headSha: environment.headSha,
    state: await stateOf(facts, phase),
    notice,
  };
  return { view, phase, cluster };
}

/** Reason codes that people should hear of while a database goes, and while it is ready. */
const LEAVING_TROUBLES: ReadonlySet<string> = new Set(["protected", "remove_blocked", "remove_slow"]);
const STACK_TROUBLES: ReadonlySet<string> = new Set(["update_failed", "stack_stuck"]);

interface Facts {
  readonly context: Context;
  readonly pull: PullRow;
  readonly environment: Environment;
  readonly cluster: Cluster | null;
  readonly ledger: readonly LedgerRow[];
}

async function stateOf(facts: Facts, phase: Phase): Promise<ReportState> {
  const { environment, cluster, ledger } = facts;
  switch (phase) {
    case "queued":
      return { phase, seenAt: environment.wantedAt };
    case "waiting":
      return waitingState(facts);
    case "creating":
      if (cluster?.verifiedAt)
        return { phase: "restoring", since: environment.wantedAt, host: cluster.endpoint };
      return {
        phase,
        since: cluster?.createdAt ?? environment.wantedAt,
        host: cluster?.endpoint ?? null,
        migrationFiles: environment.plan?.fileCount ?? 0,
        trouble: troubleOf(cluster),
      };
    case "migrating":
      return migratingState(facts);
    case "verifying":
      return { phase, since: cluster?.migrationSince ?? environment.wantedAt, statements: applied(ledger) };
    case "unverified":
      return {
        phase,
        since: cluster?.migrationSince ?? environment.wantedAt,
        cause: outside("no query was answered through the public endpoint"),
      };
    case "ready":
      return readyState(facts);
    case "failed":
      return failedState(facts);
    case "closed":
      return {
        phase,
        at: environment.wantedAt,
        reason: endReason(environment.wantedReason),
        trouble: LEAVING_TROUBLES.has(cluster?.reason ?? "") ? troubleOf(cluster) : null,
      };
    case "retired":
      return {
        phase,
        reason: endReason(environment.wantedReason),
        keptUntil: cluster?.retiredUntil ?? environment.wantedAt,
        fencedAt: cluster?.fencedAt ?? null,
      };
    case "destroyed":
      return destroyedState(facts);
    case "skipped":
      return { phase, reason: skipReason(environment.wantedReason) };
  }
}

function troubleOf(cluster: Cluster | null): Trouble | null {
  if (!cluster?.reason) return null;
  return { code: cluster.reason, text: cluster.trouble === null ? null : outside(cluster.trouble) };
}

function migratingState({ environment, ledger }: Facts): ReportState {
  const current = ledger.at(-1);
  return {
    phase: "migrating",
    done: applied(ledger),
    total: environment.plan?.statementCount ?? 0,
    file: current?.file ?? "",
    line: current?.line ?? 0,
    since: current?.startedAt ?? environment.wantedAt,
    building: current?.state === "building",
  };
}

function readyState(facts: Facts): ReportState {
  const { environment, cluster, pull } = facts;
  const connection = connectionTo(facts);
  if (!cluster?.verifiedAt || !connection)
    throw new Error(`Environment ${environment.id} is ready without a cluster.`);
  return {
    phase: "ready",
    connection,
    baseRef: outside(pull.baseRef),
    migrationFiles: environment.plan?.fileCount ?? 0,
    verifiedAt: cluster.verifiedAt,
    until: environment.until ?? environment.wantedAt,
    timings: timingsOf(facts, cluster, cluster.verifiedAt),
    trouble: STACK_TROUBLES.has(cluster.reason ?? "") ? troubleOf(cluster) : null,
  };
}

async function failedState(facts: Facts): Promise<ReportState> {
  const { environment, ledger } = facts;
  const known = environment.planGeneration === environment.generation ? environment.planProblem : null;
  const problem = known ?? (await ledgerProblem(facts));
  const appliedInFile = ledger.filter((row) => row.file === problem.file && row.state === "applied").length;
  return { phase: "failed", problem, appliedInFile, connection: connectionTo(facts) };
}

/** The statement's text is read again at the pinned SHA: the store keeps its checksum only. */
async function ledgerProblem({ context, pull, environment, ledger }: Facts): Promise<MigrationProblem> {
  const row = ledger.find((entry) => entry.state === "failed");
  if (!row) throw new Error(`Environment ${environment.id} failed without a failed statement.`);
  const read = await readPlan(context, pull, environment);
  const plan: Plan | null = "plan" in read ? read.plan : null;
  return {
    file: row.file,
    line: row.line,
    index: row.index,
    count: plan?.statements.filter((statement) => statement.file === row.file).length ?? row.index,
    sql: plan?.statements[row.ordinal]?.sql ?? "",
    code: row.code ?? "",
    message: row.message ?? "",
  };
}

async function waitingState({ context, environment }: Facts): Promise<ReportState> {
  const offered = await readOffer(context, environment);
  const holders = await context.store.holders();
  const here = holders.filter((holder) => holder.repositoryId === environment.repositoryId);
  const { offer } = offered;
  return {
    phase: "waiting",
    since: environment.queuedAt ?? environment.wantedAt,
    scope: offer.kind === "wait" ? offer.scope : "slots",
    position: offer.kind === "wait" ? offer.position : 1,
    limit: offer.kind === "wait" ? offer.limit : slotsInAll(offered),
    here: here.length,
    elsewhere: holders.length - here.length,
    holders: here.flatMap(({ number, presentSince, until }) =>
      number === null || until === null ? [] : [{ number, since: presentSince, until }],
    ),
  };
}

async function destroyedState({ context, environment }: Facts): Promise<ReportState> {
  const at = environment.endedAt ?? environment.wantedAt;
  const last = await context.store.lastCluster(environment.id);
  const ledger = last ? await context.store.ledger(last.id) : [];
  return {
    phase: "destroyed",
    at,
    livedMs: last && at.getTime() - last.createdAt.getTime(),
    statements: applied(ledger),
    reason: endReason(environment.wantedReason),
  };
}

function timingsOf({ environment, ledger }: Facts, cluster: Cluster, verifiedAt: Date): ReadyTimings {
  const files = new Map<string, { file: string; statements: number; ms: number }>();
  for (const row of ledger) {
    const entry = files.get(row.file) ?? { file: row.file, statements: 0, ms: 0 };
    const ms = row.finishedAt ? row.finishedAt.getTime() - row.startedAt.getTime() : 0;
    files.set(row.file, { ...entry, statements: entry.statements + 1, ms: entry.ms + ms });
  }
  const list = [...files.values()];
  const migrated = cluster.migrationSince ?? verifiedAt;
  const createdNow = cluster.createdAt >= environment.wantedAt;
  return {
    totalMs: verifiedAt.getTime() - environment.wantedAt.getTime(),
    createMs: createdNow ? cluster.statusSince.getTime() - cluster.createdAt.getTime() : 0,
    migrateMs: list.reduce((sum, file) => sum + file.ms, 0),
    verifyMs: verifiedAt.getTime() - migrated.getTime(),
    files: list,
  };
}

/** Null unless the cluster can be reached. */
function connectionTo({ context, pull, cluster }: Facts): Connection | null {
  if (!cluster?.endpoint || cluster.status !== "available") return null;
  const { connect, region } = context.policy;
  return {
    host: cluster.endpoint,
    region,
    user: ADMIN_ROLE,
    database: "postgres",
    connectTo: connect.to,
    command: connect.command?.replaceAll("{number}", String(pull.number)) ?? null,
    environment: connect.environment,
    roles: cluster.roles,
    signInUrl: connect.signInUrl && `${connect.signInUrl}/${pull.repositoryName}/pull/${pull.number}`,
  };
}

function applied(ledger: readonly LedgerRow[]): number {
  return ledger.filter((row) => row.state === "applied").length;
}

function endReason(reason: WantedReason): EndReason {
  switch (reason) {
    case "pull_merged":
    case "command_destroy":
    case "expired":
    case "repository_gone":
      return reason;
    default:
      return "pull_closed";
  }
}

function skipReason(reason: WantedReason): "fork" | "bot" | "opened_before_installation" {
  return reason === "fork" || reason === "bot" ? reason : "opened_before_installation";
}
