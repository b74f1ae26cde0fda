import type { Holdings, Waiting } from "../../domain/slots.ts";
import type { HolderRow, SlotRows } from "../../handlers/ports-store.ts";
import { compareAndSet, number, one, sql } from "./row.ts";
import type { Sql } from "./sql.ts";

// One statement, one moment: a version that is younger than the count would let two take the same slot.
const COUNT = sql(
  "slot_count",
  `select count(*) as ours, count(identifier) as with_id,
     (select version from region where account = $1 and region = $2) as version,
     (select count(*) from cluster where identifier = any($3::text[])) as known
   from cluster where account = $1 and region = $2 and status <> 'gone'`,
);
const KNOWN = sql(
  "cluster_known_identifiers",
  "select identifier from cluster where identifier = any($1::text[]) order by identifier",
);
const REGION = sql("region_row", "select paused_until from region where account = $1 and region = $2");
const TAKE = sql(
  "region_take",
  "update region set version = version + 1 where account = $1 and region = $2 and version = $3",
);
const FIRST = sql(
  "region_first",
  `insert into region (account, region, version, paused_until) values ($1, $2, 1, $3)
   on conflict (account, region) do nothing`,
);
const PAUSE_REGION = sql(
  "region_pause",
  `insert into region (account, region, version, paused_until) values ($1, $2, 1, $3)
   on conflict (account, region) do update set paused_until = greatest(region.paused_until, excluded.paused_until)`,
);
const PAUSE_INSTALLATION = sql(
  "installation_pause",
  `insert into installation (host, id, paused_until) values ($1, $2, $3)
   on conflict (host, id) do update set paused_until = greatest(installation.paused_until, excluded.paused_until)`,
);
const INSTALLATION = sql(
  "installation_row",
  "select paused_until from installation where host = $1 and id = $2",
);
const WAITING = sql(
  "environment_waiting",
  `select id, author, repository_id, queued_at from environment
   where wanted = 'present' and queued_at is not null order by queued_at, id limit 1000`,
);
const HOLDINGS = sql(
  "environment_holdings",
  `select author, repository_id, count(*) as n from environment
   where wanted = 'present' and serving_id is not null and repository_id is not null group by author, repository_id order by author, repository_id`,
);
const HOLDERS = sql(
  "environment_holders",
  `select number, repository_id, present_since, until from environment
   where wanted = 'present' and serving_id is not null order by present_since, id limit 1000`,
);

const EPOCH = new Date(0);

export async function slotRows(
  db: Sql,
  account: string,
  region: string,
  others: readonly string[],
): Promise<SlotRows> {
  type Row = { ours: unknown; with_id: unknown; version: unknown; known: unknown };
  const row = await one<Row>(db, COUNT, [account, region, others]);
  return {
    ours: number(row?.ours ?? 0),
    oursWithId: number(row?.with_id ?? 0),
    foreign: Math.max(0, others.length - number(row?.known ?? 0)),
    regionVersion: number(row?.version ?? 0),
  };
}

export async function knownIdentifiers(
  db: Sql,
  identifiers: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ identifier: string }>(KNOWN, [identifiers]);
  return new Set(rows.map(({ identifier }) => identifier));
}

export async function regionPause(db: Sql, account: string, region: string): Promise<Date> {
  return (await one<{ paused_until: Date }>(db, REGION, [account, region]))?.paused_until ?? EPOCH;
}

export async function takeSlot(db: Sql, account: string, region: string, version: number): Promise<void> {
  const [statement, last] = version === 0 ? [FIRST, EPOCH] : [TAKE, version];
  await compareAndSet(db, statement, [account, region, last], `the slots of ${region}`);
}

export async function pauseRegion(db: Sql, account: string, region: string, until: Date): Promise<void> {
  await db.query(PAUSE_REGION, [account, region, until]);
}

export async function pauseInstallation(db: Sql, host: string, id: number, until: Date): Promise<void> {
  await db.query(PAUSE_INSTALLATION, [host, id, until]);
}

export async function installationPause(db: Sql, host: string, id: number): Promise<Date> {
  return (await one<{ paused_until: Date }>(db, INSTALLATION, [host, id]))?.paused_until ?? EPOCH;
}

export async function waiting(db: Sql): Promise<readonly (Waiting & { readonly queuedAt: Date })[]> {
  type Row = { id: string; author: string; repository_id: unknown; queued_at: Date };
  const { rows } = await db.query<Row>(WAITING, []);
  return rows.map((row) => ({
    environmentId: row.id,
    author: row.author,
    repositoryId: row.repository_id === null ? null : number(row.repository_id),
    queuedAt: row.queued_at,
  }));
}

export async function holdings(db: Sql): Promise<Holdings> {
  const { rows } = await db.query<{ author: string; repository_id: unknown; n: unknown }>(HOLDINGS, []);
  const byAuthor = new Map<string, number>();
  const byRepository = new Map<number, number>();
  for (const row of rows) {
    const id = number(row.repository_id);
    byAuthor.set(row.author, (byAuthor.get(row.author) ?? 0) + number(row.n));
    byRepository.set(id, (byRepository.get(id) ?? 0) + number(row.n));
  }
  return { byAuthor, byRepository };
}

export async function holders(db: Sql): Promise<readonly HolderRow[]> {
  type Row = { number: unknown; repository_id: unknown; present_since: Date; until: Date | null };
  const { rows } = await db.query<Row>(HOLDERS, []);
  return rows.map((row) => ({
    number: row.number === null ? null : number(row.number),
    repositoryId: row.repository_id === null ? null : number(row.repository_id),
    presentSince: row.present_since,
    until: row.until,
  }));
}
