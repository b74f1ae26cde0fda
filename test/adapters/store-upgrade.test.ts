import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadModule, parseSync } from "libpg-query";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { migrationFiles } from "../../service/adapters/store/migration-files.ts";
import type { SqlText } from "../../service/adapters/store/sql.ts";
import type { Context } from "../../service/handlers/context.ts";
import { SEEN } from "../domain/builders.ts";
import { createScene, KEY, type Scene } from "../handlers/scene.ts";
import { collectStatements } from "../support/statements.ts";
import { startStore, type TestStore } from "../support/store.ts";

/** The statements of the version before this one; `UPDATE_PREVIOUS=1` makes those of today the next version's. */
const PREVIOUS = join(import.meta.dirname, "golden", "previous-statements.json");
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

describe("code of the version before", () => {
  let base: TestStore;
  beforeAll(async () => {
    base = await startStore();
  });
  afterAll(() => base.stop());

  it("finds everything that its statements name in the schema of this version", async () => {
    const previous = JSON.parse(await readFile(PREVIOUS, "utf8")) as readonly SqlText[];
    expect(previous.length).toBeGreaterThan(50);
    for (const { name, text } of previous) {
      await expect(base.pool.query(`prepare previous as ${text}`), name).resolves.toBeTruthy();
      await base.pool.query("deallocate all");
    }
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

  it("lives a pull request's life from its opening to its end", async () => {
    const scene = createScene(base);
    const observation = { kind: "usable" as const, ...SEEN };
    let isRemoved = false;
    Object.assign(scene.context.control, {
      observe: async () => (isRemoved ? { kind: "absent" } : observation),
      remove: async () => {
        isRemoved = true;
        return { kind: "removing" };
      },
    } satisfies Partial<Context["control"]>);
    await scene.deliver({ action: "opened" });
    await settle(scene);
    expect(scene.github.posted[0]?.body).toContain("Database ready");
    scene.github.pull = scene.github.pull && {
      ...scene.github.pull,
      state: "closed",
      closedAt: scene.context.clock.now(),
    };
    await scene.deliver({ action: "closed" });
    await settle(scene);
    const { rows } = await base.pool.query("select status from cluster");
    expect(rows).toEqual([{ status: "gone" }]);
    expect(await base.store.pull(KEY)).not.toBeNull();
  });
});

/** Long enough for a cluster to come, or to be taken for gone. */
const SETTLE_MS = 20 * 60_000;
const STEPS_MAX = 200;

/** Runs what is due, time passing, until nothing is within SETTLE_MS. */
async function settle({ context, pass, run }: Scene): Promise<void> {
  const { store, clock } = context;
  const endMs = clock.now().getTime() + SETTLE_MS;
  for (let steps = 0; steps < STEPS_MAX; steps += 1) {
    const next = await store.nextDue();
    if (!next || next.getTime() > endMs) return;
    pass(Math.max(0, next.getTime() - clock.now().getTime()));
    const [due] = await store.due(clock.now(), 1);
    if (due) await run(due.topic, due.key);
  }
  throw new Error("It does not come to rest.");
}
