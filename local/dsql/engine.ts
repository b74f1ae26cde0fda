import { randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import os from "node:os";
import { join, resolve } from "node:path";
import pg from "pg";
import { type Account, lend, postgresAccount } from "./account.ts";
import { type Binaries, defaultCacheDirectory, exists, findBinaries, openCache } from "./binaries.ts";
import { launch, type Postmaster, stopOrphan } from "./postmaster.ts";
import { copyTemplate, findTemplate } from "./template.ts";

export interface InstanceOptions {
  /** Holds the instance's data; made when missing, and kept when the instance stops. */
  directory: string;
  /** Postgres settings on top of the template's, e.g. `{ max_connections: "100" }`. */
  settings?: Readonly<Record<string, string>>;
  /** Also listens on 127.0.0.1, on a port that the system picks; `url` then leads there, with a password. */
  listen?: boolean;
}

/** One running Postgres. `url` works with `pg` as it is; its user `postgres` is a superuser. */
export interface Instance {
  socketDirectory: string;
  port: number;
  url: string;
  pid: number;
  /** Settles when Postgres has ended, however it ended. */
  ended: Promise<void>;
  /** Ends all sessions and Postgres; the data stay. Idempotent. */
  stop(): Promise<void>;
}

/** What every instance of one process shares. */
export interface Engine {
  /** Starts the instance of a directory, after stopping one that a killed process left there. */
  start(options: InstanceOptions): Promise<Instance>;
}

/** The path of a Unix socket may have 107 bytes on Linux and 103 on macOS; `/.s.PGSQL.65535` needs 16 of them. */
const SOCKET_DIRECTORY_BYTES = 87;

/** Finds or builds what instances need, once. In: where binaries and template are cached. Idempotent. */
export async function openEngine(cacheDirectory = defaultCacheDirectory()): Promise<Engine> {
  const account = postgresAccount();
  const cache = resolve(cacheDirectory);
  await openCache(cache);
  const binaries = await findBinaries(cache, account);
  const template = await findTemplate(cache, binaries, account);
  return { start: (options) => start(options, binaries, template, account) };
}

/**
 * Starts a plain Postgres 16 on a directory, for tests and benchmarks. First use copies the template (about 30 ms, 28 MB).
 * The caller stops it, and removes the directory if it wants to.
 */
export async function startInstance(options: InstanceOptions): Promise<Instance> {
  return (await openEngine()).start(options);
}

async function start(
  options: InstanceOptions,
  binaries: Binaries,
  template: string,
  account: Account | undefined,
): Promise<Instance> {
  const directory = resolve(options.directory);
  const data = join(directory, "data");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await lend(directory, account);
  await stopOrphan(data);
  if (!(await exists(data))) await copyInto(directory, template, account);

  const { socketDirectory, removeSocketDirectory } = await openSocketDirectory(directory, account);
  let postmaster: Postmaster;
  try {
    const { settings = {}, listen = false } = options;
    postmaster = await launch({ binaries, account, data, socketDirectory, settings, listen });
  } catch (error) {
    await removeSocketDirectory();
    throw error;
  }
  const ended = postmaster.ended.then(removeSocketDirectory);
  const stop = async (): Promise<void> => {
    await postmaster.stop();
    await ended;
  };
  const { port, pid } = postmaster;
  const socketUrl = `postgresql://postgres@${encodeURIComponent(socketDirectory)}:${port}/postgres`;
  const url = options.listen ? await openToTcp(socketUrl, port) : socketUrl;
  return { socketDirectory, port, url, pid, ended, stop };
}

/** A copy that was cut off must not look like a data directory, so the name comes last. */
async function copyInto(directory: string, template: string, account: Account | undefined): Promise<void> {
  const partial = join(directory, "data.partial");
  await rm(partial, { recursive: true, force: true });
  await copyTemplate(template, partial, account);
  await rename(partial, join(directory, "data"));
}

async function openSocketDirectory(directory: string, account: Account | undefined) {
  if (Buffer.byteLength(directory) <= SOCKET_DIRECTORY_BYTES) {
    return { socketDirectory: directory, removeSocketDirectory: async () => {} };
  }
  const socketDirectory = await mkdtemp(join(os.tmpdir(), "offshoot-socket-"));
  await chmod(socketDirectory, 0o700);
  await lend(socketDirectory, account);
  const removeSocketDirectory = () => rm(socketDirectory, { recursive: true, force: true });
  return { socketDirectory, removeSocketDirectory };
}

/** Anyone on this machine can reach the TCP port, so it asks for a password that is new at every start. */
async function openToTcp(socketUrl: string, port: number): Promise<string> {
  const password = randomBytes(18).toString("base64url");
  const client = new pg.Client({ connectionString: socketUrl });
  await client.connect();
  await client.query(`alter role postgres password '${password}'`);
  await client.end();
  return `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`;
}
