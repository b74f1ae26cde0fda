import { APP_EVENTS, APP_PERMISSIONS } from "../../service/domain/app-permissions.ts";
import type { CheckAnnotation } from "../../service/domain/check.ts";
import { Refused, Retryable } from "../../service/domain/errors.ts";
import type { GitHub, PullTarget, RepositoryTarget } from "../../service/handlers/ports.ts";
import type { Checks, SentCheck } from "../../service/handlers/ports-checks.ts";
import type { Actor } from "./actor.ts";
import {
  APP,
  answersTo,
  type Comment,
  type GitHubWorld,
  type PullRequest,
  type Repository,
  readPullRequest,
} from "./github.ts";
import { Broken } from "./stage.ts";

const FIRST_CHECK = 9_001;
const GRANTS = {
  ...{ account: "shop", url: "https://github.com/organizations/shop/settings/installations/77" },
  ...{ permissions: APP_PERMISSIONS, events: APP_EVENTS },
};

/** GitHub as the App reaches it: errors, limits, and answers that are lost after the effect. */
export function createSimulatedGitHub(world: GitHubWorld, actor: Actor): GitHub {
  const reach = (repository: Repository, target: RepositoryTarget) =>
    repository.id === target.repositoryId && answersTo(repository, target.repositoryName);
  const pullOf = (target: PullTarget) =>
    world.pulls.find((pull) => reach(pull.repository, target) && pull.number === target.number);
  const commentOf = (target: PullTarget, id: number) => {
    const comment = world.comments.get(id);
    return comment && reach(comment.pull.repository, target) ? comment : undefined;
  };
  const repositoryOf = (target: RepositoryTarget) => world.repositories.find((one) => reach(one, target));
  const call = async <T>(
    what: string,
    target: RepositoryTarget & { readonly number?: number },
    effect: () => T,
  ): Promise<T> => {
    await before(world, actor, `${what} ${target.repositoryId}#${target.number ?? ""}`, target);
    const answer = effect();
    if (actor.stage.fault(0.03)) throw unavailable("the answer was lost");
    return answer;
  };
  return {
    ...checksOf(world, repositoryOf, call),
    readGrants: (target) => call("grants", target, () => (repositoryOf(target) ? GRANTS : null)),
    readPull: (target) =>
      call("pull", target, () => {
        const pull = pullOf(target);
        return pull ? readPullRequest(pull) : null;
      }),
    readComment: (target, id) => call("comment", target, () => readComment(commentOf(target, id))),
    readPermission: (target, login) =>
      call("permission", target, () => repositoryOf(target)?.permissions.get(login) ?? "none"),
    readMigrations: (target, sha, directory) =>
      call("migrations", target, () => {
        if (!repositoryOf(target)) throw new Refused("not_found", `There is no commit ${sha}.`);
        return world.filesAt(sha).filter((file) => file.path.startsWith(`${directory}/`));
      }),
    // No environment of a git branch lives in the simulation.
    findRepository: async () => null,
    readBranch: async () => null,
    findComments: (target, marker) =>
      call("comments", target, () =>
        [...world.comments.values()]
          .filter((one) => one.pull === pullOf(target) && one.author === APP && one.body.includes(marker))
          .map(({ id, body }) => ({ id, body })),
      ),
    createComment: (target, body) =>
      call("create comment", target, () => ({ id: createComment(world, pullOf(target), target, body).id })),
    editComment: (target, id, body) =>
      call(`edit ${id}`, target, () => {
        const comment = ourComment(actor, commentOf(target, id), target);
        if (comment) comment.body = body;
        return comment ? "edited" : "absent";
      }),
    deleteComment: (target, id) =>
      call(`delete ${id}`, target, () => {
        if (ourComment(actor, commentOf(target, id), target)) world.comments.delete(id);
      }),
    react: (target, id, content) =>
      call(`react ${id}`, target, () => {
        commentOf(target, id)?.reactions.add(content);
        return commentOf(target, id) ? "done" : "absent";
      }),
  };
}

type Call = <T>(what: string, target: RepositoryTarget, effect: () => T) => Promise<T>;

function checksOf(
  { checks }: GitHubWorld,
  repositoryOf: (target: RepositoryTarget) => Repository | undefined,
  call: Call,
): Checks {
  return {
    findChecks: (target, sha, externalId) =>
      call(`checks ${sha}`, target, () =>
        [...checks.values()].filter(
          (one) =>
            one.repository === repositoryOf(target) && one.sha === sha && one.externalId === externalId,
        ),
      ),
    createCheck: (target, check) =>
      call(`create check ${check.status}`, target, () => {
        const repository = repositoryOf(target);
        if (!repository) throw new Refused("not_found", "The repository cannot be seen.");
        if (repository.name !== target.repositoryName) throw new Retryable("repository_moved", "renamed");
        const id = FIRST_CHECK + checks.size;
        checks.set(id, { ...check, id, repository, annotations: noted([], check) });
        return { id };
      }),
    updateCheck: (target, id, check) =>
      call(`check ${id} ${check.status}`, target, () => {
        const before = checks.get(id);
        if (!before || before.repository !== repositoryOf(target)) return "absent";
        checks.set(id, { ...before, ...check, annotations: noted(before.annotations, check) });
        return "updated";
      }),
  };
}

/** GitHub adds annotations, and never takes one back. */
function noted(before: readonly CheckAnnotation[], { annotation }: SentCheck): readonly CheckAnnotation[] {
  return annotation ? [...before, annotation] : before;
}

/** The faults that come before any effect. */
async function before(
  world: GitHubWorld,
  actor: Actor,
  what: string,
  target: RepositoryTarget,
): Promise<void> {
  await actor.turn();
  const { stage, name } = actor;
  stage.say(`${name} github ${what}`);
  const repository = world.repositories.find((one) => one.id === target.repositoryId);
  if (repository?.suspended) throw new Refused("installation_gone", "The installation is suspended.");
  if (stage.fault(0.03)) throw unavailable("502");
  if (!stage.fault(0.015)) return;
  const afterMs = stage.random.happens(0.1) ? 40 * 60_000 : 60_000;
  throw new Retryable("github_rate_limit", "limited", { afterMs, pauses: "installation" });
}

function unavailable(cause: string): Retryable {
  return new Retryable("github_unavailable", `GitHub did not answer: ${cause}`);
}

function createComment(
  world: GitHubWorld,
  pull: PullRequest | undefined,
  target: PullTarget,
  body: string,
): Comment {
  if (!pull) throw new Refused("not_found", "The pull request cannot be seen.");
  // A POST to an old name is redirected to a GET, so nothing is written.
  if (pull.repository.name !== target.repositoryName) throw new Retryable("repository_moved", "renamed");
  return world.addComment(pull, APP, body);
}

function ourComment({ stage }: Actor, comment: Comment | undefined, target: PullTarget): Comment | undefined {
  if (comment && (comment.author !== APP || comment.pull.number !== target.number)) {
    throw stage.fail(
      new Broken("comment", `comment ${comment.id} by ${comment.author} is not ours to change`),
    );
  }
  return comment;
}

function readComment(comment: Comment | undefined) {
  if (!comment) return null;
  const { id, author, body, createdAt, edited, pull } = comment;
  return { id, author, authorIsBot: author.endsWith("[bot]"), body, createdAt, edited, number: pull.number };
}
