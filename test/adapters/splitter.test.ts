import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSplitter } from "../../service/adapters/splitter.ts";
import { MIGRATION_FILE_BYTES } from "../../service/domain/limits.ts";
import { splitterContract } from "../contract/splitter.ts";

const splitter = createSplitter();
afterAll(() => splitter.close());

splitterContract("libpg-query in a process", () => splitter);

const split = (text: string) => splitter.split({ path: "migrations/1.sql", text });

async function statements(text: string) {
  const answer = await split(text);
  if (!("statements" in answer)) throw new Error(`not split: ${answer.problem.message}`);
  return answer.statements;
}

async function problem(text: string) {
  const answer = await split(text);
  if (!("problem" in answer)) throw new Error("no problem was found");
  return answer.problem;
}

describe("what is sent to DSQL", () => {
  const asSent: readonly (readonly [written: string, sent: string])[] = [
    ["CREATE INDEX i ON t(a)", "CREATE INDEX ASYNC i ON t(a)"],
    ["create unique index i on t(a)", "create unique index ASYNC i on t(a)"],
    ["CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t(a)", "CREATE INDEX ASYNC IF NOT EXISTS i ON t(a)"],
    ["CREATE INDEX ON async(a)", "CREATE INDEX ASYNC ON async(a)"],
    ["CREATE INDEX ASYNC i ON t(a)", "CREATE INDEX ASYNC i ON t(a)"],
    ["CREATE INDEX ASYNC ON t(a)", "CREATE INDEX ASYNC ON t(a)"],
    ["CREATE /* index */ INDEX -- why\n i ON t(a)", "CREATE /* index */ INDEX ASYNC -- why\n i ON t(a)"],
    ["ALTER TABLE ASYNC s.t VALIDATE CONSTRAINT c", "ALTER TABLE ASYNC s.t VALIDATE CONSTRAINT c"],
  ];
  it.each(asSent)("%j is a background job, sent as %j", async (written, sent) => {
    expect(await statements(written)).toMatchObject([{ kind: "index", sql: written, send: sent }]);
  });

  it.each([
    "ALTER TABLE async ADD COLUMN validate int",
    "ALTER TABLE async ADD validate int",
    "ALTER TABLE async VALIDATE CONSTRAINT c",
    "SELECT 'create index i on t(a)'",
    'CREATE TABLE "index" (async int)',
    "DROP INDEX i",
  ])("%j is sent as written", async (written) => {
    expect(await statements(written)).toMatchObject([{ kind: "other", sql: written, send: written }]);
  });
});

describe("places", () => {
  it("gives the line of a statement's first token, behind comments, blank lines and CRLF", async () => {
    const found = await statements("-- head\r\n\r\nSELECT 1;/* a\n b */\n\n  SELECT\n2;\n");
    expect(found.map(({ line, index }) => [line, index])).toEqual([
      [3, 1],
      [6, 2],
    ]);
  });

  it("counts characters, not bytes, where the text is not ASCII", async () => {
    const found = await statements("SELECT 'é😀;'; -- ü\nSELECT '漢';\nSELECT 3");
    expect(found.map(({ sql, line }) => [sql, line])).toEqual([
      ["SELECT 'é😀;'", 1],
      ["SELECT '漢'", 2],
      ["SELECT 3", 3],
    ]);
  });

  it("leaves the comments around a statement out of its checksum", async () => {
    const [plain] = await statements("SELECT 1");
    const [commented] = await statements("-- a\nSELECT 1 -- b\n/* c */");
    expect(commented?.checksum).toBe(plain?.checksum);
  });

  it("keeps a function body with semicolons in one statement", async () => {
    const body = "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END";
    expect((await statements(`${body}; SELECT 3`)).map(({ sql }) => sql)).toEqual([body, "SELECT 3"]);
  });

  it("ignores a byte order mark", async () => {
    expect(await statements("\uFEFFSELECT 1;")).toMatchObject([{ line: 1, sql: "SELECT 1" }]);
  });
});

describe("problems", () => {
  it("gives the parser's message and the line of the error", async () => {
    expect(await problem("SELECT 1;\nCREATE TABLE ä (\n  a int,\n  b foo bar baz\n);\nSELECT 2;")).toEqual({
      file: "migrations/1.sql",
      line: 4,
      index: 0,
      count: 0,
      sql: "CREATE TABLE ä (\n  a int,\n  b foo bar baz\n)",
      code: "42601",
      message: 'syntax error at or near "bar"',
    });
  });

  it("points at the last thing written when the end came too early", async () => {
    expect(await problem("SELECT 1\nWHERE\n\n\n")).toMatchObject({ line: 2, sql: "SELECT 1\nWHERE" });
  });

  it.each(["BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "SAVEPOINT s", "RELEASE s"])(
    "refuses %s and says that each statement has a transaction of its own",
    async (sql) => {
      const found = await problem(`SELECT 1;\n${sql};\nSELECT 2;`);
      expect(found).toMatchObject({ code: "transaction_control", line: 2, index: 2, count: 3, sql });
      expect(found.message).toContain("a transaction of its own");
    },
  );

  it("refuses commands of psql", async () => {
    expect(await problem("SELECT 1;\n  \\c other\nSELECT 2;")).toMatchObject({
      code: "psql_command",
      line: 2,
      sql: "\\c other",
    });
  });

  it("refuses COPY … FROM STDIN, whatever its data looks like", async () => {
    const found = await problem("SELECT 1;\nCOPY t (a) FROM STDIN WITH CSV;\nit's,\\N\n\\.\n");
    expect(found).toMatchObject({ code: "copy_from_stdin", line: 2 });
  });

  it("refuses a NUL character, which would hide the rest of the file", async () => {
    expect(await problem("SELECT 1;\nSELECT\0 2")).toMatchObject({ code: "22021", line: 2 });
  });

  it("refuses half a surrogate pair", async () => {
    expect(await problem("SELECT '\ud800'")).toMatchObject({ code: "22021" });
  });

  it("refuses a file over the limit without parsing it", async () => {
    expect(await problem(" ".repeat(MIGRATION_FILE_BYTES + 1))).toMatchObject({ code: "file_too_large" });
  });

  it("answers nesting that exhausts the parser with its message", async () => {
    const sql = `SELECT ${"(".repeat(50_000)}1${")".repeat(50_000)}`;
    expect((await problem(sql)).message).toContain("memory exhausted");
    expect(await statements("SELECT 1")).toHaveLength(1);
  });
});

describe("a worker that gives no answer", () => {
  let directory = "";
  const script = (name: string, text: string) => {
    const file = join(directory, name);
    writeFileSync(file, text);
    return pathToFileURL(file);
  };
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "offshoot-splitter-"));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("is stopped after the time limit, and the file gets a problem", async () => {
    const slow = createSplitter({ worker: script("stuck.mjs", "while (true);"), timeoutMs: 50 });
    expect(await slow.split({ path: "a.sql", text: "SELECT 1" })).toMatchObject({
      problem: { file: "a.sql", code: "split_timeout" },
    });
    await slow.close();
  });

  it("is replaced after it ran out of memory", async () => {
    const greedy = "process.on('message', () => { const a = []; for (;;) a.push(new Array(1e5).fill(1)); });";
    const hungry = createSplitter({ worker: script("greedy.mjs", greedy), memoryMb: 16 });
    for (const path of ["a.sql", "b.sql"]) {
      expect(await hungry.split({ path, text: "SELECT 1" })).toMatchObject({
        problem: { file: path, code: "split_crashed" },
      });
    }
    await hungry.close();
  });
});

describe("the worker process", () => {
  it("sees nothing of the service's environment", async () => {
    process.env["OFFSHOOT_CANARY"] = "secret";
    const directory = mkdtempSync(join(tmpdir(), "offshoot-splitter-"));
    const file = join(directory, "tell.mjs");
    const tell = "process.on('message', () => process.send({ statements: Object.keys(process.env) }));";
    writeFileSync(file, tell);
    const telling = createSplitter({ worker: pathToFileURL(file) });
    const answer = await telling.split({ path: "a.sql", text: "SELECT 1" });
    await telling.close();
    rmSync(directory, { recursive: true, force: true });
    expect(JSON.stringify(answer)).not.toContain("OFFSHOOT_CANARY");
  });
});

describe("any text", () => {
  const bodies = fc.constantFrom(
    "SELECT 1",
    "SELECT 'it''s; -- no comment'",
    "SELECT E'\\'; /* '",
    'SELECT 1 AS "a;""b"',
    "SELECT $$ ; $a$ ' $$",
    "SELECT $é$ ; -- $$ $é$",
    "SELECT 2 /* in; /* nested; */ side */ + 3",
    "SELECT 4 -- in; side\n + 5",
    "CREATE INDEX ASYNC i ON t(a)",
    "CREATE TABLE t (é int, b text DEFAULT ';')",
    "SELECT 1 AS e, 'x'",
    "SELECT U&'\\0041;'",
    "SELECT a$1 FROM t",
  );
  const gaps = fc.array(
    fc.constantFrom(" ", "\n", "\r\n", "\t", ";", "-- a ; 'b\n", "/* ; ' $$ */", "/* /* */ ; */", "-- é😀\n"),
    { maxLength: 4 },
  );

  it("splits statements that are put together back into the same statements", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(gaps, bodies, gaps), { maxLength: 6 }), async (parts) => {
        const text = parts
          .map(([before, body, after]) => `${before.join("")}${body}${after.join("")}\n;`)
          .join("");
        expect((await statements(text)).map(({ sql }) => sql)).toEqual(parts.map(([, body]) => body));
      }),
      { numRuns: 300 },
    );
  });

  it("never throws, and is deterministic", async () => {
    const pieces = fc.constantFrom(
      "'",
      '"',
      "$$",
      "$a$",
      "--",
      "/*",
      "*/",
      ";",
      "\\",
      "E'",
      "(",
      "\0",
      "\n",
      "é",
    );
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.array(fc.oneof(pieces, bodies), { maxLength: 12 }).map((parts) => parts.join("")),
    );
    await fc.assert(
      fc.asyncProperty(text, async (sql) => {
        expect(await split(sql)).toEqual(await split(sql));
      }),
      { numRuns: 300 },
    );
  });
});
