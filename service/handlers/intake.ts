import { type Desire, decideWanted, type NewestCommand } from "../domain/desire.ts";
import { type Environment, newEnvironment } from "../domain/environment.ts";
import { Refused, Retryable } from "../domain/errors.ts";
import {
  CONTRADICTED_LOOK_MS,
  INTAKE_DELIVERIES,
  INTAKE_REFUSALS_MAX,
  PULL_TRIES_MAX,
} from "../domain/limits.ts";
import { databaseName } from "../domain/names.ts";
import { ownerKey, type PullRef, parseBranchKey, parsePullKey, pullKey } from "../domain/owner.ts";
import { type Context, newId } from "./context.ts";
import { intakeBranch } from "./intake-branch.ts";
import type { Pull } from "./ports.ts";
import type { EnvironmentChange, PendingDelivery, PullRow, StoreTransaction } from "./ports-store.ts";
import { type ReadCommand, readCommands } from "./read-commands.ts";
import { type Found, readPull, targetsOf } from "./read-pull.ts";
import type { Step } from "./step.ts";
import { reportWakes } from "./targets.ts";

/** Pull request actions that say that somebody works on it now; without one it was open before we came. */
const ACTIVITY = new Set(["opened", "reopened", "synchronize", "ready_for_review"]);
/** Reasons that mean: not this data again. */
const DESTROYED: ReadonlySet<string> = new Set(["command_destroy", "api_destroy"]);
/** What an action makes of a pull request. */
const STATES: ReadonlyMap<string, Pull["state"]> = new Map([
  ["opened", "open"],
  ["reopened", "open"],
  ["closed", "closed"],
]);

/**
 * Applies all waiting deliveries of one pull request at once: the payloads were hints, what GitHub says now is the
 * truth. So order, duplicates, push storms and replays stop mattering.
 */
export async function intake(context: Context, step: Step): Promise<void> {
  const { store } = context;
  const deliveries = await store.pendingDeliveries(step.key, INTAKE_DELIVERIES);
  const branch = parseBranchKey(step.key);
  if (branch) {
    const again = moreWaiting(deliveries, context.clock.now());
    return intakeBranch(context, step, branch, deliveries, again);
  }
  const ref = parsePullKey(step.key);
  if (!ref) throw new Error(`The wakeup key ${step.key} is neither a pull request nor a git branch.`);
  const targets = targetsOf(ref, deliveries, await store.pull(step.key));
  if (targets.length === 0) return step.commit(null, async () => {});
  try {
    const found = await readPull(context, targets);
    if (!found) return await missing(context, step, deliveries);
    const commands = await readCommands(context, found.target, found.pull, deliveries);
    await apply(context, step, { ref, ...found, deliveries, commands });
  } catch (error) {
    // A suspended App, or one whose key is being changed, comes back without a word: a close must not be lost for it.
    // Nothing of ours is deleted because GitHub refuses us: the environment's own time limit ends it.
    if (!(error instanceof Refused) || step.attempts < INTAKE_REFUSALS_MAX) throw error;
    await handled(context, step, deliveries, error.reason);
  }
}

async function missing(context: Context, step: Step, deliveries: readonly PendingDelivery[]): Promise<void> {
  if (step.attempts >= PULL_TRIES_MAX) return handled(context, step, deliveries, "pull_not_found");
  throw new Retryable("pull_not_found", `GitHub does not show ${step.key} (yet).`);
}

interface Read extends Found {
  readonly ref: PullRef;
  readonly deliveries: readonly PendingDelivery[];
  readonly commands: readonly ReadCommand[];
}

async function apply(context: Context, step: Step, read: Read): Promise<void> {
  const { pull, deliveries, commands } = read;
  const now = context.clock.now();
  const again = moreWaiting(deliveries, now) ?? contradicted(read, now);
  await step.commit(again, async (tx) => {
    await tx.putPull(rowOf(read), pull.state, now);
    await tx.putRepository(rowOf(read), now);
    const before = await tx.newestCommand(step.key);
    const fresh = await addCommands(tx, step.key, commands);
    await settleDeliveries(tx, read, now);
    const existing = (await tx.environmentsOfPull(step.key))[0] ?? null;
    const desire = await desireOf(tx, step.key, read, existing);
    const wanted = existing
      ? await update(context, tx, existing, read, desire, fresh, now)
      : await insert(context, tx, read, desire, now);
    // Also when nothing changed: a report that was given up is told again with the next event.
    await tx.wake(reportWakes({ pullKey: step.key }, now), now);
    if (!wanted) return;
    if (existing && destroyedBetween(existing, before, fresh)) await removeClusters(tx, existing);
    // Its clusters too: one that AWS refused to create would be tried again in an hour only.
    const clusters = [existing?.servingId, existing?.nextId].filter((id) => typeof id === "string");
    const wakes = clusters.map((key) => ({ topic: "cluster" as const, key, dueAt: now }));
    await tx.wake([{ topic: "environment", key: wanted, dueAt: now }, ...wakes], now);
  });
}

/** Whether a destroy was asked for that the environment has not carried out, even if a create came right after it. */
function destroyedBetween(
  existing: Environment,
  before: NewestCommand | null,
  fresh: readonly ReadCommand[],
): boolean {
  if (existing.wanted === "absent" && DESTROYED.has(existing.wantedReason)) return true;
  return fresh.some(
    ({ verb, outcome, commentedAt }) =>
      verb === "destroy" && outcome === "accepted" && (before === null || commentedAt > before.commentedAt),
  );
}

/** What was to be destroyed is not handed out again: the environment sees it as lost and makes a new one. */
async function removeClusters(tx: StoreTransaction, { servingId, nextId }: Environment): Promise<void> {
  for (const id of [servingId, nextId]) if (id) await tx.setUse(id, "remove");
}

/** A close that the answer does not know of yet would be missed for good. */
function contradicted({ deliveries, pull }: Read, now: Date): Date | null {
  const newest = deliveries.findLast(({ event }) => event === "pull_request");
  const expected = newest && STATES.get(newest.action);
  const agrees = expected === undefined || expected === pull.state;
  return agrees ? null : new Date(now.getTime() + CONTRADICTED_LOOK_MS);
}

async function desireOf(
  tx: StoreTransaction,
  key: string,
  { pull, deliveries }: Read,
  existing: Environment | null,
): Promise<Desire> {
  return decideWanted({
    open: pull.state === "open",
    merged: pull.merged,
    closedAt: pull.closedAt,
    headSha: pull.headSha,
    fork: pull.fork,
    authorIsBot: pull.authorIsBot,
    command: await tx.newestCommand(key),
    activity: deliveries.some((d) => d.event === "pull_request" && ACTIVITY.has(d.action)),
    existing: existing && {
      wanted: existing.wanted,
      reason: existing.wantedReason,
      headSha: existing.headSha,
      wantedAt: existing.wantedAt,
    },
  });
}

/** Returns the id if the environment must be looked at. */
async function update(
  context: Context,
  tx: StoreTransaction,
  existing: Environment,
  read: Read,
  desire: Desire,
  fresh: readonly ReadCommand[],
  now: Date,
): Promise<string | null> {
  const { headSha } = read.pull;
  const present = desire.wanted === "present";
  const turned = desire.wanted !== existing.wanted;
  const pushed = present && headSha !== existing.headSha;
  // A new /db create on a failed database is the wish to try again.
  const askedAgain =
    present && fresh.some((command) => command.verb === "create" && command.outcome === "accepted");
  const changed = turned || pushed || askedAgain;
  if (!changed && desire.reason === existing.wantedReason && headSha === existing.headSha) return null;
  const change: EnvironmentChange = {
    wanted: desire.wanted,
    wantedReason: desire.reason,
    headSha,
    ...(changed ? { generation: existing.generation + 1, wantedAt: now } : {}),
    ...(turned ? turn(existing, present, now) : {}),
    ...(present && changed
      ? { until: laterUntil(context, existing, turned ? now : existing.presentSince, now) }
      : {}),
  };
  await tx.updateEnvironment(existing, change);
  await addEvent(context, tx, existing.id, desire, headSha, now);
  return existing.id;
}

function turn(existing: Environment, present: boolean, now: Date): EnvironmentChange {
  return present
    ? { presentSince: now, endedAt: null, queuedAt: null }
    : { endedAt: existing.servingId ? null : existing.endedAt, queuedAt: null };
}

async function insert(
  context: Context,
  tx: StoreTransaction,
  read: Read,
  desire: Desire,
  now: Date,
): Promise<string | null> {
  const { pull, ref, commands } = read;
  // A row only for what somebody should hear of: nobody asked for a database of a closed or a bot's pull request.
  const heard =
    desire.wanted === "present" || commands.length > 0 || (desire.reason === "fork" && pull.state === "open");
  if (!heard) return null;
  const database = databaseName(pull.repositoryName);
  const owner = {
    id: newId(context, "env"),
    kind: "pull",
    ownerKey: ownerKey(ref, database),
    pullKey: pullKey(ref),
    repositoryId: pull.repositoryId,
    number: pull.number,
    database,
    author: pull.author,
    wanted: desire.wanted,
    wantedReason: desire.reason,
    headSha: pull.headSha,
    until: until(context, now, now),
  } as const;
  const environment = newEnvironment(owner, now);
  await tx.insertEnvironment(environment);
  await addEvent(context, tx, environment.id, desire, pull.headSha, now);
  return environment.id;
}

/** Kept for a while after the last push or command, and never beyond its age. */
function until(context: Context, presentSince: Date, now: Date): Date {
  const { idleMs, ageMs } = context.policy;
  return new Date(Math.min(now.getTime() + idleMs, presentSince.getTime() + ageMs));
}

/** Somebody may have asked to keep it for longer than a push would. */
function laterUntil(context: Context, { until: kept }: Environment, presentSince: Date, now: Date): Date {
  const usual = until(context, presentSince, now);
  return kept && kept > usual ? kept : usual;
}

/** Writes the commands that were not known; a repeated delivery or a repeated transaction adds none. */
async function addCommands(
  tx: StoreTransaction,
  key: string,
  commands: readonly ReadCommand[],
): Promise<readonly ReadCommand[]> {
  const known = new Set(
    await tx.knownComments(
      key,
      commands.map((command) => command.commentId),
    ),
  );
  const fresh = commands.filter((command) => !known.has(command.commentId));
  for (const command of fresh) await tx.addCommand(key, command);
  return fresh;
}

async function settleDeliveries(tx: StoreTransaction, read: Read, now: Date): Promise<void> {
  const byOutcome = new Map<string, PendingDelivery[]>();
  for (const delivery of read.deliveries) {
    const command = read.commands.find((c) => c.guid === delivery.guid);
    const outcome = command?.outcome ?? (delivery.commentId === null ? "applied" : "no_command");
    byOutcome.set(outcome, [...(byOutcome.get(outcome) ?? []), delivery]);
  }
  for (const [outcome, list] of byOutcome) await tx.handleDeliveries(list, outcome, now);
}

async function handled(
  context: Context,
  step: Step,
  deliveries: readonly PendingDelivery[],
  outcome: string,
): Promise<void> {
  context.log.warn(
    { owner: step.key, outcome, deliveries: deliveries.map((d) => d.guid) },
    "deliveries not applied",
  );
  const now = context.clock.now();
  await step.commit(moreWaiting(deliveries, now), (tx) => tx.handleDeliveries(deliveries, outcome, now));
}

/** More may have arrived than one step takes; they wait for the next one, which is now. */
function moreWaiting(deliveries: readonly PendingDelivery[], now: Date): Date | null {
  return deliveries.length === INTAKE_DELIVERIES ? now : null;
}

async function addEvent(
  context: Context,
  tx: StoreTransaction,
  environmentId: string,
  desire: Desire,
  headSha: string,
  at: Date,
): Promise<void> {
  const detail = `${desire.wanted} ${desire.reason} ${headSha}`;
  await tx.addEvent({ environmentId, id: newId(context, "evt"), at, kind: "wanted", actor: null, detail });
}

function rowOf({ ref, target, pull }: Read): PullRow {
  const { repositoryName, baseRef } = pull;
  return { ...ref, installationId: target.installationId, repositoryName, baseRef };
}
