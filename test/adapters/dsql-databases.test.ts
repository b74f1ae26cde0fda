import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createDsqlPool, type DsqlConnectionOptions } from "../../service/adapters/dsql-connection.ts";
import { createDatabases } from "../../service/adapters/dsql-databases.ts";
import type { Statement } from "../../service/domain/migration.ts";
import type { DatabasesSubject } from "../contract/databases.ts";
import { databasesSubject, localPlace } from "../support/contract-dsql.ts";
import { startRelay } from "../support/contract-relay.ts";
import { type LocalDsql, startLocalDsql } from "../support/local-dsql.ts";

let directory: string;
let local: LocalDsql | undefined;
let subject: DatabasesSubject | undefined;
let connection: DsqlConnectionOptions;
let endpoint: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-databases-"));
  local = await startLocalDsql({ directory });
  const place = localPlace(local);
  subject = await databasesSubject(place);
  connection = place.connection;
  endpoint = subject.endpoint;
});
afterAll(async () => {
  await subject?.close();
  await local?.stop();
  await rm(directory, { recursive: true, force: true });
});

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function statement(send: string, kind: Statement["kind"] = "other"): Statement {
  return { file: "1.sql", index: 1, line: 1, sql: send, send, kind, checksum: "0".repeat(64) };
}

async function relayed(options: Partial<DsqlConnectionOptions> = {}) {
  const relay = await startRelay(connection.connectTo ?? { host: "127.0.0.1", port: 0 });
  ends.push(relay.close);
  return { relay, options: { ...connection, connectTo: relay.address, ...options } };
}

describe("a session", () => {
  it("does not know what became of a statement when the connection breaks", async () => {
    const { relay, options } = await relayed();
    const session = await createDatabases(options).open(endpoint);
    const outcome = session.run(statement("SELECT pg_sleep(30)"));
    await setTimeout(50);
    relay.cut();
    expect(await outcome).toMatchObject({ kind: "lost" });
    expect(await session.run(statement("SELECT 1"))).toMatchObject({ kind: "lost" });
    await session.close();
  });

  it("does not wait for ever for an answer, nor for a goodbye", async () => {
    const session = await createDatabases({ ...connection, callTimeoutMs: 100 }).open(endpoint);
    expect(await session.run(statement("SELECT pg_sleep(30)"))).toMatchObject({ kind: "lost" });
    await session.close();
  });

  it("says why an index could not be built, when it could not", async () => {
    const session = await createDatabases(connection).open(endpoint);
    ends.push(session.close);
    await session.run(statement("CREATE TABLE twins (id int PRIMARY KEY, a int)"));
    await session.run(statement("INSERT INTO twins VALUES (1, 7), (2, 7)"));
    const started = await session.run(statement("CREATE UNIQUE INDEX ASYNC ON twins (a)", "index"));
    if (started.kind !== "building") throw new Error(JSON.stringify(started));
    let job = await session.job(started.jobId);
    for (; job.kind === "building"; job = await session.job(started.jobId)) await setTimeout(20);
    expect(job).toMatchObject({ kind: "failed", message: expect.stringMatching(/./) });
  });
});

describe("connecting", () => {
  it("gives up on a server that says nothing", async () => {
    const { relay, options } = await relayed({ connectTimeoutMs: 100 });
    relay.silence();
    await expect(createDatabases(options).open(endpoint)).rejects.toMatchObject({
      name: "Retryable",
      reason: "connect_failed",
    });
  });

  it("is refused with the keys of a stranger", async () => {
    const credentials = async () => ({ accessKeyId: "local", secretAccessKey: "guessed" });
    await expect(createDatabases({ ...connection, credentials }).open(endpoint)).rejects.toMatchObject({
      name: "Refused",
      reason: "access_denied",
    });
  });

  it("tries again later when there are no credentials, and says so", async () => {
    const credentials = () => Promise.reject(new Error("no profile"));
    await expect(createDatabases({ ...connection, credentials }).open(endpoint)).rejects.toMatchObject({
      name: "Retryable",
      message: expect.stringContaining("no profile"),
    });
  });

  it("trusts nobody whose certificate it cannot check", async () => {
    const { ca: _own, ...strangers } = connection;
    await expect(createDatabases(strangers).open(endpoint)).rejects.toMatchObject({
      reason: "connect_failed",
    });
  });

  it.each(["localhost", "db.example.com", "abc"])("sends no token to %s", async (host) => {
    let asked = 0;
    const credentials = async () => {
      asked += 1;
      return { accessKeyId: "local", secretAccessKey: "local" };
    };
    await expect(createDatabases({ ...connection, credentials }).open(host)).rejects.toMatchObject({
      name: "Refused",
      reason: "bad_endpoint",
    });
    expect(asked).toBe(0);
  });
});

describe("a pool", () => {
  it("replaces connections that broke while nobody used them", async () => {
    const { relay, options } = await relayed();
    const broken: Error[] = [];
    const pool = createDsqlPool({
      ...options,
      host: endpoint,
      max: 2,
      onError: (error) => broken.push(error),
    });
    ends.push(() => pool.end());
    await pool.query("SELECT 1");
    relay.cut();
    await expect.poll(() => broken.length).toBe(1);
    expect((await pool.query("SELECT 2 AS two")).rows).toEqual([{ two: 2 }]);
  });

  it("never opens more connections than it may", async () => {
    const pool = createDsqlPool({ ...connection, host: endpoint, max: 2 });
    ends.push(() => pool.end());
    await Promise.all(Array.from({ length: 6 }, () => pool.query("SELECT pg_sleep(0.01)")));
    expect(pool.totalCount).toBe(2);
  });
});
