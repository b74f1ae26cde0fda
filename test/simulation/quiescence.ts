import { decideEnvironment } from "../../service/domain/decide-environment.ts";
import type { Environment } from "../../service/domain/environment.ts";
import { CLUSTER_TAG } from "../../service/domain/names.ts";
import type { Phase } from "../../service/domain/phase.ts";
import { type RenderedReport, renderReport } from "../../service/domain/render.ts";
import { type RenderedCheck, renderCheck } from "../../service/domain/render-check.ts";
import { outside } from "../../service/domain/text.ts";
import type { Context } from "../../service/handlers/context.ts";
import { viewOne } from "../../service/handlers/environment-view.ts";
import { readOffer } from "../../service/handlers/slots.ts";
import { readView } from "../../service/handlers/view.ts";
import type { Aws } from "./aws.ts";
import { APP, type Comment, type GitHubWorld, type PullRequest } from "./github.ts";
import type { ClusterSeen, CommandSeen, EnvironmentSeen, Snapshot } from "./snapshot.ts";
import { Broken } from "./stage.ts";
import type { World } from "./world.ts";

/** Phases in which an environment rests, by what is wanted. */
const RESTING: Readonly<Record<string, ReadonlySet<Phase>>> = {
  present: new Set<Phase>(["ready", "failed", "waiting"]),
  absent: new Set<Phase>(["destroyed", "skipped", "retired"]),
};

/** A worker that was paused may make a second check run, which nobody can delete; more are a mistake. */
const DOUBLES_MAX = 2;

/** Whether something is under way: a delivery, a cluster or an environment on its way, a step to be repeated. */
export function isMoving({ deliveries, customers, aws }: World, seen: Snapshot): boolean {
  const repeated = seen.wakeup.some((row) => row.lease === null && row.attempts > 0);
  const audits = [...seen.report, ...seen.check_run].some((row) => row.audit_at !== null);
  return (
    deliveries.nextAt() !== null ||
    seen.delivery.length > 0 ||
    customers.isBusy() ||
    repeated ||
    audits ||
    seen.cluster.some((row) => isChanging(aws, row)) ||
    seen.environment.some((row) => !isResting(aws, row, seen.cluster))
  );
}

/** A stack that AWS has no room for is made and taken back with every look: what it is for waits. */
function waitsForRoom(aws: Aws, { stack, identifier, status }: ClusterSeen): boolean {
  return stack !== null && identifier === null && status !== "gone" && aws.isFull();
}

/** Also one that somebody deleted, which is noticed at the next hourly look. */
function isChanging(aws: Aws, row: ClusterSeen): boolean {
  const { status, identifier } = row;
  if (waitsForRoom(aws, row)) return false;
  if (status === "available") return aws.clusters.get(identifier ?? "")?.status !== "ACTIVE";
  return status === "creating" || status === "removing";
}

/** As far as it gets without a person: ready, failed, waiting for a slot, retired or ended. */
function isResting(aws: Aws, environment: EnvironmentSeen, clusters: readonly ClusterSeen[]): boolean {
  const serving = clusters.find((row) => row.id === environment.serving_id);
  const next = clusters.find((row) => row.id === environment.next_id);
  if (environment.wanted === "absent") {
    if (serving?.use === "retired") return !next && serving.fenced_at !== null;
    return !serving && !next && environment.ended_at !== null;
  }
  if (environment.plan_generation !== environment.generation) return false;
  if (environment.plan_problem || environment.queued_at) return true;
  const current = next ?? serving;
  if (current && waitsForRoom(aws, current)) return true;
  if (current?.status === "intended") return current.reason === "quota";
  // A customer's data is never replaced: what is lost, or cannot be migrated any more, waits for a person.
  const isCustomers = environment.kind === "tenant" && environment.ready_at !== null;
  if (isCustomers && current?.status === "gone") return true;
  if (current?.status !== "available" || current.use !== "serve" || current.fenced_at !== null) return false;
  const ends = isCustomers ? ["failed", "diverged"] : ["failed"];
  const failed =
    ends.includes(current.migration_state) && current.migration_generation === environment.generation;
  return failed || (!next && current.verified_generation === environment.generation);
}

/** Whether nobody is at work: only looks in the future are left, and no stack is being taken back. */
export function isAsleep({ stage, aws }: World, seen: Snapshot): boolean {
  const now = stage.now().getTime();
  const isTried = (row: ClusterSeen) =>
    waitsForRoom(aws, row) && (row.status !== "intended" || row.reason !== "quota");
  if (seen.cluster.some(isTried)) return false;
  return seen.wakeup.every((row) => row.lease === null && Date.parse(row.due_at) > now);
}

/** After quiescence store, AWS and GitHub tell one story. Throws Broken. */
export async function checkAgreement(world: World, context: Context, seen: Snapshot): Promise<void> {
  checkClusters(world, seen);
  await checkCustomers(world, context, seen);
  for (const pull of world.github.pulls) {
    const environments = seen.environment.filter((row) => row.pull_key === pull.key);
    const [environment] = environments;
    if (environments.length > 1)
      throw new Broken("two", `${pull.key} has ${environments.length} environments`);
    const wanted = isWanted(world, pull, seen, environment) ? "present" : "absent";
    if (wanted !== (environment?.wanted ?? "absent")) {
      throw new Broken("disagreement", `${pull.key} should be ${wanted}, but is ${environment?.wanted}`);
    }
    await checkShown(world, context, pull, environment);
  }
}

/** What should be wanted, told from GitHub's state and the accepted commands alone. */
function isWanted(
  { stage, github }: World,
  pull: PullRequest,
  seen: Snapshot,
  environment: EnvironmentSeen | undefined,
): boolean {
  const newest = newestOrder(seen.command, pull.key);
  if (pull.fork || newest?.verb === "destroy") return false;
  const over = environment && Date.parse(environment.until ?? "") <= stage.now().getTime();
  if (over && environment.wanted_reason === "expired" && environment.head_sha === pull.headSha) return false;
  const orderedAt = newest && github.everComment(newest.comment_id)?.createdAt;
  if (pull.closedAt) return orderedAt !== undefined && orderedAt > pull.closedAt;
  return orderedAt !== undefined || !pull.authorIsBot;
}

function newestOrder(commands: readonly CommandSeen[], key: string): CommandSeen | undefined {
  return commands
    .filter((row) => row.pull_key === key && row.outcome === "accepted")
    .filter((row) => row.verb === "create" || row.verb === "destroy")
    .at(-1);
}

async function checkShown(
  { github }: World,
  context: Context,
  { key, headSha, commentDeleted }: PullRequest,
  seen: EnvironmentSeen | undefined,
): Promise<void> {
  const comments = [...github.comments.values()].filter(
    (comment) => comment.pull.key === key && comment.author === APP,
  );
  const environment = seen && (await context.store.environment(seen.id));
  const pull = await context.store.pull(key);
  if (!environment || !pull) {
    if (comments.length > 0) throw new Broken("comment", `${key} has a comment for nothing`);
    return;
  }
  if (environment.wanted === "present" && environment.headSha !== headSha) {
    throw new Broken("disagreement", `${key} is at ${headSha}, its environment at ${environment.headSha}`);
  }
  const command = await context.store.latestCommand(key);
  const notice = command && {
    verb: command.verb,
    author: outside(command.author),
    at: command.commentedAt,
    outcome: command.outcome,
  };
  const { phase, view } = await readView(context, pull, environment, notice);
  if (!RESTING[environment.wanted]?.has(phase)) {
    throw new Broken("disagreement", `${key} is wanted ${environment.wanted}, but rests in ${phase}`);
  }
  if (environment.queuedAt) await checkWaiting(context, environment);
  checkChecks(github, key, environment.headSha, renderCheck([view], null, context.clock.now()));
  if (comments.length === 0 && commentDeleted) return;
  checkComment(key, comments, renderReport([view]), phase);
}

/** One check run tells how the head is, or none of an end; whatever else there is has been closed. */
function checkChecks(
  github: GitHubWorld,
  key: string,
  headSha: string,
  { check, ended }: RenderedCheck,
): void {
  const ours = [...github.checks.values()].filter((one) => one.externalId.startsWith(`${key}@`));
  const ofHead = ours.filter(({ sha }) => sha === headSha);
  const head = ofHead.at(-1);
  const open = ours.find((one) => one.status !== "completed" && one !== head);
  if (open) throw new Broken("check", `${key}: check run ${open.id} of ${open.sha} was left ${open.status}`);
  if (!head && ended) return;
  if (!head) throw new Broken("check", `${key} has no check run at ${headSha}`);
  const said = [head.status, head.conclusion, head.title, head.summary].join("\n");
  const should = [check.status, check.conclusion, check.title, check.summary].join("\n");
  if (said !== should) throw new Broken("check", `${key} should say\n${should}\nbut says\n${said}`);
  const twice = ours.find(({ annotations }) => annotations.length > 1);
  if (twice) throw new Broken("check", `${key}: check run ${twice.id} has an annotation twice`);
  if (ofHead.length > DOUBLES_MAX)
    throw new Broken("check", `${key} has ${ofHead.length} check runs at ${headSha}`);
}

/** Every customer is as the back end was told, and shown under its labels. */
async function checkCustomers({ customers }: World, context: Context, seen: Snapshot): Promise<void> {
  const rows = seen.environment.filter((row) => row.kind === "tenant");
  if (rows.length !== customers.expected.size) {
    throw new Broken("two", `${rows.length} customers, ${customers.expected.size} were made`);
  }
  for (const row of rows) {
    const key = row.customer_key ?? "";
    const expected = customers.expected.get(key);
    const is = JSON.stringify([row.wanted, sorted(JSON.parse(row.labels)), row.head_sha]);
    const should = expected && JSON.stringify([expected.wanted, sorted(expected.labels), expected.digest]);
    if (is !== should) throw new Broken("disagreement", `${row.owner_key} is ${is}, not ${should}`);
    const labels: Readonly<Record<string, string>> = expected?.labels ?? {};
    const listed = await context.store.listEnvironments({ kind: "tenant", labels, after: "", limit: 10 });
    const environment = listed.find(({ id }) => id === row.id);
    if (!environment) throw new Broken("disagreement", `${row.owner_key} is not listed by its labels`);
    const { phase, failure } = await viewOne(context, context.store, environment);
    if (!RESTING[row.wanted]?.has(phase)) {
      throw new Broken("disagreement", `${row.owner_key} is wanted ${row.wanted}, but rests in ${phase}`);
    }
    if (phase === "failed" && !failure)
      throw new Broken("silence", `${row.owner_key} has failed without a reason`);
    if (environment.queuedAt) await checkWaiting(context, environment);
  }
}

function sorted(labels: Readonly<Record<string, string>>): unknown {
  return Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Nobody waits for a slot that is free, or that it does not need. */
async function checkWaiting(context: Context, environment: Environment): Promise<void> {
  const serving = environment.servingId ? await context.store.cluster(environment.servingId) : null;
  const next = environment.nextId ? await context.store.cluster(environment.nextId) : null;
  const { offer } = await readOffer(context, environment);
  const decision = decideEnvironment(environment, serving, next, offer, context.clock.now());
  if (decision.do !== "queue") {
    throw new Broken("disagreement", `${environment.ownerKey} waits for a slot, but could ${decision.do}`);
  }
}

function checkComment(
  key: string,
  comments: readonly Comment[],
  { digest, body }: RenderedReport,
  phase: Phase,
): void {
  const [comment] = comments;
  if (comments.length !== 1 || !comment) {
    throw new Broken("comment", `${key} (${phase}) has ${comments.length} comments of ours`);
  }
  if (!comment.body.includes(`d=${digest} `)) {
    throw new Broken("comment", `${key} is ${phase} and should say\n${body}\nbut says\n${comment.body}`);
  }
}

/** Every cluster of ours serves somebody, and every row that is not gone has its cluster. */
function checkClusters({ aws, stacks }: World, seen: Snapshot): void {
  for (const [name, { request, status }] of stacks.stacks) {
    const row = seen.cluster.find((one) => one.id === request.owner.tags[CLUSTER_TAG]);
    if (row?.use !== "serve" && row?.use !== "retired") {
      throw new Broken("leak", `${name} is still there (${status}), though ${row?.id} is ${row?.status}`);
    }
  }
  for (const cluster of aws.clusters.values()) {
    const row = seen.cluster.find((one) => one.id === cluster.tags[CLUSTER_TAG]);
    const isKept = row?.use === "serve" || (row?.use === "retired" && cluster.fenced);
    if (!cluster.foreign && !isKept) {
      throw new Broken("leak", `${cluster.identifier} is still there, though ${row?.id} is ${row?.status}`);
    }
  }
  for (const environment of seen.environment) {
    const { id, serving_id: serving, wanted } = environment;
    const use = seen.cluster.find((row) => row.id === serving)?.use;
    if (serving && (wanted === "absent") !== (use === "retired")) {
      throw new Broken("leak", `${id} is ${wanted}, but still has ${serving} to ${use}`);
    }
  }
}
