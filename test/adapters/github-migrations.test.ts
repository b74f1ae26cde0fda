import { describe, expect, it } from "vitest";
import { MIGRATION_FILE_BYTES, MIGRATION_FILES_MAX } from "../../service/domain/limits.ts";
import { gitHubWith, ok, SHA, said } from "../support/contract-github.ts";

describe("migrations", () => {
  type Entry = { path: string; mode?: string; type?: string; sha?: string; size?: number };
  const entry = (one: Entry) => ({ mode: "100644", type: "blob", sha: `blob-${one.path}`, size: 10, ...one });
  const tree = (...entries: Entry[]) => ok({ tree: entries.map(entry), truncated: false });
  const DB = { path: "db", type: "tree", mode: "040000", sha: "tree-db" };
  const MIGRATIONS = { path: "migrations", type: "tree", mode: "040000", sha: "tree-migrations" };
  /** A repository with the directory db/migrations. */
  const repository = (files: readonly Entry[], content = (sha: string) => Buffer.from(`-- ${sha}`)) =>
    gitHubWith(({ path }) => {
      if (path.includes("/git/commits/")) return ok({ tree: { sha: "tree-root" } });
      if (path.endsWith("/tree-root")) return tree(DB, { path: "README.md" });
      if (path.endsWith("/tree-db")) return tree(MIGRATIONS);
      if (path.endsWith("/tree-migrations")) return tree(...files);
      const sha = decodeURIComponent(path.split("/").at(-1) ?? "");
      return ok({ encoding: "base64", content: content(sha).toString("base64").replace(/.{60}/g, "$&\n") });
    });

  it("are read in the order of their names' bytes, and nothing else", async () => {
    const { github, here } = await repository([
      { path: "\u{1f600}.sql" },
      { path: "\uff5e.sql" },
      { path: "b.sql" },
      { path: "B.sql" },
      { path: "README.md" },
      { path: "old.sql", type: "tree", mode: "040000" },
    ]);
    const files = await github.readMigrations(here, SHA, "db/migrations/");
    expect(files.map(({ path }) => path)).toEqual([
      "db/migrations/B.sql",
      "db/migrations/b.sql",
      "db/migrations/\uff5e.sql",
      "db/migrations/\u{1f600}.sql",
    ]);
    expect(files[0]?.text).toBe("-- blob-B.sql");
  });

  it("are asked for once: what a SHA names does not change", async () => {
    const { github, here, calls } = await repository([{ path: "a.sql" }, { path: "b.sql" }]);
    await github.readMigrations(here, SHA, "db/migrations");
    const first = calls().length;
    await github.readMigrations(here, SHA, "db/migrations");
    expect(calls()).toHaveLength(first);
    await github.readMigrations(here, "b".repeat(40), "db/migrations");
    const again = calls()
      .slice(first)
      .map(({ path }) => path);
    expect(again.filter((path) => path.includes("/git/blobs/"))).toEqual([]);
  });

  it.each(["missing", "db/missing"])("are none where there is no directory %s", async (directory) => {
    const { github, here } = await repository([]);
    expect(await github.readMigrations(here, SHA, directory)).toEqual([]);
  });

  const refusals: readonly (readonly [
    name: string,
    files: readonly Entry[],
    reason: string,
    named: string,
  ])[] = [
    ["a symbolic link", [{ path: "a.sql", mode: "120000" }], "migrations_not_a_file", "db/migrations/a.sql"],
    ["a submodule", [{ path: "a.sql", type: "commit" }], "migrations_not_a_file", "db/migrations/a.sql"],
    [
      "a large file",
      [{ path: "a.sql", size: MIGRATION_FILE_BYTES + 1 }],
      "migrations_file_too_large",
      "db/migrations/a.sql",
    ],
    [
      "too many files",
      Array.from({ length: MIGRATION_FILES_MAX + 1 }, (_, at) => ({ path: `${at}.sql` })),
      "migrations_too_many_files",
      "501",
    ],
  ];
  it.each(refusals)("refuse %s and name it", async (_name, files, reason, named) => {
    const { github, here } = await repository(files);
    const reading = github.readMigrations(here, SHA, "db/migrations");
    await expect(reading).rejects.toMatchObject({
      name: "Refused",
      reason,
      message: expect.stringContaining(named),
    });
  });

  it("refuse a file that is not UTF-8", async () => {
    const { github, here } = await repository([{ path: "a.sql" }], () => Buffer.from([0x2d, 0xff, 0xfe]));
    await expect(github.readMigrations(here, SHA, "db/migrations")).rejects.toMatchObject({
      reason: "migrations_not_utf8",
      message: expect.stringContaining("db/migrations/a.sql"),
    });
  });

  it("refuse a file where the directory should be", async () => {
    const { github, here } = await repository([]);
    await expect(github.readMigrations(here, SHA, "README.md")).rejects.toMatchObject({
      reason: "migrations_not_a_directory",
    });
  });

  it("are asked for again later when GitHub does not have the commit yet", async () => {
    const { github, here } = await gitHubWith(() => said(404, "Not Found"));
    await expect(github.readMigrations(here, SHA, "db")).rejects.toMatchObject({
      name: "Retryable",
      reason: "commit_missing",
    });
  });

  it.each([
    ["main", "db"],
    [SHA, "../db"],
  ])("are not read at %s in %s", async (sha, directory) => {
    const { github, here, calls } = await repository([]);
    await expect(github.readMigrations(here, sha, directory)).rejects.toMatchObject({
      reason: "invalid_request",
    });
    expect(calls()).toEqual([]);
  });
});
