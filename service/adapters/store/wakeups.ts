import type { Held, Settle, Topic, Wake } from "../../handlers/ports-store.ts";
import { number, one, sql } from "./row.ts";
import type { Sql } from "./sql.ts";

const DUE = sql(
  "wakeup_due",
  "select topic, key, seq from wakeup where due_at <= $1 order by due_at, topic, key limit $2",
);

// Claiming pushes due_at to the end of the lease, so that one index finds due rows and expired leases alike.
const CLAIM = sql(
  "wakeup_claim",
  `update wakeup w set lease = $1, lease_until = $3, due_at = $3, attempts = w.attempts + 1
   from unnest($4::text[], $5::text[], $6::bigint[]) as c(topic, key, seq)
   where w.topic = c.topic and w.key = c.key and w.seq = c.seq and w.due_at <= $2
     and (w.lease_until is null or w.lease_until <= $2)
   returning w.topic, w.key, w.seq, w.attempts`,
);

const CLAIM_KEYS = sql(
  "wakeup_claim_keys",
  `update wakeup w set lease = $1, lease_until = $3, due_at = $3, attempts = w.attempts + 1
   from unnest($4::text[], $5::text[]) as c(topic, key)
   where w.topic = c.topic and w.key = c.key and w.due_at <= $2 and (w.lease_until is null or w.lease_until <= $2)
   returning w.topic, w.key, w.seq, w.attempts`,
);

const DUE_OF = sql("wakeup_due_of", "select due_at from wakeup where topic = $1 and key = $2");

const ENSURE = sql(
  "wakeup_ensure",
  `insert into wakeup (topic, key, due_at, not_before, seq, attempts)
   select t, k, d, $4, 1, 0 from unnest($1::text[], $2::text[], $3::timestamptz[]) as w(t, k, d)
   on conflict (topic, key) do nothing`,
);

const WAKE = sql(
  "wakeup_wake",
  `insert into wakeup (topic, key, due_at, not_before, seq, attempts)
   select t, k, d, $5, 1, 0 from unnest($1::text[], $2::text[], $3::timestamptz[]) as w(t, k, d)
   on conflict (topic, key) do update set seq = wakeup.seq + 1,
     due_at = case when wakeup.lease_until > $4 then wakeup.due_at
                   else greatest(wakeup.not_before, least(wakeup.due_at, excluded.due_at)) end`,
);

const SETTLE_DONE = sql(
  "wakeup_done",
  "delete from wakeup where topic = $1 and key = $2 and lease = $3 and seq = $4",
);

// If seq moved while the step ran, somebody woke the key: it is due again, but never before its floor.
const SETTLE_AGAIN = sql(
  "wakeup_again",
  `update wakeup set lease = null, lease_until = null, not_before = $6, attempts = $7,
     due_at = case when seq = $4 then greatest($6, $5::timestamptz)
                   else greatest($6, least($5::timestamptz, $8::timestamptz)) end
   where topic = $1 and key = $2 and lease = $3`,
);

const RENEW = sql(
  "wakeup_renew",
  "update wakeup set lease_until = $4, due_at = $4 where topic = $1 and key = $2 and lease = $3",
);

const NEXT_DUE = sql("wakeup_next", "select due_at from wakeup order by due_at, topic, key limit 1");

const EPOCH = new Date(0);

export async function due(db: Sql, now: Date, limit: number) {
  const { rows } = await db.query<{ topic: Topic; key: string; seq: unknown }>(DUE, [now, limit]);
  return rows.map((row) => ({ topic: row.topic, key: row.key, seq: number(row.seq) }));
}

export async function claim(
  db: Sql,
  wakeups: readonly { topic: Topic; key: string; seq: number }[],
  lease: string,
  now: Date,
  leaseUntil: Date,
): Promise<readonly Held[]> {
  const sorted = sortByKey(wakeups);
  const { rows } = await db.query<ClaimedRow>(CLAIM, [
    lease,
    now,
    leaseUntil,
    sorted.map((w) => w.topic),
    sorted.map((w) => w.key),
    sorted.map((w) => w.seq),
  ]);
  return heldOf(rows, lease, leaseUntil);
}

export async function claimKeys(
  db: Sql,
  keys: readonly { readonly topic: Topic; readonly key: string }[],
  lease: string,
  now: Date,
  leaseUntil: Date,
): Promise<readonly Held[]> {
  const sorted = sortByKey(keys);
  const { rows } = await db.query<ClaimedRow>(CLAIM_KEYS, [
    lease,
    now,
    leaseUntil,
    sorted.map((w) => w.topic),
    sorted.map((w) => w.key),
  ]);
  return heldOf(rows, lease, leaseUntil);
}

type ClaimedRow = { topic: Topic; key: string; seq: unknown; attempts: unknown };

function heldOf(rows: readonly ClaimedRow[], lease: string, leaseUntil: Date): readonly Held[] {
  const held = rows.map((row) => ({
    topic: row.topic,
    key: row.key,
    seq: number(row.seq),
    attempts: number(row.attempts),
    lease,
    leaseUntil,
  }));
  return sortByKey(held);
}

export async function wake(db: Sql, wakes: readonly Wake[], now: Date): Promise<void> {
  if (wakes.length === 0) return;
  const earliest = new Map<string, Wake>();
  for (const w of wakes) {
    const id = `${w.topic} ${w.key}`;
    const known = earliest.get(id);
    if (!known || w.dueAt < known.dueAt) earliest.set(id, w);
  }
  // Sorted: two transactions that wake the same keys in different order would deadlock on Postgres.
  const sorted = sortByKey([...earliest.values()]);
  await db.query(WAKE, [
    sorted.map((w) => w.topic),
    sorted.map((w) => w.key),
    sorted.map((w) => w.dueAt),
    now,
    EPOCH,
  ]);
}

export async function settle(db: Sql, held: Held, to: Settle): Promise<boolean> {
  const id = [held.topic, held.key, held.lease, held.seq];
  if (to.again === null) {
    const done = await db.query(SETTLE_DONE, id);
    if (done.rowCount > 0) return true;
  }
  const again = to.again ?? to.now;
  const { rowCount } = await db.query(SETTLE_AGAIN, [...id, again, to.notBefore, to.attempts, to.now]);
  return rowCount > 0;
}

export async function renew(db: Sql, held: Held, leaseUntil: Date): Promise<boolean> {
  const { rowCount } = await db.query(RENEW, [held.topic, held.key, held.lease, leaseUntil]);
  return rowCount > 0;
}

export async function dueOf(db: Sql, topic: Topic, key: string): Promise<Date | null> {
  return (await one<{ due_at: Date }>(db, DUE_OF, [topic, key]))?.due_at ?? null;
}

export async function ensure(db: Sql, wakes: readonly Wake[]): Promise<void> {
  const sorted = sortByKey(wakes);
  await db.query(ENSURE, [
    sorted.map((w) => w.topic),
    sorted.map((w) => w.key),
    sorted.map((w) => w.dueAt),
    EPOCH,
  ]);
}

export async function nextDue(db: Sql): Promise<Date | null> {
  return (await one<{ due_at: Date }>(db, NEXT_DUE, []))?.due_at ?? null;
}

function sortByKey<T extends { readonly topic: string; readonly key: string }>(list: readonly T[]): T[] {
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return [...list].sort((a, b) => order(a.topic, b.topic) || order(a.key, b.key));
}
