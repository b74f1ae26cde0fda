import { type CommandVerb, parseCommand } from "../domain/command.ts";
import { Refused } from "../domain/errors.ts";
import { pullKey } from "../domain/owner.ts";
import type { CommandOutcome } from "../domain/report.ts";
import type { Context } from "./context.ts";
import { onGitHub } from "./on-github.ts";
import type { Permission, Pull, PullComment, PullTarget, ReactionContent } from "./ports.ts";
import type { CommandRow, PendingDelivery } from "./ports-store.ts";

/** A command read back from GitHub, with the delivery that hinted at it. */
export interface ReadCommand extends CommandRow {
  readonly guid: string;
}

const ANSWERED: ReadonlySet<CommandVerb> = new Set(["status", "help"]);

/**
 * Reads every hinted comment back by its id. A comment that does not exist, has another author, belongs elsewhere or is
 * a bot's is no command, whatever the delivery said: a leaked webhook secret gives nobody a command.
 */
export async function readCommands(
  context: Context,
  target: PullTarget,
  pull: Pull,
  deliveries: readonly PendingDelivery[],
): Promise<readonly ReadCommand[]> {
  const hinted = new Map<number, PendingDelivery>();
  for (const delivery of deliveries)
    if (delivery.commentId !== null) hinted.set(delivery.commentId, delivery);
  const known = new Set(await context.store.knownComments(pullKey(target), [...hinted.keys()]));
  const commands: ReadCommand[] = [];
  for (const [commentId, delivery] of hinted) {
    if (known.has(commentId)) continue;
    const command = await readCommand(context, target, pull, commentId, delivery);
    if (command) commands.push(command);
  }
  return commands;
}

/** A comment that GitHub refuses to show is no command either; it must not keep a push or a close from being applied. */
async function readCommand(
  context: Context,
  target: PullTarget,
  pull: Pull,
  commentId: number,
  delivery: PendingDelivery,
): Promise<ReadCommand | null> {
  try {
    const comment = await onGitHub(context, target, (github) => github.readComment(target, commentId));
    return comment && (await judge(context, target, pull, comment, delivery));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const fields = { delivery: delivery.guid, commentId, reason: error.reason };
    context.log.warn({ ...fields, pull: pullKey(target) }, "a command could not be read");
    return null;
  }
}

async function judge(
  context: Context,
  target: PullTarget,
  pull: Pull,
  comment: PullComment,
  delivery: PendingDelivery,
): Promise<ReadCommand | null> {
  if (comment.authorIsBot || comment.author !== delivery.sender || comment.number !== target.number)
    return null;
  const parsed = parseCommand(comment.body);
  if (parsed.kind === "none") return null;
  const verb: CommandRow["verb"] = parsed.kind === "unknown" ? "unknown" : parsed.verb;
  const row = {
    guid: delivery.guid,
    commentId: comment.id,
    verb,
    author: comment.author,
    commentedAt: comment.createdAt,
  };
  const judged = comment.edited
    ? "edited"
    : await outcomeOf(context, target, comment.author, parsed.kind, verb);
  const outcome = judged === "accepted" && verb === "create" && pull.fork ? "fork" : judged;
  return { ...row, outcome, reaction: REACTIONS[outcome] };
}

/** The permission is asked live, at the moment of acting: an association in a payload proves nothing. */
async function outcomeOf(
  context: Context,
  target: PullTarget,
  author: string,
  kind: "command" | "unknown" | "bad_arguments",
  verb: CommandVerb | "unknown",
): Promise<CommandOutcome> {
  const permission = await onGitHub(context, target, (github) => github.readPermission(target, author));
  if (verb === "unknown" || kind === "unknown") return permission === "none" ? "needs_write" : "unknown_verb";
  if (kind === "bad_arguments") return permission === "none" ? "needs_write" : "bad_arguments";
  if (ANSWERED.has(verb)) return permission === "none" ? "needs_write" : "answered";
  return mayWrite(permission) ? "accepted" : "needs_write";
}

function mayWrite(permission: Permission): boolean {
  return permission === "admin" || permission === "write";
}

const REACTIONS: Readonly<Record<CommandOutcome, ReactionContent>> = {
  accepted: "+1",
  answered: "eyes",
  needs_write: "-1",
  unknown_verb: "confused",
  bad_arguments: "confused",
  edited: "confused",
  fork: "-1",
};
