/** Keys, sessions, and the OIDC tokens that were used. */
import type { Labels, Scope } from "../../domain/caller.ts";
import type { KeyRow, SessionRow, SessionSubject } from "../../handlers/ports-credentials.ts";
import { one, sql } from "./row.ts";
import type { Sql } from "./sql.ts";

const KEY_COLUMNS = "id, digest, name, scopes, selector, created_at, expires_at, revoked_at, used_at";
const KEY = sql("api_key_by_id", `select ${KEY_COLUMNS} from api_key where id = $1`);
const KEYS = sql("api_key_list", `select ${KEY_COLUMNS} from api_key order by id desc limit $1`);
const ADD_KEY = sql(
  "api_key_add",
  `insert into api_key (${KEY_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
);
const REVOKE_KEY = sql(
  "api_key_revoke",
  "update api_key set revoked_at = coalesce(revoked_at, $2) where id = $1",
);
const MARK_USED = sql(
  "api_key_used",
  "update api_key set used_at = $2 where id = $1 and (used_at is null or used_at <= $3)",
);
const SESSION = sql(
  "session_by_id",
  "select id, digest, subject, created_at, expires_at from session where id = $1",
);
const ADD_SESSION = sql(
  "session_add",
  "insert into session (id, digest, subject, created_at, expires_at) values ($1, $2, $3, $4, $5)",
);
const USE_TOKEN = sql(
  "oidc_token_use",
  `insert into oidc_token (issuer, jti, expires_at) values ($1, $2, $3)
   on conflict (issuer, jti) do nothing`,
);
const FORGET_SESSIONS = sql(
  "session_forget",
  `delete from session where id in
     (select id from session where expires_at < $1 order by expires_at, id limit $2)`,
);
const FORGET_TOKENS = sql(
  "oidc_token_forget",
  `delete from oidc_token where (issuer, jti) in
     (select issuer, jti from oidc_token where expires_at < $1 order by expires_at, issuer, jti limit $2)`,
);

interface KeyColumns {
  id: string;
  digest: string;
  name: string;
  scopes: string;
  selector: string | null;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
  used_at: Date | null;
}

export async function apiKey(db: Sql, id: string): Promise<KeyRow | null> {
  const row = await one<KeyColumns>(db, KEY, [id]);
  return row && keyOf(row);
}

export async function apiKeys(db: Sql, limit: number): Promise<readonly KeyRow[]> {
  return (await db.query<KeyColumns>(KEYS, [limit])).rows.map(keyOf);
}

export async function addKey(db: Sql, row: KeyRow): Promise<void> {
  const selector = row.selector && JSON.stringify(row.selector);
  const times = [row.createdAt, row.expiresAt, row.revokedAt, row.usedAt];
  await db.query(ADD_KEY, [row.id, row.digest, row.name, row.scopes.join(" "), selector, ...times]);
}

export async function revokeKey(db: Sql, id: string, at: Date): Promise<boolean> {
  return (await db.query(REVOKE_KEY, [id, at])).rowCount > 0;
}

export async function markKeyUsed(db: Sql, id: string, at: Date, since: Date): Promise<void> {
  await db.query(MARK_USED, [id, at, since]);
}

interface SessionColumns {
  id: string;
  digest: string;
  subject: string;
  created_at: Date;
  expires_at: Date;
}

export async function session(db: Sql, id: string): Promise<SessionRow | null> {
  const row = await one<SessionColumns>(db, SESSION, [id]);
  if (!row) return null;
  const { digest, subject, created_at, expires_at } = row;
  const parsed = JSON.parse(subject) as SessionSubject;
  return { id, digest, subject: parsed, createdAt: created_at, expiresAt: expires_at };
}

export async function addSession(db: Sql, row: SessionRow): Promise<void> {
  const { id, digest, subject, createdAt, expiresAt } = row;
  await db.query(ADD_SESSION, [id, digest, JSON.stringify(subject), createdAt, expiresAt]);
}

/** Of two at the same time one waits, meets a conflict, and is told so when its transaction is repeated. */
export async function useOidcToken(db: Sql, issuer: string, jti: string, expiresAt: Date): Promise<boolean> {
  return (await db.query(USE_TOKEN, [issuer, jti, expiresAt])).rowCount > 0;
}

export async function forgetEnded(db: Sql, ended: Date, limit: number): Promise<number> {
  const sessions = await db.query(FORGET_SESSIONS, [ended, limit]);
  const tokens = await db.query(FORGET_TOKENS, [ended, limit]);
  return sessions.rowCount + tokens.rowCount;
}

function keyOf(row: KeyColumns): KeyRow {
  return {
    id: row.id,
    digest: row.digest,
    name: row.name,
    scopes: row.scopes.split(" ") as Scope[],
    selector: row.selector === null ? null : (JSON.parse(row.selector) as Labels),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    usedAt: row.used_at,
  };
}
