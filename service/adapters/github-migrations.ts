import { LRUCache } from "lru-cache";
import { Refused, Retryable } from "../domain/errors.ts";
import { MIGRATION_FILE_BYTES, MIGRATION_FILES_MAX } from "../domain/limits.ts";
import type { MigrationFile } from "../domain/migration.ts";
import type { GitHub, RepositoryTarget } from "../handlers/ports.ts";
import { mapBounded } from "./bounded.ts";
import type { GitHubClient } from "./github-client.ts";

/** GitHub asks for few requests at once per installation. */
const BLOBS_AT_ONCE = 4;
/** Texts kept, in bytes: some hundred schemas; and directories, of which each is a short list. */
const TEXT_CACHE_BYTES = 16 * 1024 * 1024;
const DIRECTORY_CACHE = 200;

const SYMBOLIC_LINK = "120000";
const SHA = /^[0-9a-f]{40}$|^[0-9a-f]{64}$/;

/** One file of a directory at a commit, before it is read. */
interface Entry {
  readonly path: string;
  readonly sha: string;
}

/** One line of a git tree, as far as it is read. */
interface TreeEntry {
  readonly path: string;
  readonly mode: string;
  readonly type: string;
  readonly sha: string;
  readonly size?: number;
}

/**
 * `readMigrations` of the port: commit, tree after tree down to the directory, then the blobs. Everything is addressed
 * by its SHA and so never changes: directories and texts are kept in memory, and a push reads only what it brought.
 * What the pull request's author must mend is Refused with a reason that begins with `migrations_`.
 */
export function createMigrationReader(client: GitHubClient): GitHub["readMigrations"] {
  const directories = new LRUCache<string, readonly Entry[]>({ max: DIRECTORY_CACHE });
  const texts = new LRUCache<string, string>({
    maxSize: TEXT_CACHE_BYTES,
    sizeCalculation: (text) => Buffer.byteLength(text) + 1,
  });

  const entriesOf = async (target: RepositoryTarget, sha: string, directory: string) => {
    const key = `${target.repositoryId} ${sha} ${directory}`;
    const entries = directories.get(key) ?? (await readEntries(client, target, sha, directory));
    directories.set(key, entries);
    return entries;
  };

  return async (target, sha, directory) => {
    const entries = await entriesOf(target, sha, directory);
    return mapBounded(entries, BLOBS_AT_ONCE, async (entry): Promise<MigrationFile> => {
      const text = texts.get(entry.sha) ?? (await readText(client, target, entry));
      texts.set(entry.sha, text);
      return { path: entry.path, text };
    });
  };
}

async function readEntries(client: GitHubClient, target: RepositoryTarget, sha: string, directory: string) {
  const names = directory.split("/").filter((name) => name !== "" && name !== ".");
  if (!SHA.test(sha) || names.includes("..")) {
    throw new Refused("invalid_request", `${directory} at ${sha.slice(0, 64)} is no place in a repository.`);
  }
  let tree = await readTree(client, target, await readTreeSha(client, target, sha));
  for (const name of names) {
    const entry = tree.find(({ path }) => path === name);
    if (!entry) return [];
    if (entry.type !== "tree") {
      throw new Refused(
        "migrations_not_a_directory",
        `${directory}: ${name} is ${kindOf(entry)}, not a directory.`,
      );
    }
    tree = await readTree(client, target, entry.sha);
  }
  const files = tree.filter(({ path, type }) => path.endsWith(".sql") && type !== "tree");
  return checkFiles(files, names.join("/"));
}

/** Refuses what cannot be applied rather than leave it out: a migration that is skipped in silence is a wrong schema. */
function checkFiles(files: readonly TreeEntry[], directory: string): readonly Entry[] {
  if (files.length > MIGRATION_FILES_MAX) {
    const text = `${directory} has ${files.length} .sql files; at most ${MIGRATION_FILES_MAX} are applied.`;
    throw new Refused("migrations_too_many_files", text);
  }
  const entries = files.map((file) => {
    const path = directory ? `${directory}/${file.path}` : file.path;
    if (file.type !== "blob" || file.mode === SYMBOLIC_LINK) {
      throw new Refused("migrations_not_a_file", `${path} is ${kindOf(file)}; commit the file itself.`);
    }
    if ((file.size ?? 0) > MIGRATION_FILE_BYTES) throw tooLarge(path);
    return { path, sha: file.sha };
  });
  // In the order of the names' bytes, as git and `ls` in the C locale have it; JavaScript compares UTF-16.
  return entries.sort((one, other) => Buffer.compare(Buffer.from(one.path), Buffer.from(other.path)));
}

async function readTreeSha(client: GitHubClient, target: RepositoryTarget, sha: string): Promise<string> {
  const response = await client.read(target, `commit ${sha}`, (request, repository) =>
    request("GET /repos/{owner}/{repo}/git/commits/{commit_sha}", { ...repository, commit_sha: sha }),
  );
  // Right after a push not every machine of GitHub has the commit.
  if (!response) throw new Retryable("commit_missing", `GitHub does not show commit ${sha} (yet).`);
  return response.data.tree.sha;
}

async function readTree(
  client: GitHubClient,
  target: RepositoryTarget,
  sha: string,
): Promise<readonly TreeEntry[]> {
  const response = await client.read(target, `tree ${sha}`, (request, repository) =>
    request("GET /repos/{owner}/{repo}/git/trees/{tree_sha}", { ...repository, tree_sha: sha }),
  );
  if (!response) throw new Retryable("commit_missing", `GitHub does not show tree ${sha} (yet).`);
  if (response.data.truncated) {
    throw new Refused(
      "migrations_too_many_files",
      "A directory on the way to the migrations has too many entries to be read.",
    );
  }
  return response.data.tree;
}

async function readText(
  client: GitHubClient,
  target: RepositoryTarget,
  { path, sha }: Entry,
): Promise<string> {
  const response = await client.read(target, path, (request, repository) =>
    request("GET /repos/{owner}/{repo}/git/blobs/{file_sha}", { ...repository, file_sha: sha }),
  );
  if (!response) throw new Retryable("commit_missing", `GitHub does not show ${path} (yet).`);
  const bytes = Buffer.from(response.data.content, response.data.encoding === "base64" ? "base64" : "utf8");
  if (bytes.length > MIGRATION_FILE_BYTES) throw tooLarge(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Refused("migrations_not_utf8", `${path} is not UTF-8 text. Save it as UTF-8 and push again.`);
  }
}

function tooLarge(path: string): Refused {
  const text = `${path} is larger than ${MIGRATION_FILE_BYTES / 1024 / 1024} MiB. Split it into smaller files.`;
  return new Refused("migrations_file_too_large", text);
}

function kindOf({ type, mode }: TreeEntry): string {
  if (type === "commit") return "a submodule";
  if (mode === SYMBOLIC_LINK) return "a symbolic link";
  return type === "tree" ? "a directory" : "a file";
}
