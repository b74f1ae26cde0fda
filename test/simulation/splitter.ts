import { createHash } from "node:crypto";
import type { Statement } from "../../service/domain/migration.ts";
import type { Splitter } from "../../service/handlers/ports.ts";

/** A line that no parser takes. */
export const UNPARSABLE = "this is not sql;";

/** One statement a line: the real splitter has its own tests, and a worker thread of its own. */
export const lineSplitter: Splitter = {
  async split({ path, text }) {
    const lines = text.split("\n").filter((line) => line !== "");
    const bad = lines.indexOf(UNPARSABLE);
    if (bad >= 0) {
      const place = { file: path, line: bad + 1, index: 0, count: 0 };
      return { problem: { ...place, sql: UNPARSABLE, code: "42601", message: "syntax error" } };
    }
    return { statements: lines.map((sql, at) => statementOf(path, sql, at)) };
  },
};

function statementOf(file: string, sql: string, at: number): Statement {
  const kind = sql.startsWith("create index") ? "index" : "other";
  const checksum = createHash("sha256").update(sql).digest("hex");
  return { file, index: at + 1, line: at + 1, sql, send: sql, kind, checksum };
}
