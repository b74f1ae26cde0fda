import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type LocalDsql, startLocalDsql } from "../../support/local-dsql.ts";
import { connect, createCluster, rejection, temporaryDirectory } from "./clients.ts";

const BUILD_MS = 300;

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let local: LocalDsql;
let session: Awaited<ReturnType<typeof connect>>;

beforeAll(async () => {
  directory = await temporaryDirectory();
  local = await startLocalDsql({ directory: directory.path, flags: { "index-build-ms": BUILD_MS } });
  const { endpoint } = await createCluster(local.ready);
  session = await connect(local.ready, endpoint);
});

afterAll(async () => {
  await session.end();
  await local.stop();
  await directory.remove();
});

beforeEach(async () => {
  await session.query("drop table if exists movie");
  await session.query("create table movie (id bigint primary key, title text, year int)");
  await session.query("insert into movie values (1, 'Alien', 1979), (2, 'Alien', 1979)");
});

async function job(id: unknown): Promise<Record<string, unknown> | undefined> {
  const { rows } = await session.query<Record<string, unknown>>("select * from sys.jobs where job_id = $1", [
    id,
  ]);
  return rows[0];
}

async function indexNames(): Promise<unknown[]> {
  const { rows } = await session.query(
    "select indexname from pg_indexes where tablename = 'movie' order by 1",
  );
  return rows.map((row: { indexname: string }) => row.indexname);
}

describe("CREATE INDEX ASYNC", () => {
  it("answers one job id with the tag CREATE INDEX", async () => {
    const result = await session.query("create index async on movie (title)");
    expect(result.rows).toEqual([{ job_id: expect.stringMatching(/^[a-z2-7]{26}$/) }]);
    expect(result.command).toBe("CREATE");
    expect(await indexNames()).toEqual(["movie_pkey", "movie_title_idx"]);
  });

  it("is a job that is processing first and completed then, and can be waited for", async () => {
    const { rows } = await session.query("CREATE INDEX ASYNC by_title ON movie (title) INCLUDE (year)");
    const id: unknown = rows[0].job_id;
    const before = await job(id);
    const waited = await session.query(`CALL sys.wait_for_job('${String(id)}')`);
    const after = await job(id);
    expect(before).toMatchObject({
      status: "processing",
      job_type: "INDEX_BUILD",
      object_name: "public.by_title",
    });
    expect(waited.rows).toEqual([{ succeeded: true }]);
    expect(after).toMatchObject({ status: "completed", class_id: 1259, start_time: expect.any(Date) });
  });

  it("fails as a job, not as a statement, when a unique index finds duplicates", async () => {
    const { rows } = await session.query("create unique index async once on movie (title)");
    const waited = await session.query(`call sys.wait_for_job('${rows[0].job_id}')`);
    expect(waited.rows).toEqual([{ succeeded: false }]);
    expect(await job(rows[0].job_id)).toMatchObject({
      status: "failed",
      details: expect.stringContaining("once"),
    });
  });

  it("fails as a statement when the table is missing or the syntax is wrong", async () => {
    const missing = await rejection(session.query("create index async on nowhere (title)"));
    const syntax = await rejection(session.query("create index async on movie title"));
    expect(missing).toMatchObject({ code: "42P01", message: 'relation "nowhere" does not exist' });
    expect(syntax).toMatchObject({ code: "42601" });
  });

  it("works prepared, and again without a new Parse", async () => {
    const statement = { name: "again", text: "create index async if not exists again on movie (year)" };
    const first = await session.query(statement);
    const second = await session.query(statement);
    expect([first.command, second.command]).toEqual(["CREATE", "CREATE"]);
    expect(first.rows[0].job_id).not.toBe(second.rows[0].job_id);
  });

  it.each([
    ["in comments", "/* a /* nested */ one */ create -- here\n index /* there */ async on movie (year)"],
    ["in mixed case", "Create Unique Index Async on movie (id, year)"],
    [
      "with strings that look like it",
      "create index async on movie (year) where title <> 'create index it''s; \\'",
    ],
    ["with dollar quotes", "create index async on movie (year) where title <> $x$; create index y$x$"],
    ["with bytes beyond ASCII", "create index async \"ïndéx\" on movie (year) where title <> 'ü'"],
  ])("is recognised %s", async (_where, sql) => {
    const { rows } = await session.query(sql);
    expect(rows).toEqual([{ job_id: expect.any(String) }]);
    expect(await indexNames()).toHaveLength(2);
  });

  it("is left alone inside strings and comments", async () => {
    const { rows } = await session.query(
      "select ';\ncreate index async on movie (year)' as text -- ;create index x",
    );
    expect(rows).toEqual([{ text: ";\ncreate index async on movie (year)" }]);
    expect(await indexNames()).toEqual(["movie_pkey"]);
  });

  it("wait_for_job refuses what is no job id", async () => {
    const refusal = await rejection(session.query("call sys.wait_for_job('nothing')"));
    expect(refusal).toMatchObject({ code: "22P02", message: "Unable to convert text to UUID" });
  });
});

describe("CREATE INDEX without ASYNC", () => {
  it.each([
    ["create index plain on movie (title)", "unsupported mode. please use CREATE INDEX ASYNC."],
    ["create unique index on movie (title)", "unsupported mode. please use CREATE INDEX ASYNC."],
    ['create index "async" on movie (title)', "unsupported mode. please use CREATE INDEX ASYNC."],
    ["create index concurrently c on movie (title)", "CONCURRENTLY not supported for CREATE INDEX"],
  ])("%s is refused", async (sql, message) => {
    expect(await rejection(session.query(sql))).toMatchObject({ code: "0A000", message });
    expect(await indexNames()).toEqual(["movie_pkey"]);
  });

  it("aborts a transaction like any other error", async () => {
    await session.query("begin");
    await rejection(session.query({ text: "create index plain on movie (title)", values: [] }));
    const next = await rejection(session.query("select 1"));
    const end = await session.query("commit");
    expect(next).toMatchObject({ code: "25P02" });
    expect(end.command).toBe("ROLLBACK");
  });
});

describe("what DSQL refuses", () => {
  it("comes with DSQL's code and text, and leaves the session usable", async () => {
    const refusal = await rejection(session.query("truncate movie"));
    const serial = await rejection(
      session.query({ text: "create table s (id serial primary key)", values: [] }),
    );
    const { rows } = await session.query("select count(*)::int as count from movie");
    expect(refusal).toMatchObject({ code: "0A000", message: "unsupported statement: Truncate" });
    expect(serial).toMatchObject({ code: "42704", message: 'type "serial" does not exist' });
    expect(rows).toEqual([{ count: 2 }]);
  });

  it("includes a second change of the schema in one transaction", async () => {
    await session.query("begin");
    await session.query("create table first (id int)");
    const refusal = await rejection(session.query("create table second (id int)"));
    await session.query("rollback");
    expect(refusal).toMatchObject({
      code: "0A000",
      message: "multiple ddl statements not supported in a transaction",
    });
  });
});
