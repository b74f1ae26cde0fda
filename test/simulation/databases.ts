import { Retryable } from "../../service/domain/errors.ts";
import type { Statement } from "../../service/domain/migration.ts";
import type {
  DatabaseSession,
  Databases,
  JobOutcome,
  StatementOutcome,
} from "../../service/handlers/ports.ts";
import type { Actor } from "./actor.ts";
import { type Aws, type AwsCluster, refuseForeign, seenOf } from "./aws.ts";

/** DSQL forgets a job about half an hour after its end. */
const JOB_KEPT_MS = 30 * 60_000;
/** A statement that holds this word is refused by the server. */
export const FAILING = "no_such_function";

/** The clusters as their clients reach them: they wake up slowly, and connections break before or after the effect. */
export function createSimulatedDatabases(aws: Aws, actor: Actor): Databases {
  const { stage } = actor;
  const connect = async (endpoint: string): Promise<AwsCluster> => {
    await actor.turn();
    aws.advance();
    stage.say(`${actor.name} connect ${endpoint}`);
    const cluster = [...aws.clusters.values()].find((one) => seenOf(one).endpoint === endpoint);
    if (cluster?.status !== "ACTIVE" || cluster.fenced || stage.fault(0.03)) {
      throw new Retryable("connect_failed", `${endpoint} does not answer.`);
    }
    if (stage.fault(0.05)) throw new Retryable("waking_up", `${endpoint} is waking up.`);
    return cluster;
  };
  return {
    open: async (endpoint) => sessionOf(actor, await connect(endpoint)),
    async verify(endpoint) {
      const cluster = await connect(endpoint);
      refuseForeign(stage, cluster, "query");
      await actor.turn();
      if (cluster.status !== "ACTIVE" || cluster.fenced) {
        throw new Retryable("connect_failed", `${endpoint} is gone, or lets nobody in.`);
      }
      cluster.verifiedAfter = cluster.executed.length;
    },
  };
}

function sessionOf(actor: Actor, cluster: AwsCluster): DatabaseSession {
  return {
    async run(statement) {
      await actor.turn();
      return run(actor, cluster, statement);
    },
    async job(jobId) {
      await actor.turn();
      actor.stage.say(`${actor.name} job ${jobId}`);
      return job(actor, cluster, jobId);
    },
    async mapRoles(grants) {
      await actor.turn();
      actor.stage.say(`${actor.name} map ${grants.length} roles on ${cluster.identifier}`);
      refuseForeign(actor.stage, cluster, "grant");
      if (cluster.status !== "ACTIVE" || actor.stage.fault(0.02)) {
        throw new Retryable("access_unmapped", "The connection was lost while roles were mapped.");
      }
    },
    grantReads: async () => {},
    close: async () => {},
  };
}

function run({ name, stage }: Actor, cluster: AwsCluster, statement: Statement): StatementOutcome {
  stage.say(`${name} run ${statement.file}#${statement.index} on ${cluster.identifier}`);
  refuseForeign(stage, cluster, "statement");
  const isShut = cluster.status !== "ACTIVE" || cluster.fenced;
  if (isShut || stage.fault(0.01)) return { kind: "lost", cause: "connection lost" };
  if (stage.fault(0.03)) return { kind: "conflict" };
  if (statement.sql.includes(FAILING)) {
    return { kind: "failed", code: "42883", message: `function ${FAILING}() does not exist` };
  }
  const { file, index, checksum, sql } = statement;
  cluster.executed.push({ file, index, checksum, sql });
  const jobId = statement.kind === "index" ? `job${cluster.jobs.size}_${cluster.identifier}` : null;
  if (jobId) {
    const endsAt = stage.now().getTime() + stage.random.between(100, 30_000);
    cluster.jobs.set(jobId, { endsAt, fails: stage.fault(0.1) });
  }
  if (stage.fault(0.02)) return { kind: "lost", cause: "connection lost after sending" };
  return jobId ? { kind: "building", jobId } : { kind: "applied" };
}

function job({ stage }: Actor, cluster: AwsCluster, jobId: string): JobOutcome {
  const known = cluster.jobs.get(jobId);
  const now = stage.now().getTime();
  if (cluster.status !== "ACTIVE" || stage.fault(0.03)) return { kind: "unknown", cause: "connection lost" };
  if (!known || now > known.endsAt + JOB_KEPT_MS) return { kind: "unknown", cause: "not listed" };
  if (now < known.endsAt) return { kind: "building" };
  return known.fails ? { kind: "failed", message: "the build failed" } : { kind: "completed" };
}
