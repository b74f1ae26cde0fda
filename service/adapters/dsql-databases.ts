import { setTimeout } from "node:timers/promises";
import type { AuroraDSQLClient } from "@aws/aurora-dsql-node-postgres-connector";
import type { QueryConfig } from "pg";
import { type Grant, rolesOf } from "../domain/access.ts";
import { Retryable } from "../domain/errors.ts";
import type { Statement } from "../domain/migration.ts";
import type { DatabaseSession, Databases, JobOutcome, StatementOutcome } from "../handlers/ports.ts";
import { grantReads, mapRoles, missingGrants } from "./dsql-access.ts";
import { createDsqlClient, type DsqlConnectionOptions } from "./dsql-connection.ts";
import { connectError, statementError } from "./dsql-sql-error.ts";

/** A job's details are shown in a comment. */
const DETAILS_CHARACTERS = 500;
/** A server that does not hang up by then is not waited for; keep-alive closes the socket later. */
const GOODBYE_MS = 1_000;

/** Databases by the public endpoint, as `admin`, with tokens signed by the given credentials. */
export function createDatabases(options: DsqlConnectionOptions): Databases {
  return {
    open: async (endpoint) => sessionOf(await connect(endpoint, options)),
    async verify(endpoint, grants) {
      const missing = await prove(endpoint, grants, options);
      if (missing.length === 0) return;
      const roles = rolesOf(missing).join(", ");
      throw new Retryable("access_missing", `${endpoint} does not show who may connect as ${roles}.`);
    },
  };
}

/** Reads from the cluster, through a connection of its own. Out: the grants that it does not show. */
async function prove(
  endpoint: string,
  grants: readonly Grant[],
  options: DsqlConnectionOptions,
): Promise<readonly Grant[]> {
  const client = await connect(endpoint, options);
  try {
    // The catalogue is kept in the cluster's storage, so this reads all the way down; `select 1` would not.
    await client.query("select count(*) from pg_class");
    return await missingGrants(client, grants);
  } catch (error) {
    throw connectError(endpoint, error);
  } finally {
    await end(client);
  }
}

async function connect(endpoint: string, options: DsqlConnectionOptions): Promise<AuroraDSQLClient> {
  const client = createDsqlClient(endpoint, options);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await end(client);
    throw connectError(endpoint, error);
  }
}

function sessionOf(client: AuroraDSQLClient): DatabaseSession {
  return {
    run: (statement) => run(client, statement),
    job: (jobId) => job(client, jobId),
    mapRoles: (grants, formerRoles) => mapRoles(client, grants, formerRoles),
    grantReads: (role) => grantReads(client, role),
    close: () => end(client),
  };
}

async function run(client: AuroraDSQLClient, statement: Statement): Promise<StatementOutcome> {
  try {
    // The extended protocol takes exactly one statement, so a slip of the splitter cannot run two as one.
    const query: QueryConfig & { queryMode: "extended" } = { text: statement.send, queryMode: "extended" };
    const { rows } = await client.query(query);
    const jobId: unknown = statement.kind === "index" ? rows[0]?.job_id : undefined;
    return typeof jobId === "string" ? { kind: "building", jobId } : { kind: "applied" };
  } catch (error) {
    return statementError(error);
  }
}

/**
 * sys.jobs as recorded on a real cluster: statuses in lower case, and rows that vanish about 30 minutes after the end,
 * so that a missing row proves nothing.
 */
async function job(client: AuroraDSQLClient, jobId: string): Promise<JobOutcome> {
  try {
    const { rows } = await client.query("select status, details from sys.jobs where job_id = $1", [jobId]);
    if (!rows[0]) return { kind: "unknown", cause: "The job is not listed any more." };
    const status = String(rows[0].status).toLowerCase();
    const details = String(rows[0].details ?? "").slice(0, DETAILS_CHARACTERS);
    if (status === "completed") return { kind: "completed" };
    if (status === "failed" || status === "cancelled") {
      return { kind: "failed", message: details || `The job was ${status}.` };
    }
    return { kind: "building" };
  } catch (error) {
    const outcome = statementError(error);
    const cause =
      outcome.kind === "conflict" ? "40001" : "message" in outcome ? outcome.message : outcome.cause;
    return { kind: "unknown", cause };
  }
}

/** Never throws and never waits long: a connection that cannot be ended properly is gone already. */
async function end(client: AuroraDSQLClient): Promise<void> {
  const ended = client.end().catch(() => undefined);
  await Promise.race([ended, setTimeout(GOODBYE_MS, undefined, { ref: false })]);
}
