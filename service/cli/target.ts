/** What people call a database, and what the API calls it. */
import { readFile } from "node:fs/promises";
import type { Client, Environment, EnvironmentFilter, Token, TokenRequest } from "../client/client.ts";
import { hasEnded, headShaOf, OffshootError } from "../client/client.ts";
import { EXIT, Exit, usage } from "./exit.ts";
import { clientOf, jobIdentity } from "./service.ts";
import { type Io, progress, shown } from "./terminal.ts";

export const TARGET_HELP =
  "A database is named by the address of its pull request (at GitHub or at the service), by owner/name#42, by owner/name@branch, by tenant:<customer key>, or by its id (env_…).";

const ID = /^env_[0-9a-z]{22}$/;
const PULL = /^([\w-]+\/[\w.-]+)#(\d{1,9})$/;
const BRANCH = /^([\w-]+\/[\w.-]+)@(.+)$/s;
const TENANT = /^tenant:(.+)$/s;

export interface TargetRequest {
  /** `--url`. */
  readonly url?: string | undefined;
  /** Without it, in a CI job: the job's own. */
  readonly target: string | undefined;
  /** `--database`. */
  readonly database?: string | undefined;
  readonly signIn?: boolean;
  /** For a command that waits, at most so long if it is told: a job's own database must be of the job's own commit. */
  readonly waits?: { readonly seconds: number | undefined };
}

/** The environment that a text names, and a client of its service. Throws Exit if there is none, or several. */
export async function openTarget(
  io: Io,
  { target, database, waits, ...request }: TargetRequest,
): Promise<{ readonly client: Client; readonly environment: Environment }> {
  if (target === undefined && !jobIdentity(io)) throw usage(`Which database? ${TARGET_HELP}`);
  const wanted = parseTarget(target);
  const client = await clientOf(io, { ...request, target });
  if (wanted.kind === "tenant") return { client, environment: await client.tenants.get(wanted.key) };
  if (wanted.kind === "id") return { client, environment: await client.environments.get(wanted.id) };
  if (target === undefined && waits) {
    return { client, environment: onlyOne(await ownOf(io, client, database, waits), "this job") };
  }
  const { items } = await client.environments.list(wanted.filter);
  const fitting = items.filter(({ owner }) => database === undefined || owner.database === database);
  return { client, environment: onlyOne(fitting, target ? shown(target) : "this job") };
}

async function ownOf(
  io: Io,
  client: Client,
  database: string | undefined,
  { seconds }: { readonly seconds: number | undefined },
): Promise<readonly Environment[]> {
  const headSha = await headShaOf(io.env, (path) => readFile(path, "utf8"));
  const line = progress(io);
  const onLook = (found: Environment | null) =>
    line.show(found ? `${placeOf(found)}: not at this commit yet` : "no database yet");
  try {
    return await client.own({ headSha, database, seconds, onLook });
  } finally {
    line.end();
  }
}

function onlyOne(fitting: readonly Environment[], what: string): Environment {
  const [found, ...more] = fitting;
  if (!found) throw new Exit(EXIT.notFound, `There is no database for ${what} that you may see.`);
  if (more.length === 0) return found;
  const names = fitting.map(({ owner, id }) => shown(`${owner.database ?? owner.key ?? ""} (${id})`));
  throw usage(`There are several databases for ${what}: ${names.join(", ")}. Choose with --database.`);
}

type Target =
  | { readonly kind: "tenant"; readonly key: string }
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "filter"; readonly filter: EnvironmentFilter };

function parseTarget(target: string | undefined): Target {
  if (target === undefined) return { kind: "filter", filter: {} };
  if (ID.test(target)) return { kind: "id", id: target };
  const key = TENANT.exec(target)?.[1];
  return key ? { kind: "tenant", key } : { kind: "filter", filter: filterOf(target) };
}

function filterOf(target: string): EnvironmentFilter {
  if (URL.canParse(target) && /^https?:/.test(target)) return { url: target };
  const [, pullRepository, number] = PULL.exec(target) ?? [];
  if (pullRepository) return { repository: pullRepository, number: Number(number) };
  const [, repository, gitBranch] = BRANCH.exec(target) ?? [];
  if (repository && gitBranch) return { repository, gitBranch };
  throw usage(`${shown(target)} names no database. ${TARGET_HELP}`);
}

/** Whom a database is for, in one short text that `findEnvironment` understands. */
export function placeOf({ owner }: Environment): string {
  if (owner.kind === "tenant") return `tenant:${owner.key}`;
  return owner.kind === "pull"
    ? `${owner.repository}#${owner.number}`
    : `${owner.repository}@${owner.gitBranch}`;
}

/** The exit code for a database that nothing goes on with. */
export function exitOfPhase(phase: Environment["phase"]): number {
  if (phase === "ready") return EXIT.done;
  return phase === "failed" || phase === "unverified" ? EXIT.failed : EXIT.skipped;
}

/** Waits, with a line of progress, until it is ready. Throws Exit with what it is instead. */
export async function untilReady(
  io: Io,
  client: Client,
  environment: Environment,
  seconds: number | undefined,
): Promise<Environment> {
  const line = progress(io);
  try {
    const onChange = (now: Environment) => line.show(`${placeOf(now)}: ${now.phase}`);
    const wait = { ...(seconds !== undefined && { seconds }), onChange };
    const settled = hasEnded(environment) ? environment : await client.settled(environment, wait);
    if (settled.phase === "ready") return settled;
    const why = settled.failure ? ` ${shown(settled.failure.message)}` : "";
    throw new Exit(exitOfPhase(settled.phase), `${shown(placeOf(settled))} is ${settled.phase}.${why}`);
  } finally {
    line.end();
  }
}

/** A token of the wanted role; without a wish the owner's, or the reader's where the owner's is not allowed. */
export async function tokenFor(
  client: Client,
  environment: Environment,
  { role, seconds }: { role?: string | undefined; seconds?: number | undefined },
): Promise<Token> {
  if (role !== undefined && role !== "owner" && role !== "reader") throw usage("--role is owner or reader.");
  const { key } = environment.owner;
  const more = seconds === undefined ? {} : { seconds };
  const ask = (wanted: TokenRequest["role"] & string) =>
    key === null
      ? client.environments.token(environment.id, { role: wanted, ...more })
      : client.tenants.token(key, { role: wanted, ...more });
  if (role) return ask(role);
  return ask("owner").catch((error: unknown) => {
    const refused = error instanceof OffshootError && (error.status === 403 || error.status === 404);
    if (refused) return ask("reader");
    throw error;
  });
}

/** A whole number of an option. */
export function secondsOf(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,6}$/.test(text)) throw usage(`--${name} is a whole number of seconds.`);
  return Number(text);
}
