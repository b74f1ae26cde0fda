import type { NewestCommand } from "../../domain/desire.ts";
import type { CommandRow, PendingDelivery, PullRow } from "../../handlers/ports-store.ts";
import { number, one, sql } from "./row.ts";
import type { Sql } from "./sql.ts";

const PENDING = sql(
  "delivery_pending",
  `select guid, app_id, event, action, installation_id, repository_name, comment_id, sender from delivery
   where pull_key = $1 and handled_at is null order by received_at, guid, app_id limit $2`,
);
// Only deliveries that were read before GitHub was asked: a later one must cause a read of its own.
const HANDLED = sql(
  "delivery_handled",
  `update delivery d set handled_at = $1, outcome = $2 from unnest($3::text[], $4::bigint[]) as h(guid, app_id)
   where d.guid = h.guid and d.app_id = h.app_id and d.handled_at is null`,
);
const KNOWN_DELIVERIES = sql(
  "delivery_known",
  "select guid from delivery where app_id = $1 and guid = any($2::text[]) order by guid",
);
const PULL = sql(
  "pull_by_key",
  "select host, repository_id, number, repository_name, installation_id, base_ref from pull where pull_key = $1",
);
const NAMED = sql(
  "pull_named",
  "select pull_key from pull where repository_name = $1 and number = $2 order by pull_key limit 20",
);
const PUT_PULL = sql(
  "pull_put",
  `insert into pull (pull_key, host, repository_id, number, repository_name, installation_id, base_ref, state, read_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
   on conflict (pull_key) do update set repository_name = excluded.repository_name,
     installation_id = excluded.installation_id, base_ref = excluded.base_ref, state = excluded.state,
     read_at = excluded.read_at`,
);
const COMMAND_COLUMNS = "comment_id, verb, author, commented_at, outcome, reaction";
// Comment ids rise with time on one host, so the newest id is the newest comment whatever order deliveries came in.
const NEWEST = sql(
  "command_newest",
  `select verb, commented_at from command
   where pull_key = $1 and outcome = 'accepted' and verb in ('create', 'destroy')
   order by comment_id desc limit 1`,
);
const LATEST = sql(
  "command_latest",
  `select ${COMMAND_COLUMNS} from command where pull_key = $1 order by comment_id desc limit 1`,
);
const TO_REACT = sql(
  "command_to_react",
  `select ${COMMAND_COLUMNS} from command where pull_key = $1 and reaction is not null and reacted_at is null
   order by comment_id limit 20`,
);
const KNOWN = sql(
  "command_known",
  "select comment_id from command where pull_key = $1 and comment_id = any($2::bigint[]) order by comment_id",
);
const ADD = sql(
  "command_add",
  `insert into command (pull_key, ${COMMAND_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7)
   on conflict (pull_key, comment_id) do nothing`,
);
const REACTED = sql(
  "command_reacted",
  "update command set reacted_at = $3 where pull_key = $1 and comment_id = $2",
);

export async function pendingDeliveries(
  db: Sql,
  pullKey: string,
  limit: number,
): Promise<readonly PendingDelivery[]> {
  type Row = Record<"guid" | "event" | "action" | "repository_name" | "sender", string> &
    Record<"app_id" | "installation_id" | "comment_id", unknown>;
  const { rows } = await db.query<Row>(PENDING, [pullKey, limit]);
  return rows.map((row) => ({
    guid: row.guid,
    appId: number(row.app_id),
    event: row.event,
    action: row.action,
    installationId: number(row.installation_id),
    repositoryName: row.repository_name,
    commentId: row.comment_id === null ? null : number(row.comment_id),
    sender: row.sender,
  }));
}

export async function knownDeliveries(
  db: Sql,
  appId: number,
  guids: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ guid: string }>(KNOWN_DELIVERIES, [appId, guids]);
  return new Set(rows.map(({ guid }) => guid));
}

export async function handleDeliveries(
  db: Sql,
  deliveries: readonly PendingDelivery[],
  outcome: string,
  at: Date,
): Promise<void> {
  if (deliveries.length === 0) return;
  await db.query(HANDLED, [at, outcome, deliveries.map((d) => d.guid), deliveries.map((d) => d.appId)]);
}

export async function pull(db: Sql, pullKey: string): Promise<PullRow | null> {
  type Row = Record<"host" | "repository_name" | "base_ref", string> &
    Record<"repository_id" | "number" | "installation_id", unknown>;
  const row = await one<Row>(db, PULL, [pullKey]);
  if (!row) return null;
  return {
    host: row.host,
    repositoryId: number(row.repository_id),
    number: number(row.number),
    repositoryName: row.repository_name,
    installationId: number(row.installation_id),
    baseRef: row.base_ref,
  };
}

export async function pullKeysNamed(
  db: Sql,
  repositoryName: string,
  pullNumber: number,
): Promise<readonly string[]> {
  const { rows } = await db.query<{ pull_key: string }>(NAMED, [repositoryName, pullNumber]);
  return rows.map((row) => row.pull_key);
}

export async function putPull(
  db: Sql,
  pullKey: string,
  row: PullRow,
  state: "open" | "closed",
  readAt: Date,
): Promise<void> {
  await db.query(PUT_PULL, [
    pullKey,
    row.host,
    row.repositoryId,
    row.number,
    row.repositoryName,
    row.installationId,
    row.baseRef,
    state,
    readAt,
  ]);
}

export async function newestCommand(db: Sql, pullKey: string): Promise<NewestCommand | null> {
  const row = await one<{ verb: NewestCommand["verb"]; commented_at: Date }>(db, NEWEST, [pullKey]);
  return row && { verb: row.verb, commentedAt: row.commented_at };
}

interface CommandColumns {
  comment_id: unknown;
  verb: CommandRow["verb"];
  author: string;
  commented_at: Date;
  outcome: CommandRow["outcome"];
  reaction: CommandRow["reaction"];
}

export async function latestCommand(db: Sql, pullKey: string): Promise<CommandRow | null> {
  const row = await one<CommandColumns>(db, LATEST, [pullKey]);
  return row && fromRow(row);
}

export async function commandsToReact(db: Sql, pullKey: string): Promise<readonly CommandRow[]> {
  return (await db.query<CommandColumns>(TO_REACT, [pullKey])).rows.map(fromRow);
}

export async function knownComments(
  db: Sql,
  pullKey: string,
  commentIds: readonly number[],
): Promise<readonly number[]> {
  if (commentIds.length === 0) return [];
  const { rows } = await db.query<{ comment_id: unknown }>(KNOWN, [pullKey, commentIds]);
  return rows.map((row) => number(row.comment_id));
}

export async function addCommand(db: Sql, pullKey: string, command: CommandRow): Promise<void> {
  const { commentId, verb, author, commentedAt, outcome, reaction } = command;
  await db.query(ADD, [pullKey, commentId, verb, author, commentedAt, outcome, reaction]);
}

export async function markReacted(db: Sql, pullKey: string, commentId: number, at: Date): Promise<void> {
  await db.query(REACTED, [pullKey, commentId, at]);
}

function fromRow(row: CommandColumns): CommandRow {
  return {
    commentId: number(row.comment_id),
    verb: row.verb,
    author: row.author,
    commentedAt: row.commented_at,
    outcome: row.outcome,
    reaction: row.reaction,
  };
}
