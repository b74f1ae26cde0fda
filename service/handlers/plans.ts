import type { Environment } from "../domain/environment.ts";
import { Refused } from "../domain/errors.ts";
import { MIGRATION_STATEMENTS_MAX } from "../domain/limits.ts";
import type { MigrationFile, MigrationProblem, Plan, Statement } from "../domain/migration.ts";
import type { Context } from "./context.ts";
import { onGitHub } from "./on-github.ts";
import type { RepositoryTarget } from "./ports.ts";

/**
 * Reads the migrations at the environment's pinned SHA, or a customer's files by their digest, and splits them.
 * Deterministic for one SHA.
 */
export async function readPlan(
  context: Context,
  target: RepositoryTarget | null,
  environment: Environment,
): Promise<{ readonly plan: Plan } | { readonly problem: MigrationProblem }> {
  const directory = context.policy.migrationsDirectory;
  const sha = environment.headSha;
  try {
    const files = target
      ? await onGitHub(context, target, (github) => github.readMigrations(target, sha, directory))
      : await customerFiles(context, sha);
    const statements: Statement[] = [];
    for (const file of files) {
      const split = await context.splitter.split(file);
      if ("problem" in split) return split;
      statements.push(...split.statements);
    }
    if (statements.length > MIGRATION_STATEMENTS_MAX)
      return { problem: tooMany(directory, statements.length) };
    return { plan: { sha, files: files.map((file) => file.path), statements } };
  } catch (error) {
    if (error instanceof Refused && error.reason.startsWith("migrations_")) {
      return { problem: unreadable(directory, error.reason, error.message) };
    }
    throw error;
  }
}

/** A customer without migrations has the empty digest. */
async function customerFiles(context: Context, digest: string): Promise<readonly MigrationFile[]> {
  if (digest === "") return [];
  const files = await context.store.migrationSet(digest);
  if (!files) throw new Error(`The migration files ${digest} are not in the store.`);
  return files;
}

function tooMany(directory: string, count: number): MigrationProblem {
  const message = `The files hold ${count} statements; ${MIGRATION_STATEMENTS_MAX} are allowed.`;
  return unreadable(directory, "too_many_statements", message);
}

function unreadable(directory: string, code: string, message: string): MigrationProblem {
  return { file: `${directory}/`, line: 0, index: 0, count: 0, sql: "", code, message };
}
