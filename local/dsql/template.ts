import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFile, chmod, chown, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { type Account, canReach } from "./account.ts";
import { type Binaries, exists, publish } from "./binaries.ts";
import { launch } from "./postmaster.ts";
import { TEMPLATE_SQL } from "./template-sql.ts";

/** 1 MB WAL files keep a cluster at 28 MB of disk instead of 39. Trust is safe: the socket's directory is private. */
const INITDB_ARGUMENTS = [
  ...["--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256"],
  ...["--encoding=UTF8", "--locale=C", "--wal-segsize=1", "--no-sync", "--no-instructions"],
];

/**
 * Measured: 5 MB and 5 processes for an idle instance. Data survives a SIGKILL of Postgres (every commit is written to
 * the operating system), but not a power cut (nothing waits for the disk).
 */
const CONFIGURATION = `
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 50
shared_buffers = 8MB
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
min_wal_size = 2MB
max_wal_size = 16MB
max_worker_processes = 0
max_parallel_workers = 0
autovacuum_naptime = 300
dynamic_shared_memory_type = mmap
huge_pages = off
timezone = 'UTC'
log_timezone = 'UTC'
default_transaction_isolation = 'repeatable read'
`;

const STALE_PARTIAL_MS = 10 * 60_000;

/**
 * The data directory that every instance is copied from: built once per installation, found again by its hash. Idempotent;
 * two processes that build at the same time end with one. In: the cache directory (see openCache).
 */
export async function findTemplate(
  cacheDirectory: string,
  binaries: Binaries,
  account: Account | undefined,
): Promise<string> {
  const recipe = [binaries.version, ...INITDB_ARGUMENTS, CONFIGURATION, TEMPLATE_SQL].join("\n");
  const digest = createHash("sha256").update(recipe).digest("hex").slice(0, 12);
  const target = join(cacheDirectory, `template-${digest}`);
  if (await exists(join(target, "data"))) return join(target, "data");

  if (account && !(await canReach(cacheDirectory, account))) {
    throw new Error(
      `Postgres runs as uid ${account.uid} when started by root, and ${cacheDirectory} is closed to it`,
    );
  }
  await removeStale(cacheDirectory);
  const partial = await mkdtemp(join(cacheDirectory, "partial-"));
  try {
    if (account) await chown(partial, account.uid, account.gid);
    await build(partial, binaries, account);
    // The contents stay with the account; only the name moves.
    await chmod(partial, 0o700);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  await publish(partial, target);
  return join(target, "data");
}

/** Copies the template to `target`, whose parent must belong to the account. Not idempotent: `target` must be new. */
export async function copyTemplate(
  template: string,
  target: string,
  account: Account | undefined,
): Promise<void> {
  await run("cp", ["-Rp", template, target], account);
}

async function build(directory: string, binaries: Binaries, account: Account | undefined): Promise<void> {
  const data = join(directory, "data");
  await run(binaries.initdb, [...INITDB_ARGUMENTS, "--pgdata", data], account, directory);
  await appendFile(join(data, "postgresql.conf"), CONFIGURATION);
  const postmaster = await launch({ binaries, account, data, socketDirectory: directory, settings: {} });
  try {
    const client = new pg.Client({
      host: directory,
      port: postmaster.port,
      user: "postgres",
      database: "postgres",
    });
    await client.connect();
    await client.query(TEMPLATE_SQL);
    await client.query("checkpoint");
    await client.end();
  } finally {
    await postmaster.stop();
  }
}

/** A builder that was killed leaves its half behind. */
async function removeStale(cacheDirectory: string): Promise<void> {
  for (const name of await readdir(cacheDirectory)) {
    if (!name.startsWith("partial-")) continue;
    const path = join(cacheDirectory, name);
    const found = await stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > STALE_PARTIAL_MS)
      await rm(path, { recursive: true, force: true });
  }
}

async function run(command: string, args: string[], account: Account | undefined, cwd = "/"): Promise<void> {
  const child = spawn(command, args, { ...account, cwd, stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ended with ${code ?? signal}: ${complaint.trim()}`));
    });
  });
}
