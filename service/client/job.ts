/** The database of a CI job's own place, at the job's own commit. */
import { OffshootError } from "./error.ts";
import { sleep } from "./request.ts";
import type { Environment } from "./types.ts";

/** The webhook that makes the environment, or brings a push to it, may arrive after the job has begun. */
const APPEARS_SECONDS = 60;
const LOOK_AGAIN_MS = 2_000;
/** Phases of a place that has no database on purpose, or none any more. */
const ENDED: ReadonlySet<Environment["phase"]> = new Set(["skipped", "closed", "retired", "destroyed"]);

/** Whether there is no database on purpose, and none comes unless somebody asks for it. */
export function hasEnded({ phase }: Environment): boolean {
  return ENDED.has(phase);
}

/**
 * The head commit of the pull request that a job of GitHub Actions is for, of what its runner says; null for other jobs.
 * `readText` reads the file of the event. Throws OffshootError `bad_event` if it cannot be read or names no commit: the
 * database of another commit would be a wrong answer.
 */
export async function headShaOf(
  env: Readonly<Record<string, string | undefined>>,
  readText: (path: string) => Promise<string>,
): Promise<string | null> {
  const file = env["GITHUB_EVENT_PATH"];
  if (env["GITHUB_EVENT_NAME"] !== "pull_request" || !file) return null;
  try {
    const event: unknown = JSON.parse(await readText(file));
    const { sha } = Object(Object(Object(event)["pull_request"])["head"]);
    if (typeof sha === "string") return sha;
  } catch (cause) {
    throw badEvent(file, cause instanceof SyntaxError ? "is no JSON" : `cannot be read (${codeOf(cause)})`);
  }
  throw badEvent(file, "names no commit");
}

function badEvent(file: string, what: string): OffshootError {
  const next =
    "In a container, mount it; if any commit's database will do, run the command without GITHUB_EVENT_PATH.";
  const detail = `The file of this job's event, ${file}, ${what}. ${next}`;
  return new OffshootError({ status: 0, reason: "bad_event", detail });
}

function codeOf(error: unknown): string {
  return String(Object(error).code ?? Object(error).message ?? error);
}

export interface OwnOptions {
  /** The commit that the job is for; null: any will do. */
  readonly headSha: string | null;
  /** One of several databases of the place. */
  readonly database?: string | undefined;
  /** How long to wait at most, by default 60, which is also the most. */
  readonly seconds?: number | undefined;
  /** Hears of every look that was not enough. */
  readonly onLook?: (found: Environment | null) => void;
}

/**
 * The databases of the job that asks: none, one, or several to choose from. Waits until the one is of the job's commit,
 * because a push and a reopening start the job and the webhook at once, and the job must not be given the database as it
 * was before. Throws OffshootError `other_commit` if it stays at another one; one that has ended is taken as it is.
 */
export async function ownEnvironments(
  list: () => Promise<{ readonly items: readonly Environment[] }>,
  { headSha, database, seconds = APPEARS_SECONDS, onLook }: OwnOptions,
): Promise<readonly Environment[]> {
  const until = Date.now() + Math.min(seconds, APPEARS_SECONDS) * 1_000;
  for (;;) {
    const { items } = await list();
    const fitting = items.filter(({ owner }) => database === undefined || owner.database === database);
    const [found = null, ...others] = fitting;
    if (others.length > 0 || (found && isOfCommit(found, headSha))) return fitting;
    if (Date.now() + LOOK_AGAIN_MS > until) {
      if (found && !hasEnded(found)) throw otherCommit(found, headSha);
      return fitting;
    }
    onLook?.(found);
    await sleep(LOOK_AGAIN_MS);
  }
}

function isOfCommit(environment: Environment, headSha: string | null): boolean {
  const { owner, phase, migrations } = environment;
  if (headSha === null || owner.kind !== "pull" || phase === "skipped") return true;
  return migrations.digest === headSha && !hasEnded(environment);
}

function otherCommit({ id, migrations }: Environment, headSha: string | null): OffshootError {
  const at = `${migrations.digest.slice(0, 7)}, and this job is for ${headSha?.slice(0, 7)}`;
  const detail = `The database ${id} is at ${at}. Run the job of the latest commit.`;
  return new OffshootError({ status: 0, reason: "other_commit", detail });
}
