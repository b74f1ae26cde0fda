/**
 * The database role that the service works as on a store of DSQL. It reads and writes the rows of the service's tables and
 * changes nothing else: it owns no table, may make none, and can pass no right on.
 */
import { escapeIdentifier } from "pg";
import { grantKey } from "../../domain/access.ts";
import { Refused } from "../../domain/errors.ts";
import { change, mapRoles, missingGrants, run, type SqlClient } from "../dsql-access.ts";

/** Which it lacks, in any of our tables; a new table has none, and DSQL is not known to take ALTER DEFAULT PRIVILEGES. */
const LACKING = `select c.relname::text as name
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'public' and c.relkind = 'r'
    and not (has_table_privilege($1, c.oid, 'select') and has_table_privilege($1, c.oid, 'insert')
      and has_table_privilege($1, c.oid, 'update') and has_table_privilege($1, c.oid, 'delete'))
  order by 1`;

/** Why it is more than it shall be; no row if there is no such role. */
const EXCESS = `select r.rolcreaterole or r.rolcreatedb or r.rolsuper as makes_roles,
    has_schema_privilege(r.oid, 'public', 'create') as makes_tables,
    exists (select 1 from pg_catalog.pg_class c where c.relowner = r.oid) as owns
  from pg_catalog.pg_roles r where r.rolname = $1`;

export interface StoreRole {
  readonly role: string;
  /** Whose sessions connect as it. */
  readonly iamRoles: readonly string[];
}

/**
 * Makes the role, exactly these mappings and its rights on every table, and reads all of it back. For the deploy step, as the
 * store's admin, after the schema. Idempotent: what is there already is not granted again, which would meet every open session
 * with 40001. Throws Refused `store_role` if it cannot be so, `access_refused`, or Retryable `access_unmapped`.
 */
export async function grantStoreRole(admin: SqlClient, { role, iamRoles }: StoreRole): Promise<void> {
  const grants = iamRoles.map((iamRole) => ({ databaseRole: role, iamRole }));
  await mapRoles(admin, grants, [role]);
  // PUBLIC may use the schema (dsql.md 3.3), so there are only tables to grant.
  if ((await lackingTables(admin, role)).length > 0) {
    const rights = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public";
    await change(admin, `GRANT ${rights} TO ${escapeIdentifier(role)}`);
  }
  const missing = await missingGrants(admin, grants);
  if (missing.length > 0)
    throw refused(role, `is not mapped to ${missing.map(grantKey).join(", ")} after it was granted`);
  await checkStoreRole(admin, role);
}

/**
 * Throws Refused `store_role` unless the role reads and writes all tables and changes nothing else. Anybody who may connect
 * may ask.
 */
export async function checkStoreRole(client: SqlClient, role: string): Promise<void> {
  const [excess] = await run<{ makes_roles: boolean; makes_tables: boolean; owns: boolean }>(client, {
    text: EXCESS,
    values: [role],
  });
  if (!excess) throw refused(role, "does not exist");
  const { makes_roles: makesRoles, makes_tables: makesTables, owns } = excess;
  if (makesRoles || makesTables || owns) throw refused(role, "may change more than rows");
  const lacking = await lackingTables(client, role);
  if (lacking.length > 0) throw refused(role, `lacks rights on ${lacking.join(", ")}`);
}

async function lackingTables(client: SqlClient, role: string): Promise<readonly string[]> {
  const rows = await run<{ name: string }>(client, { text: LACKING, values: [role] });
  return rows.map(({ name }) => name);
}

function refused(role: string, what: string): Refused {
  const next =
    "Run `offshoot store migrate` as the store's admin, or name a role of its own for the service.";
  return new Refused("store_role", `The store's role ${role} ${what}. ${next}`);
}
