import type { JobPlace } from "../domain/caller.ts";
import { makeCredential, SECRET_BYTES } from "../domain/credential.ts";
import { Refused } from "../domain/errors.ts";
import { jobName, placeOf } from "../domain/job-place.ts";
import { JOB_SESSION_SECONDS, OIDC_CLOCK_SKEW_SECONDS, PERSON_SESSION_SECONDS } from "../domain/limits.ts";
import { newId } from "./context.ts";
import { eventOf } from "./keys.ts";
import { onGitHub } from "./on-github.ts";
import type { GitHub, Pull, RepositoryTarget } from "./ports.ts";
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
  const whole: JobPlace = { ...place, host: context.host, repositoryId: claims.repositoryId };
  await checkPlace(context, whole, claims);
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

/** GitHub's present word on the place, because the token may be minutes old. The ids decide, never the names. */
async function checkPlace(context: ApiContext, place: JobPlace, claims: JobClaims): Promise<void> {
  // What the store knows may be older than a move to another installation.
  const known = await context.store.repository(place.host, place.repositoryId);
  if (known && (await checkAt(context, known, place, claims))) return;
  const found = await context.github.findRepository(claims.repository);
  const isSame = found?.repositoryId === place.repositoryId && found.host === place.host;
  if (found && isSame && (await checkAt(context, found, place, claims))) return;
  const next = "Check that the GitHub App is installed there.";
  throw new Refused("oidc_not_installed", `Offshoot cannot see the place of this job. ${next}`);
}

/** False if the App cannot see it there. Throws Refused if it can, and the job gets no access. */
async function checkAt(
  context: ApiContext,
  target: RepositoryTarget,
  place: JobPlace,
  claims: JobClaims,
): Promise<boolean> {
  const look = (github: GitHub) =>
    place.kind === "pull"
      ? github.readPull({ ...target, number: place.number })
      : github.readBranch(target, place.gitBranch);
  const seen = await onGitHub<Pull | { readonly sha: string } | null>(context, target, look).catch(
    (error: unknown) => {
      if (error instanceof Refused) return null;
      throw error;
    },
  );
  if (seen && "headRef" in seen) checkPull(seen, claims);
  return seen !== null;
}

function checkPull(pull: Pull, claims: JobClaims): void {
  const name = `${claims.repository}#${pull.number}`;
  if (pull.fork) throw new Refused("oidc_fork", `${name} comes from a fork, and forks get no access.`);
  if (pull.state !== "open") throw new Refused("oidc_closed", `${name} is closed, so its database goes.`);
  if (pull.headRef === claims.headRef && pull.baseRef === claims.baseRef) return;
  const next = "Run the job again on the latest commit.";
  throw new Refused("oidc_invalid", `${name} has other branches now than the job's token says. ${next}`);
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
