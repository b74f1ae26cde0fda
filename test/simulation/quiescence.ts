import { CLUSTER_TAG } from "../../service/domain/names.ts";
import type { Phase } from "../../service/domain/phase.ts";
import { renderReport } from "../../service/domain/render.ts";
import { outside } from "../../service/domain/text.ts";
import type { Context } from "../../service/handlers/context.ts";
import { readView } from "../../service/handlers/view.ts";
import { APP, type Comment, type PullRequest } from "./github.ts";
import type { CommandSeen, EnvironmentSeen, Snapshot } from "./snapshot.ts";
import { Broken } from "./stage.ts";
import type { World } from "./world.ts";

/** Phases in which an environment rests, by what is wanted. */
const RESTING: Readonly<Record<string, ReadonlySet<Phase>>> = {
  present: new Set<Phase>(["ready", "failed", "waiting"]),
  absent: new Set<Phase>(["destroyed", "skipped"]),
};

/** Whether something is under way: a delivery, a cluster on its way, a step that failed, a comment to be audited. */
export function isMoving({ deliveries }: World, seen: Snapshot): boolean {
  const onTheWay = seen.cluster.some(
    (row) =>
      (row.status === "intended" && row.reason !== "quota") || /^(creating|removing)$/.test(row.status),
  );
  const failed = seen.wakeup.some((row) => row.attempts > 1);
  const audits = seen.report.some((row) => row.audit_at !== null);
  return deliveries.nextAt() !== null || seen.delivery.length > 0 || onTheWay || failed || audits;
}

/** Whether nobody is at work: only looks in the future are left. */
export function isAsleep({ stage }: World, seen: Snapshot): boolean {
  const now = stage.now().getTime();
  return seen.wakeup.every((row) => row.lease === null && Date.parse(row.due_at) > now);
}

/** After quiescence store, AWS and GitHub tell one story. Throws Broken. */
export async function checkAgreement(world: World, context: Context, seen: Snapshot): Promise<void> {
  checkClusters(world, seen);
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
  const over = environment && Date.parse(environment.until) <= stage.now().getTime();
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
  { key, headSha }: PullRequest,
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
  checkComment(key, comments, renderReport([view]).digest, phase);
}

function checkComment(key: string, comments: readonly Comment[], digest: string, phase: Phase): void {
  const [comment] = comments;
  if (comments.length !== 1 || !comment) {
    throw new Broken("comment", `${key} (${phase}) has ${comments.length} comments of ours`);
  }
  if (!comment.body.includes(`d=${digest} `)) {
    throw new Broken("comment", `${key} is ${phase}, but its comment says ${comment.body.slice(0, 400)}`);
  }
}

/** Every cluster of ours serves somebody, and every row that is not gone has its cluster. */
function checkClusters({ aws }: World, seen: Snapshot): void {
  for (const cluster of aws.clusters.values()) {
    const row = seen.cluster.find((one) => one.id === cluster.tags[CLUSTER_TAG]);
    if (!cluster.foreign && row?.use !== "serve") {
      throw new Broken("leak", `${cluster.identifier} is still there, though ${row?.id} is ${row?.status}`);
    }
  }
  for (const environment of seen.environment) {
    const { id, serving_id: serving, wanted } = environment;
    if (wanted === "absent" && serving) throw new Broken("leak", `${id} is absent, but still has ${serving}`);
  }
}
