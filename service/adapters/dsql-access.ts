/** Who may connect as what, inside one cluster: database roles, and the IAM roles that are mapped to them. */
import { escapeIdentifier, escapeLiteral, type QueryConfig, type QueryResult, type QueryResultRow } from "pg";
import { type Grant, grantKey, rolesOf } from "../domain/access.ts";
import { Refused, Retryable } from "../domain/errors.ts";
import { STATEMENT_RETRIES } from "../domain/limits.ts";
import { statementError } from "./dsql-sql-error.ts";

/** A client, or a pool, that is connected as the cluster's admin. */
export interface SqlClient {
  query<Row extends QueryResultRow>(query: QueryConfig): Promise<QueryResult<Row>>;
}

/** Both catalogs in one round trip; columns as recorded on a real cluster (dsql.md 3.3). */
const ROLES = `select r.rolname::text as role, m.arn::text as arn
  from pg_catalog.pg_roles r left join sys.iam_pg_role_mappings m on m.pg_role_oid = r.oid
  where r.rolname = any($1::text[]) order by 1, 2`;

/**
 * Schemas that the role cannot read yet: a grant that changes nothing would still be a change of the schema, and meet
 * every open session with 40001 (dsql.md 4.3). PUBLIC may use `public` (3.3), so that has only tables to grant. That DSQL
 * has both functions of Postgres is unverified.
 */
const UNREAD = `select n.nspname::text as schema,
    not has_schema_privilege($1, n.oid, 'usage') as closed,
    exists (select 1 from pg_catalog.pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'v')
      and not has_table_privilege($1, c.oid, 'select')) as unread
  from pg_catalog.pg_namespace n
  where n.nspname not like 'pg\\_%' and n.nspname not in ('sys', 'information_schema') order by 1`;

const EXISTS = "42710";
const NOT_OURS = "42501";

/**
 * Makes the mappings of the grants' roles, and of roles that grants once named, exactly what the grants say. Revokes
 * first, so that nobody keeps access longer because a grant is refused. Each statement is a transaction of its own, as
 * DSQL wants of DDL; interrupted anywhere, the next call reads what there is and goes on.
 */
export async function mapRoles(
  client: SqlClient,
  grants: readonly Grant[],
  formerRoles: readonly string[],
): Promise<void> {
  const { roles, mapped } = await readRoles(client, [...rolesOf(grants), ...formerRoles]);
  const wanted = new Set(grants.map(grantKey));
  for (const grant of mapped.values()) {
    if (!wanted.has(grantKey(grant))) await revoke(client, grant);
  }
  for (const role of rolesOf(grants)) {
    // 42710: another worker was faster, or our own answer was lost.
    if (!roles.has(role)) await change(client, `CREATE ROLE ${escapeIdentifier(role)} WITH LOGIN`, EXISTS);
  }
  for (const grant of grants) {
    if (!mapped.has(grantKey(grant))) await map(client, grant);
  }
}

/** Lets the role read every table and view of every schema that is not the system's, also those that are new. */
export async function grantReads(client: SqlClient, role: string): Promise<void> {
  const schemas = await run<{ schema: string; closed: boolean; unread: boolean }>(client, {
    text: UNREAD,
    values: [role],
  });
  const to = escapeIdentifier(role);
  for (const { schema, closed, unread } of schemas) {
    const name = escapeIdentifier(schema);
    // What belongs to a role that a migration made is its owner's to grant (42501).
    if (closed) await change(client, `GRANT USAGE ON SCHEMA ${name} TO ${to}`, NOT_OURS);
    if (unread) await change(client, `GRANT SELECT ON ALL TABLES IN SCHEMA ${name} TO ${to}`, NOT_OURS);
  }
}

/** The grants that the cluster does not show. */
export async function missingGrants(client: SqlClient, grants: readonly Grant[]): Promise<readonly Grant[]> {
  if (grants.length === 0) return [];
  const { mapped } = await readRoles(client, rolesOf(grants));
  return grants.filter((grant) => !mapped.has(grantKey(grant)));
}

interface Roles {
  readonly roles: ReadonlySet<string>;
  readonly mapped: ReadonlyMap<string, Grant>;
}

async function readRoles(client: SqlClient, names: readonly string[]): Promise<Roles> {
  const values = [[...new Set(names)]];
  const rows = await run<{ role: string; arn: string | null }>(client, { text: ROLES, values });
  const grants = rows.flatMap(({ role, arn }) =>
    arn === null ? [] : [{ databaseRole: role, iamRole: arn }],
  );
  return {
    roles: new Set(rows.map(({ role }) => role)),
    mapped: new Map(grants.map((grant) => [grantKey(grant), grant])),
  };
}

function map(client: SqlClient, { databaseRole, iamRole }: Grant): Promise<void> {
  return change(client, `AWS IAM GRANT ${escapeIdentifier(databaseRole)} TO ${escapeLiteral(iamRole)}`);
}

function revoke(client: SqlClient, { databaseRole, iamRole }: Grant): Promise<void> {
  return change(client, `AWS IAM REVOKE ${escapeIdentifier(databaseRole)} FROM ${escapeLiteral(iamRole)}`);
}

/** One change of the schema, in a transaction of its own. `fine`: an answer that counts as done. Throws as mapRoles does. */
export async function change(client: SqlClient, text: string, fine?: string): Promise<void> {
  await run(client, { text }, fine);
}

/**
 * Runs one statement in a transaction of its own. What meets a conflict (40001: OC000, or OC001 after any change of the
 * schema, also for reads) is repeated; an answer with the code `fine` counts as done.
 */
export async function run<Row extends QueryResultRow>(
  client: SqlClient,
  query: QueryConfig,
  fine?: string,
): Promise<readonly Row[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return (await client.query<Row>(query)).rows;
    } catch (error) {
      const outcome = statementError(error);
      if (outcome.kind === "failed" && outcome.code === fine) return [];
      if (outcome.kind === "failed") throw refusal(query.text, outcome.code, outcome.message);
      if (outcome.kind === "lost" || tries >= STATEMENT_RETRIES) {
        const cause = outcome.kind === "lost" ? outcome.cause : `40001 on each of ${tries} tries`;
        throw new Retryable("access_unmapped", `Access could not be mapped: ${cause}`, { cause: error });
      }
    }
  }
}

/** Names the statement up to its first literal: an ARN names an account. */
function refusal(text: string, code: string, message: string): Refused {
  const what = (text.split("'", 1)[0] ?? "").trim();
  const next = "Correct the list of who has access, or what was made of the role.";
  return new Refused("access_refused", `${what} was refused: ${code} ${message}. ${next}`);
}
