import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Splitter } from "../../service/handlers/ports.ts";

/** What every Splitter promises, the simulation's simple one included. */
export function splitterContract(name: string, make: () => Splitter): void {
  describe(`Splitter: ${name}`, () => {
    it("splits a file into its statements, without their semicolons, with places and checksums", async () => {
      const text = "CREATE TABLE t (a int);\n\nINSERT INTO t VALUES (1);\n";
      const checksum = (sql: string) => createHash("sha256").update(sql).digest("hex");
      const statement = (index: number, line: number, sql: string) => ({
        file: "migrations/1.sql",
        index,
        line,
        sql,
        send: sql,
        kind: "other",
        checksum: checksum(sql),
      });
      expect(await make().split({ path: "migrations/1.sql", text })).toEqual({
        statements: [statement(1, 1, "CREATE TABLE t (a int)"), statement(2, 3, "INSERT INTO t VALUES (1)")],
      });
    });

    it.each(["", "\n \n", ";", "-- nothing\n"])("finds no statement in %j", async (text) => {
      expect(await make().split({ path: "1.sql", text })).toEqual({ statements: [] });
    });

    it("makes CREATE INDEX a background job", async () => {
      expect(await make().split({ path: "1.sql", text: "CREATE INDEX i ON t (a);" })).toMatchObject({
        statements: [
          { kind: "index", sql: "CREATE INDEX i ON t (a)", send: "CREATE INDEX ASYNC i ON t (a)" },
        ],
      });
    });
  });
}
