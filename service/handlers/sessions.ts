import type { JobPlace } from "../domain/caller.ts";
import { makeCredential, SECRET_BYTES } from "../domain/credential.ts";
import { Refused } from "../domain/errors.ts";
import { jobName, placeOf } from "../domain/job-place.ts";
import { JOB_SESSION_SECONDS, OIDC_CLOCK_SKEW_SECONDS, PERSON_SESSION_SECONDS } from "../domain/limits.ts";
import { newId } from "./context.ts";
import { eventOf } from "./keys.ts";
import { onGitHub } from "./on-github.ts";
import type { RepositoryTarget } from "./ports.ts";
import type { ApiContext, DeviceLogin, JobClaims, SignIn } from "./ports-api.ts";
import type { SessionSubject } from "./ports-credentials.ts";
import type { StoreTransaction } from "./ports-store.ts";

/** A credential that ends by itself; shown once. */
export interface SessionView {
  readonly credential: string;
  readonly expiresAt: Date;
}

/**
 * A GitHub Actions OIDC token for a session that reaches the databases of exactly the job's pull request, or git branch.
 * Each token works once. Throws Refused (`oidc_…`) or Retryable (`oidc_unavailable`, GitHub's and the store's).
 */
export async function exchangeJobToken(context: ApiContext, oidcToken: string): Promise<SessionView> {
  if (!context.jobTokens) {
    throw new Refused("oidc_missing", "This service takes no OIDC tokens. Ask the operator for a key.");
  }
  const claims = await context.jobTokens.verify(oidcToken);
  const place = placeOf(claims);
  if (!place) {
    const events = "pull_request (not closed), push, workflow_dispatch or merge_group, on a branch";
    throw new Refused("oidc_event", `A job of ${claims.eventName} gets no access; run it on ${events}.`);
  }
  const target = await repositoryOf(context, claims);
  const { host, repositoryId } = target;
  const whole: JobPlace = { ...place, host, repositoryId };
  if (whole.kind === "pull") await checkPull(context, { ...target, ...whole }, claims);
  else await checkBranch(context, target, whole.gitBranch);
  const subject = {
    kind: "job",
    name: jobName(whole, claims.repository, claims.runId),
    place: whole,
  } as const;
  // The token itself may be too late for a clock that is behind by the allowed skew.
  const usedUntil = new Date(claims.expiresAt.getTime() + 2 * OIDC_CLOCK_SKEW_SECONDS * 1_000);
  return addSession(context, subject, JOB_SESSION_SECONDS, async (tx) => {
    if (await tx.useOidcToken(claims.issuer, claims.jti, usedUntil)) return;
    throw new Refused("oidc_replayed", "This OIDC token was used before. Ask GitHub for a new one.");
  });
}

/** Begins a sign-in of a person: the App's device flow. Throws Refused `login_missing` or Retryable. */
export async function beginLogin({ signIn }: Pick<ApiContext, "signIn">): Promise<DeviceLogin> {
  return configured(signIn).begin();
}

/** Null while the person has not agreed yet. Throws Refused `login_denied`, `login_expired`, or Retryable. */
export async function pollLogin(
  context: ApiContext,
  deviceCode: string,
): Promise<SessionView | { readonly intervalSeconds: number }> {
  const poll = await configured(context.signIn).poll(deviceCode);
  if (poll.kind === "pending") return { intervalSeconds: poll.intervalSeconds };
  const { host, login } = poll;
  return addSession(context, { kind: "person", host, login }, PERSON_SESSION_SECONDS, async () => {});
}

function configured(signIn: SignIn | null): SignIn {
  if (signIn) return signIn;
  const next = "The operator sets OFFSHOOT_GITHUB_CLIENT_ID; until then take a key.";
  throw new Refused("login_missing", `This service has no sign-in with GitHub. ${next}`);
}

/** The repository as the store knows it, else as GitHub does: the id decides, never the name. */
async function repositoryOf(context: ApiContext, claims: JobClaims): Promise<RepositoryTarget> {
  const known = await context.store.repository(context.host, claims.repositoryId);
  if (known) return known;
  const found = await context.github.findRepository(claims.repository);
  if (found?.repositoryId === claims.repositoryId && found.host === context.host) return found;
  const next = "Install the GitHub App there.";
  throw new Refused("oidc_not_installed", `Offshoot is not installed in ${claims.repository}. ${next}`);
}

/** GitHub's present word on the pull request; the token may be minutes old. */
async function checkPull(
  context: ApiContext,
  target: RepositoryTarget & { readonly number: number },
  claims: JobClaims,
): Promise<void> {
  const pull = await seen(() => onGitHub(context, target, (github) => github.readPull(target)), claims);
  const name = `${claims.repository}#${target.number}`;
  if (pull.repositoryId !== claims.repositoryId) throw notInstalled(claims);
  if (pull.fork) throw new Refused("oidc_fork", `${name} comes from a fork, and forks get no access.`);
  if (pull.state !== "open") throw new Refused("oidc_closed", `${name} is closed, so its database goes.`);
  if (pull.headRef !== claims.headRef || pull.baseRef !== claims.baseRef) {
    const next = "Run the job again on the latest commit.";
    throw new Refused("oidc_invalid", `${name} has other branches now than the job's token says. ${next}`);
  }
}

async function checkBranch(context: ApiContext, target: RepositoryTarget, gitBranch: string): Promise<void> {
  const branch = await onGitHub(context, target, (github) => github.readBranch(target, gitBranch));
  if (branch) return;
  throw new Refused("oidc_closed", `${target.repositoryName} has no git branch ${gitBranch} any more.`);
}

/** What GitHub does not show through this App is not installed, as far as a job can tell. */
async function seen<T>(look: () => Promise<T | null>, claims: JobClaims): Promise<T> {
  const found = await look();
  if (found === null) throw notInstalled(claims);
  return found;
}

function notInstalled(claims: JobClaims): Refused {
  return new Refused(
    "oidc_not_installed",
    `Offshoot cannot see ${claims.repository} or the pull request. Check that the GitHub App is installed there.`,
  );
}

async function addSession(
  context: ApiContext,
  subject: SessionSubject,
  seconds: number,
  first: (tx: StoreTransaction) => Promise<void>,
): Promise<SessionView> {
  const now = context.clock.now();
  const id = newId(context, "ses");
  const credential = makeCredential("session", id, context.chance.bytes(SECRET_BYTES));
  const expiresAt = new Date(now.getTime() + seconds * 1_000);
  const row = { id, digest: context.secrets.digest(credential), subject, createdAt: now, expiresAt };
  const event = eventOf(context, id, "session_created", { id, ...subject, expiresAt }, null);
  await context.store.transaction(async (tx) => {
    await first(tx);
    await tx.addSession(row);
    await tx.addEvent(event);
  });
  return { credential, expiresAt };
}
