import { chmod, chown, stat } from "node:fs/promises";
import os from "node:os";
import { dirname, relative, resolve, sep } from "node:path";

/** The operating system's account that Postgres runs as, when it is not our own. */
export interface Account {
  uid: number;
  gid: number;
}

/** `nobody` on Linux: it exists everywhere, and initdb insists on an entry in the user table. */
const NOBODY: Account = { uid: 65534, gid: 65534 };

/** Postgres refuses to run as root, so root lends it another account; everybody else needs none. */
export function postgresAccount(): Account | undefined {
  return process.getuid?.() === 0 ? NOBODY : undefined;
}

/** True if the account may search every directory on the way to `path` and read `path` itself. */
export async function canReach(path: string, account: Account): Promise<boolean> {
  return (await obstacle(path, account)) === undefined;
}

/**
 * Hands a directory to the account and makes sure that it can be reached. Idempotent.
 * Directories above it that are private are opened (search only, for the account's group) if they are inside the
 * temporary directory; elsewhere the caller gets an error instead, because opening someone's home is not ours to do.
 */
export async function lend(directory: string, account: Account | undefined): Promise<void> {
  if (!account) return;
  await chown(directory, account.uid, account.gid);
  for (const parent of parents(directory)) {
    const found = await stat(parent);
    if (searchable(found, account)) continue;
    if (!isInside(parent, os.tmpdir())) {
      throw new Error(
        `Postgres runs as uid ${account.uid} when started by root, and ${parent} is closed to it: choose a directory ` +
          `outside of ${parent}, or run as an ordinary user`,
      );
    }
    await chown(parent, found.uid, account.gid);
    await chmod(parent, (found.mode & 0o7777) | 0o010);
  }
}

async function obstacle(path: string, account: Account): Promise<string | undefined> {
  for (const parent of [...parents(path), resolve(path)]) {
    if (!searchable(await stat(parent), account)) return parent;
  }
  return undefined;
}

function searchable(found: { uid: number; gid: number; mode: number }, account: Account): boolean {
  if (found.uid === account.uid) return (found.mode & 0o100) !== 0;
  if (found.gid === account.gid) return (found.mode & 0o010) !== 0;
  return (found.mode & 0o001) !== 0;
}

/** All directories above a path, the root first. */
function parents(path: string): string[] {
  const parent = dirname(resolve(path));
  return parent === resolve(path) ? [] : [...parents(parent), parent];
}

function isInside(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`);
}
