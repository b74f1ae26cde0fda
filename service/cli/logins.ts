/** The credentials that `offshoot login` keeps, one per service, in a file that only its owner may read. */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { EXIT, Exit } from "./exit.ts";
import type { Io } from "./terminal.ts";

export interface Login {
  readonly credential: string;
  /** Null: it does not end by itself. */
  readonly expiresAt: string | null;
}

export type Logins = Readonly<Record<string, Login>>;

export function loginsFile({ env }: Pick<Io, "env">): string {
  const windows = process.platform === "win32" ? env["APPDATA"] : undefined;
  const base = env["XDG_CONFIG_HOME"] || windows || join(env["HOME"] || homedir(), ".config");
  return join(base, "offshoot", "logins.json");
}

/** The logins by the address of their service; those that have ended are left out. */
export async function readLogins(io: Pick<Io, "env">): Promise<Logins> {
  const file = loginsFile(io);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (Object(error).code === "ENOENT") return "{}";
    throw error;
  });
  try {
    const entries = Object.entries(JSON.parse(text) as Record<string, Login>);
    return Object.fromEntries(entries.filter(([, { expiresAt }]) => !isOver(expiresAt)));
  } catch {
    throw new Exit(EXIT.failed, `${file} cannot be read. Remove it and sign in again.`);
  }
}

/** Keeps a login, or forgets it if it is null. Other services stay signed in. */
export async function keepLogin(io: Pick<Io, "env">, url: string, login: Login | null): Promise<void> {
  const { [url]: _, ...others } = await readLogins(io);
  const file = loginsFile(io);
  const logins = login ? { ...others, [url]: login } : others;
  if (Object.keys(logins).length === 0) return rm(file, { force: true });
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  // Written beside and renamed, so that nobody ever reads half of it, and its rights hold from the first byte.
  const next = `${file}.${process.pid}`;
  await writeFile(next, `${JSON.stringify(logins, null, 2)}\n`, { mode: 0o600, flag: "wx" });
  await rename(next, file);
}

function isOver(expiresAt: string | null): boolean {
  return expiresAt !== null && Date.parse(expiresAt) <= Date.now();
}
