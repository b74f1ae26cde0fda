import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadModule, parseSync } from "libpg-query";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { migrationFiles } from "../../service/adapters/store/migration-files.ts";
import type { SqlText } from "../../service/adapters/store/sql.ts";
import { type Recorded, recordLife, replayLife } from "../support/recorded-life.ts";
import { collectStatements } from "../support/statements.ts";
import { startStore, type TestStore } from "../support/store.ts";

/** The statements of the version before this one, and lives of it; `UPDATE_PREVIOUS=1` makes those of today the next version's. */
const PREVIOUS = join(import.meta.dirname, "golden", "previous-statements.json");
const PREVIOUS_LIFE = join(import.meta.dirname, "golden", "previous-life.jsonl");
const BREAKING = /^-- breaking: \S/;
/** The first version; what came later must let the version before it work on. */
const FIRST_VERSION = "0052_cluster_access.sql";

describe("a migration", () => {
  it("lets older code work on, or says in its first line why not", async () => {
    await loadModule();
    const files = await migrationFiles();
    const tables = new Set<string>();
    for (const { name, text } of files) {
      const problem = problemOf(text, name > FIRST_VERSION ? tables : new Set());
      if (name <= FIRST_VERSION) for (const table of tablesMade(text)) tables.add(table);
      if (!BREAKING.test(text)) expect(problem, name).toBeNull();
    }
  });

  it.each([
    ["ALTER TABLE cluster DROP COLUMN reason", "DropColumn"],
    ["ALTER TABLE cluster RENAME COLUMN reason TO why", "RenameStmt"],
    ["ALTER TABLE cluster ALTER COLUMN reason SET NOT NULL", "SetNotNull"],
    ["ALTER TABLE cluster ALTER COLUMN repository_id DROP NOT NULL", "DropNotNull"],
    ["ALTER TABLE cluster ADD COLUMN later text NOT NULL", "must be nullable"],
    ["ALTER TABLE cluster ADD COLUMN later text UNIQUE", "must be nullable"],
    ["CREATE UNIQUE INDEX cluster_arn ON cluster (arn)", "unique"],
    ["DROP TABLE cluster", "DropStmt"],
    ["UPDATE cluster SET reason = null", "UpdateStmt"],
  ])("such as %s is found", async (text, expected) => {
    await loadModule();
    expect(problemOf(text, new Set(["cluster"]))).toContain(expected);
  });

  it.each([
    "CREATE TABLE later (id text PRIMARY KEY)",
    "CREATE INDEX cluster_arn ON cluster (arn)",
    "CREATE UNIQUE INDEX later_name ON later (name)",
    "ALTER TABLE cluster ADD COLUMN later text, ADD COLUMN more bigint NOT NULL DEFAULT 0",
    "UPDATE cluster SET later = lower(reason) WHERE later IS NULL",
  ])("such as %s is not", async (text) => {
    await loadModule();
    expect(problemOf(text, new Set(["cluster"]))).toBeNull();
  });
});

interface AlterCommand {
  readonly subtype: string;
  readonly def?: {
    readonly ColumnDef?: {
      readonly constraints?: readonly { readonly Constraint: { readonly contype: string } }[];
    };
  };
}

/** Why the version before could fail on it; null if it only adds. `known`: the tables that version has. */
function problemOf(text: string, known: ReadonlySet<string>): string | null {
  const tree = parseSync(text) as { stmts: { stmt: Record<string, Record<string, unknown>> }[] };
  const [node = "", statement = {}] = Object.entries(tree.stmts[0]?.stmt ?? {})[0] ?? [];
  const table = String(Object(statement["relation"])["relname"]);
  if (tree.stmts.length !== 1) return "one statement per file";
  if (node === "CreateStmt") return null;
  if (node === "IndexStmt") {
    return statement["unique"] && known.has(table)
      ? "a unique index may refuse what older code writes"
      : null;
  }
  // What is null was not written by older code, or is filled as it will be read.
  if (node === "UpdateStmt" && fillsNulls(text)) return null;
  if (node !== "AlterTableStmt") return node;
  const commands = (statement["cmds"] as { AlterTableCmd: AlterCommand }[]).map((one) => one.AlterTableCmd);
  return commands.map(commandProblem).find((problem) => problem !== null) ?? null;
}

function fillsNulls(text: string): boolean {
  return /^update \w+ set (\w+) = [^,]+ where \1 is null\s*$/i.test(text);
}

function commandProblem({ subtype, def }: AlterCommand): string | null {
  if (subtype !== "AT_AddColumn") return subtype;
  const kinds = (def?.ColumnDef?.constraints ?? []).map(({ Constraint }) => Constraint.contype);
  const strict = kinds.filter((kind) => kind !== "CONSTR_DEFAULT" && kind !== "CONSTR_NULL");
  const isFilled = kinds.includes("CONSTR_DEFAULT") && strict.every((kind) => kind === "CONSTR_NOTNULL");
  return strict.length === 0 || isFilled ? null : "a new column must be nullable or have a default";
}

function tablesMade(text: string): readonly string[] {
  const name = /^create table (\w+)/i.exec(text)?.[1];
  return name ? [name] : [];
}

const textsOf = (statements: readonly SqlText[]) =>
  new Map(statements.map(({ name, text }) => [name, text] as const));

describe("code of the version before", () => {
  let base: TestStore;
  let texts: ReadonlyMap<string, string>;
  let life: readonly Recorded[];
  beforeAll(async () => {
    base = await startStore();
    texts = textsOf(JSON.parse(await readFile(PREVIOUS, "utf8")) as readonly SqlText[]);
    const lines = (await readFile(PREVIOUS_LIFE, "utf8")).trim().split("\n");
    life = lines.map((line) => JSON.parse(line) as Recorded);
  });
  afterAll(() => base.stop());
  beforeEach(() => base.clear());

  it("finds everything that its statements name in the schema of this version", async () => {
    expect(texts.size).toBeGreaterThan(50);
    for (const [name, text] of texts) {
      await expect(base.pool.query(`prepare previous as ${text}`), name).resolves.toBeTruthy();
      await base.pool.query("deallocate all");
    }
  });

  it("lives on the schema of this version as it did on its own: each statement has the same answer", async () => {
    expect(new Set(life.map(([name]) => name)).size).toBeGreaterThan(0.9 * texts.size);
    expect(await replayLife(base.pool, texts, life)).toBeNull();
  });

  it.each([
    ["alter table event add column later text not null", "alter table event drop column later", "event_add"],
    [
      "alter table wakeup add constraint later check (attempts < 1)",
      "alter table wakeup drop constraint later",
      "wakeup_claim",
    ],
    [
      "alter table cluster alter column reason set default 'later', add column later text unique default 'one'",
      "alter table cluster alter column reason drop default, drop column later",
      "cluster_insert",
    ],
  ])("could not after a migration such as: %s", async (change, back, statement) => {
    await base.pool.query(change);
    const broken = await replayLife(base.pool, texts, life);
    await base.pool.query(back);
    expect(broken).toMatch(new RegExp(`^${statement}, statement \\d+ of ${life.length}: `));
  });
});

describe("this version on the schema of a later one", () => {
  let base: TestStore;
  beforeAll(async () => {
    base = await startStore();
    const { rows } = await base.pool.query<{ relname: string }>(
      "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
    );
    for (const { relname } of rows) {
      await base.pool.query(
        `alter table ${relname} add column later_text text, add column later_count bigint default 0`,
      );
    }
    await base.pool.query("create table later (id text primary key, environment_id text)");
    await base.pool.query("create index later_environment on later (environment_id)");
  });
  afterAll(() => base.stop());

  it("collects its statements from the modules that make them", async () => {
    const statements = await collectStatements();
    expect(statements.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["cluster_by_id", "wakeup_claim"]),
    );
    for (const { name, text } of statements) {
      await expect(base.pool.query(`prepare this as ${text}`), name).resolves.toBeTruthy();
      await base.pool.query("deallocate all");
    }
    if (process.env["UPDATE_PREVIOUS"]) await writeFile(PREVIOUS, `${JSON.stringify(statements, null, 2)}\n`);
  });

  it("lives the lives of a customer and a pull request to their ends, and they can be played again", async () => {
    const life = await recordLife(base);
    const { rows } = await base.pool.query(
      "select status, count(*)::int as clusters from cluster group by 1",
    );
    expect(rows).toEqual([{ status: "gone", clusters: 2 }]);
    expect(life.map(([name]) => name)).toEqual(expect.arrayContaining(["report_insert", "label_remove"]));
    await base.clear();
    expect(await replayLife(base.pool, textsOf(await collectStatements()), life)).toBeNull();
    if (process.env["UPDATE_PREVIOUS"]) {
      await writeFile(PREVIOUS_LIFE, life.map((one) => `${JSON.stringify(one)}\n`).join(""));
    }
  });
});
