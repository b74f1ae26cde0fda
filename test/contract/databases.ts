import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Statement } from "../../service/domain/migration.ts";
import type { DatabaseSession, Databases } from "../../service/handlers/ports.ts";

export interface DatabasesSubject {
  readonly databases: Databases;
  /** An empty cluster that is usable. */
  readonly endpoint: string;
  close(): Promise<unknown>;
}

/** Index builds took 5 to 30 s on real clusters. */
const BUILD_TIMEOUT_MS = 5 * 60_000;
const LOOK_MS = 100;

function statement(send: string, kind: Statement["kind"] = "other"): Statement {
  return { file: "migrations/1.sql", index: 1, line: 1, sql: send, send, kind, checksum: "0".repeat(64) };
}

/** What every Databases promises, on one empty cluster. */
export function databasesContract(name: string, make: () => Promise<DatabasesSubject>): void {
  describe(`Databases: ${name}`, { timeout: BUILD_TIMEOUT_MS }, () => {
    let subject: DatabasesSubject;
    let session: DatabaseSession;
    const run = (send: string, kind?: Statement["kind"]) => session.run(statement(send, kind));

    beforeAll(async () => {
      subject = await make();
      session = await subject.databases.open(subject.endpoint);
      await run("CREATE TABLE contract (id int PRIMARY KEY, email text)");
    }, BUILD_TIMEOUT_MS);
    afterAll(async () => {
      await session?.close();
      await subject?.close();
    });

    it("verifies a cluster that answers", async () => {
      await expect(subject.databases.verify(subject.endpoint)).resolves.toBeUndefined();
    });

    it("cannot open a cluster that does not exist", async () => {
      const nobody = subject.endpoint.replace(/^[^.]+/, "a".repeat(26));
      await expect(subject.databases.open(nobody)).rejects.toMatchObject({ reason: expect.any(String) });
      await expect(subject.databases.verify(nobody)).rejects.toMatchObject({ reason: expect.any(String) });
    });

    it("commits each statement by itself", async () => {
      expect(await run("INSERT INTO contract VALUES (1, 'mona@example.com')")).toEqual({ kind: "applied" });
      const other = await subject.databases.open(subject.endpoint);
      expect(await other.run(statement("UPDATE contract SET email = 'x' WHERE id = 1"))).toEqual({
        kind: "applied",
      });
      await other.close();
    });

    it("gives the code and message of what the server refuses, without values of rows", async () => {
      await run("INSERT INTO contract VALUES (2, 'hubot@example.com')");
      const outcome = await run("INSERT INTO contract VALUES (2, 'hubot@example.com')");
      expect(outcome).toEqual({
        kind: "failed",
        code: "23505",
        message: expect.stringContaining("contract_pkey"),
      });
      expect(JSON.stringify(outcome)).not.toContain("(2)");
      expect(await run("SELECT nothing FROM nowhere")).toMatchObject({ kind: "failed", code: "42P01" });
    });

    it("runs no two statements at once", async () => {
      const two = "INSERT INTO contract VALUES (3, 'x'); INSERT INTO contract VALUES (4, 'x')";
      expect(await run(two)).toMatchObject({ kind: "failed", code: "42601" });
    });

    it("builds an index as a job that can be followed to its end", async () => {
      const started = await run("CREATE INDEX ASYNC contract_email ON contract (email)", "index");
      if (started.kind !== "building") throw new Error(JSON.stringify(started));
      let job = await session.job(started.jobId);
      while (job.kind === "building") {
        await setTimeout(LOOK_MS);
        job = await session.job(started.jobId);
      }
      expect(job).toEqual({ kind: "completed" });
    });

    it("does not take a job that is not listed for a failure", async () => {
      expect(await session.job("a".repeat(26))).toMatchObject({ kind: "unknown" });
    });

    it("closes twice without complaint, and loses what is sent afterwards", async () => {
      const other = await subject.databases.open(subject.endpoint);
      await other.close();
      await other.close();
      expect(await other.run(statement("SELECT 1"))).toMatchObject({ kind: "lost" });
    });
  });
}
