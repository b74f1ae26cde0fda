import { describe, expect, it } from "vitest";
import { createJournal } from "../../service/adapters/store/journal.ts";
import type { Sql } from "../../service/adapters/store/sql.ts";
import { Retryable } from "../../service/domain/errors.ts";
import type { DeliveryRow } from "../../service/handlers/ports.ts";
import type { Hint } from "../../service/handlers/ports-queue.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";

const NOW = new Date("2026-11-23T14:00:00Z");
const clock = { now: () => NOW };

let store: TestStore;
eachStore((empty) => {
  store = empty;
});

function delivery(number: number, change: Partial<DeliveryRow> = {}): DeliveryRow {
  return {
    appId: 1001,
    guid: `guid-${number}`,
    pullKey: `pull:github.test:77:${number}`,
    event: "pull_request",
    action: "opened",
    installationId: 5001,
    repositoryId: 77,
    repositoryName: "acme/shop",
    number,
    commentId: null,
    sender: "wendy",
    ...change,
  };
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => delivery(i + 1));

async function guids(): Promise<string[]> {
  const { rows } = await store.pool.query<{ guid: string }>("select guid from delivery order by guid");
  return rows.map((row) => row.guid);
}

async function wakeups() {
  const { rows } = await store.pool.query("select topic, key, due_at, seq::int from wakeup order by key");
  return rows;
}

/** The store's database, which tells how many deliveries each statement carried, and may fail first. */
function watched(fail: (guids: readonly string[]) => Error | null = () => null) {
  const sizes: number[] = [];
  const sql: Sql = {
    async query(statement, values) {
      const batch = values[1] as readonly string[];
      sizes.push(batch.length);
      const error = fail(batch);
      if (error) throw error;
      return store.database.query(statement, values);
    },
  };
  return { sql, sizes };
}

describe("a delivery", () => {
  it("is durable with its fields and a wakeup of its pull request", async () => {
    await createJournal(store.database, clock).append(delivery(1, { commentId: 31, event: "issue_comment" }));
    const { rows } = await store.pool.query("select * from delivery");
    expect(rows[0]).toMatchObject({
      guid: "guid-1",
      event: "issue_comment",
      comment_id: "31",
      number: 1,
      received_at: NOW,
      handled_at: null,
    });
    expect(await wakeups()).toEqual([{ topic: "intake", key: "pull:github.test:77:1", due_at: NOW, seq: 1 }]);
  });

  it("that is replayed wakes and announces nobody", async () => {
    const announced: unknown[] = [];
    const journal = createJournal(store.database, clock, (hints) => void announced.push(hints));
    await journal.append(delivery(1));
    await store.pool.query("delete from wakeup");
    await journal.append(delivery(1));
    expect(await guids()).toEqual(["guid-1"]);
    expect(await wakeups()).toEqual([]);
    expect(announced).toHaveLength(1);
  });

  it("of another App is another one, since Apps share the ids of deliveries", async () => {
    const journal = createJournal(store.database, clock);
    await journal.append(delivery(1));
    await journal.append(delivery(1, { appId: 1002 }));
    expect(await guids()).toEqual(["guid-1", "guid-1"]);
  });

  it("that finds its pull request at work is noticed after it, not beside it", async () => {
    const later = new Date(NOW.getTime() + 60_000);
    await store.pool.query(
      `insert into wakeup (topic, key, due_at, not_before, seq, attempts, lease, lease_until)
       values ('intake', 'pull:github.test:77:1', $1, 'epoch', 4, 1, 'someone', $1)`,
      [later],
    );
    await createJournal(store.database, clock).append(delivery(1));
    expect(await wakeups()).toMatchObject([{ due_at: later, seq: 5 }]);
  });

  it("never shortens a pause", async () => {
    const pausedUntil = new Date(NOW.getTime() + 60_000);
    await store.pool.query(
      `insert into wakeup (topic, key, due_at, not_before, seq, attempts)
       values ('intake', 'pull:github.test:77:1', $1, $1, 4, 1)`,
      [pausedUntil],
    );
    await createJournal(store.database, clock).append(delivery(1));
    expect(await wakeups()).toMatchObject([{ due_at: pausedUntil, seq: 5 }]);
  });
});

describe("deliveries that arrive together", () => {
  it("share the commits after the one in flight, half of those that wait at a time", async () => {
    const { sql, sizes } = watched();
    const journal = createJournal(sql, clock);
    await Promise.all(upTo(100).map((row) => journal.append(row)));
    expect(sizes).toEqual([1, 50, 25, 16, 8]);
    expect(await guids()).toHaveLength(100);
  });

  it("are one row if they are the same delivery, and no statement holds it twice", async () => {
    const { sql, sizes } = watched();
    const journal = createJournal(sql, clock);
    await Promise.all([delivery(1), delivery(2), delivery(2), delivery(2)].map((row) => journal.append(row)));
    expect(sizes).toEqual([1, 1]);
    expect(await guids()).toEqual(["guid-1", "guid-2"]);
  });

  it("of one pull request raise its wakeup once for each commit", async () => {
    const journal = createJournal(store.database, clock);
    const one = upTo(10).map((row) => ({ ...row, pullKey: "pull:github.test:77:1" }));
    await Promise.all(one.map((row) => journal.append(row)));
    expect(await wakeups()).toMatchObject([{ seq: 2 }]);
  });

  it("are announced by commit, as one list of what it woke", async () => {
    const announced: (readonly Hint[])[] = [];
    const journal = createJournal(store.database, clock, (hints) => void announced.push(hints));
    const pair = [delivery(2), delivery(3, { pullKey: delivery(2).pullKey })];
    await Promise.all([delivery(1), ...pair, delivery(4)].map((row) => journal.append(row)));
    const keys = announced.map((hints) => hints.map(({ key }) => key).sort());
    expect(keys).toEqual([[delivery(1).pullKey], [delivery(2).pullKey, delivery(4).pullKey]]);
  });

  it("are written by two processes at once without losing any", async () => {
    const journals = [createJournal(store.database, clock), createJournal(store.database, clock)];
    const rows = upTo(200).map((row) => ({ ...row, pullKey: `pull:github.test:77:${row.number % 5}` }));
    await Promise.all(rows.map((row) => journals[row.number % 2]?.append(row)));
    expect(await guids()).toHaveLength(200);
    expect(await wakeups()).toHaveLength(5);
  });
});

describe("a failure", () => {
  it("of one poison row fails its own request only", async () => {
    const journal = createJournal(store.database, clock);
    const rows = upTo(5).map((row) => (row.number === 3 ? { ...row, sender: "nul \u0000 byte" } : row));
    const settled = await Promise.allSettled(rows.map((row) => journal.append(row)));
    expect(settled.map((one) => one.status)).toEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    expect(await guids()).toEqual(["guid-1", "guid-2", "guid-4", "guid-5"]);
  });

  it("of the store fails the whole batch at once, and the next delivery is tried again", async () => {
    const gone = new Retryable("store_unavailable", "The store cannot be reached.");
    let down = true;
    const { sql, sizes } = watched(() => (down ? gone : null));
    const journal = createJournal(sql, clock);
    const settled = await Promise.allSettled(upTo(5).map((row) => journal.append(row)));
    expect(settled.map((one) => one.status === "rejected" && one.reason)).toEqual(Array(5).fill(gone));
    expect(sizes).toEqual([1, 4]);
    down = false;
    await journal.append(delivery(6));
    expect(await guids()).toEqual(["guid-6"]);
  });

  it("is told at once to whoever finds too many waiting", async () => {
    let free = () => {};
    const held = new Promise<void>((resolve) => {
      free = resolve;
    });
    const sql: Sql = {
      async query() {
        await held;
        return { rows: [], rowCount: 0 };
      },
    };
    const journal = createJournal(sql, clock);
    const taken = upTo(2_001).map((row) => journal.append(row));
    await expect(journal.append(delivery(3_000))).rejects.toMatchObject({ reason: "store_busy" });
    free();
    await expect(Promise.all(taken)).resolves.toHaveLength(2_001);
  });
});
