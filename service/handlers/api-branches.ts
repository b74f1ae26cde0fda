import { type Environment, newEnvironment } from "../domain/environment.ts";
import { Refused } from "../domain/errors.ts";
import { databaseName } from "../domain/names.ts";
import { type BranchRef, branchOwnerKey, isGitBranch } from "../domain/owner.ts";
import { permissionIn, subjectOf } from "./api-access.ts";
import { presentAgain } from "./api-ends.ts";
import type { EnvironmentCreate, Write } from "./api-types.ts";
import { change, record, started, wakeAll, write } from "./api-write.ts";
import { newId } from "./context.ts";
import { onGitHub } from "./on-github.ts";
import { permit } from "./permit.ts";
import type { RepositoryTarget } from "./ports.ts";
import type { ApiContext, Caller } from "./ports-api.ts";
import type { StoreTransaction } from "./ports-store.ts";

/** A database for a git branch, of the commit that GitHub has now. 201 if it was made, 200 if it was there. */
export async function createBranch(context: ApiContext, asked: Write, create: EnvironmentCreate) {
  const { caller } = asked;
  const { gitBranch, labels = {}, until = null } = create;
  const subject = { kind: "branch", host: context.host, number: null, gitBranch, labels } as const;
  // GitHub is asked for nobody who may not in any repository.
  if (caller.kind !== "person") {
    permit(caller, "environment.create", { ...subject, repositoryId: 0, permission: "none" });
  }
  const target = await findBranch(context, caller, create);
  const permission = await permissionIn(context, caller, target.repository);
  const { repositoryId } = target.repository;
  permit(caller, "environment.create", { ...subject, repositoryId, permission });
  return write(context, asked, async (tx, now) => {
    if (until !== null && until <= now) {
      throw new Refused(
        "invalid_request",
        `until: ${until.toISOString()} has passed. Give a time to come, or null.`,
      );
    }
    await tx.putRepository(target.repository, now);
    const found = await tx.environmentByOwner(target.ownerKey);
    // Also one that has ended stays with whoever could see it, with its history.
    if (found) permit(caller, "environment.get", subjectOf(found, permission));
    if (found && !found.endedAt) return existing(context, tx, caller, found, now);
    const { sha: headSha } = target;
    const columns = { labels, until, headSha, readyAt: null } as const;
    const made = found
      ? await change(
          context,
          tx,
          caller,
          found,
          { columns: { ...presentAgain(found, now), ...columns }, event: "created" },
          now,
        )
      : await insert(context, tx, caller, target, { ...columns, gitBranch }, now);
    return { status: 201, body: await started(context, tx, caller, made, "create", now) };
  });
}

interface FoundBranch {
  readonly repository: RepositoryTarget;
  readonly ownerKey: string;
  readonly sha: string;
}

/** The git branch as GitHub has it now. The same refusal for a repository that is not there and one that is not seen. */
async function findBranch(
  context: ApiContext,
  caller: Caller,
  create: EnvironmentCreate,
): Promise<FoundBranch> {
  const { repository: name, gitBranch } = create;
  if (!isGitBranch(gitBranch)) {
    throw new Refused("invalid_request", "gitBranch: git allows no branch of that name.");
  }
  const repository = await context.github.findRepository(name);
  const isHidden =
    caller.kind === "person" && repository && (await permissionIn(context, caller, repository)) === "none";
  if (!repository || isHidden) {
    const next = "Check the name, and that the GitHub App is installed there.";
    throw new Refused("repository_not_found", `GitHub shows no repository ${name}. ${next}`);
  }
  const head = await onGitHub(context, repository, (github) => github.readBranch(repository, gitBranch));
  if (!head)
    throw new Refused("git_branch_not_found", `${name} has no git branch ${gitBranch}. Push it first.`);
  const branch: BranchRef = { host: repository.host, repositoryId: repository.repositoryId, gitBranch };
  return {
    repository,
    sha: head.sha,
    ownerKey: branchOwnerKey(branch, databaseName(repository.repositoryName)),
  };
}

/** A repeated create answers with what is there; one that was closed comes back by restore only. */
async function existing(
  context: ApiContext,
  tx: StoreTransaction,
  caller: Caller,
  found: Environment,
  now: Date,
) {
  if (found.wanted === "absent") {
    throw new Refused("deleted", `It has ended, and its data is kept for a while. Restore ${found.id}.`);
  }
  return { status: 200, body: await started(context, tx, caller, found, null, now) };
}

async function insert(
  context: ApiContext,
  tx: StoreTransaction,
  caller: Caller,
  { repository, ownerKey }: FoundBranch,
  owner: Pick<Environment, "labels" | "until" | "headSha"> & { readonly gitBranch: string },
  now: Date,
): Promise<Environment> {
  const environment = newEnvironment(
    {
      id: newId(context, "env"),
      kind: "branch",
      ownerKey,
      repositoryId: repository.repositoryId,
      database: databaseName(repository.repositoryName),
      // No author is counted: the caps are per repository here.
      author: "",
      wanted: "present",
      wantedReason: "api_create",
      ...owner,
    },
    now,
  );
  await tx.insertEnvironment(environment);
  await record(context, tx, caller, environment, "created", owner.gitBranch, now);
  await wakeAll(tx, environment, now);
  return environment;
}
