import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

export interface MigrationFile {
  readonly name: string;
  readonly text: string;
}

/** The service's own migrations: one DDL statement per file, because DSQL allows one per transaction. */
const DIRECTORY = join(import.meta.dirname, "..", "..", "migrations");

/** All of them, in order. In a bundle the texts stand in the place of this file (scripts/build.ts). */
export async function migrationFiles(): Promise<readonly MigrationFile[]> {
  const names = (await readdir(DIRECTORY)).filter((name) => name.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async (name) => ({ name, text: await readFile(join(DIRECTORY, name), "utf8") })),
  );
}
