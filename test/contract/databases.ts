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

/** DSQL asks no more of an ARN than that it looks like one. */
const grant = (databaseRole: string, name = databaseRole) => ({
  databaseRole,
  iamRole: `arn:aws:iam::111122223333:role/${name}`,
});

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
      await expect(subject.databases.verify(subject.endpoint, [])).resolves.toBeUndefined();
    });

    it("cannot open a cluster that does not exist", async () => {
      const nobody = subject.endpoint.replace(/^[^.]+/, "a".repeat(26));
      await expect(subject.databases.open(nobody)).rejects.toMatchObject({ reason: expect.any(String) });
      await expect(subject.databases.verify(nobody, [])).rejects.toMatchObject({
        reason: expect.any(String),
      });
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

    it("maps roles, as often as one likes, and shows the mapping", async () => {
      const grants = [grant("contract_app"), grant("contract_app", "ops"), grant("contract_reader")];
      const { databases, endpoint } = subject;
      await expect(databases.verify(endpoint, grants)).rejects.toMatchObject({ reason: "access_missing" });
      await session.mapRoles(grants, []);
      await session.mapRoles(grants, []);
      await expect(databases.verify(endpoint, grants)).resolves.toBeUndefined();
    });

    it("takes away what a role's grants, or the roles of former ones, do not say, and nothing else", async () => {
      const { databases, endpoint } = subject;
      const [kept, other] = [grant("contract_kept"), grant("contract_kept", "other")];
      const [former, foreign] = [grant("contract_former"), grant("contract_foreign")];
      await session.mapRoles([kept, other, former, foreign], []);
      await session.mapRoles([kept], ["contract_former", "contract_never_made"]);
      await expect(databases.verify(endpoint, [kept, foreign])).resolves.toBeUndefined();
      for (const gone of [other, former]) {
        await expect(databases.verify(endpoint, [gone])).rejects.toMatchObject({ reason: "access_missing" });
      }
    });

    it("refuses to map what DSQL does not map, with the reason and no ARN", async () => {
      const refusal = await session.mapRoles([grant("admin")], []).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ name: "Refused", reason: "access_refused" });
      expect(String(refusal)).not.toContain("arn:");
    });

    it("lets a role read the tables of all schemas, also those that were made since", async () => {
      const may = async (table: string) =>
        run(`SELECT 1 / has_table_privilege('contract_reads', '${table}', 'select')::int`);
      await run("CREATE ROLE contract_reads WITH LOGIN");
      await run('CREATE SCHEMA "contract ""odd"');
      await run('CREATE TABLE "contract ""odd".inside (id int PRIMARY KEY)');
      await session.grantReads("contract_reads");
      await run("CREATE TABLE contract_later (id int PRIMARY KEY)");
      expect(await may("public.contract")).toEqual({ kind: "applied" });
      expect(await may('"contract ""odd".inside')).toEqual({ kind: "applied" });
      expect(await may("public.contract_later")).toMatchObject({ kind: "failed", code: "22012" });
      await session.grantReads("contract_reads");
      await session.grantReads("contract_reads");
      expect(await may("public.contract_later")).toEqual({ kind: "applied" });
    });

    it("closes twice without complaint, and loses what is sent afterwards", async () => {
      const other = await subject.databases.open(subject.endpoint);
      await other.close();
      await other.close();
      expect(await other.run(statement("SELECT 1"))).toMatchObject({ kind: "lost" });
    });
  });
}
