import { Refused } from "../domain/errors.ts";
import {
  COMMENT_AUDIT_MS,
  PROGRESS_EDIT_MS,
  REPORT_REFUSALS_MAX,
  WAITING_LOOK_MS,
} from "../domain/limits.ts";
import { renderReport, reportMarker } from "../domain/render.ts";
import type { CommandNotice } from "../domain/report.ts";
import { outside } from "../domain/text.ts";
import type { Context } from "./context.ts";
import { earliest, isPassing, verifyDeadline } from "./looks.ts";
import { onGitHub } from "./on-github.ts";
import type { PullRow, ReportRow } from "./ports-store.ts";
import { later, type Step } from "./step.ts";
import { readView, type Viewed } from "./view.ts";

interface Rendered {
  readonly body: string;
  readonly digest: string;
  readonly marker: string;
}

/** Makes GitHub show what is: one sticky comment per pull request, edited only if it would read differently. */
export async function report(context: Context, step: Step): Promise<void> {
  const { store } = context;
  const pull = await store.pull(step.key);
  const environments = await store.environmentsOfPull(step.key);
  if (!pull || environments.length === 0) return step.commit(null, async () => {});
  const notice = await readNotice(context, step.key);
  const viewed: Viewed[] = [];
  for (const environment of environments) viewed.push(await readView(context, pull, environment, notice));
  const views = viewed.map((one) => one.view);
  const rendered = { ...renderReport(views), marker: reportMarker(views) };
  const row = (await store.report(step.key)) ?? fresh(step.key);
  try {
    await react(context, pull, step.key);
    await show(context, step, pull, row, rendered, viewed);
  } catch (error) {
    // A locked conversation or an uninstalled App: teardown goes on, and the telling is tried again for a while, since a
    // suspended App comes back without a word.
    if (!(error instanceof Refused) || step.attempts < REPORT_REFUSALS_MAX) throw error;
    context.log.warn({ owner: step.key, reason: error.reason }, "report given up: GitHub refuses it");
    await step.commit(null, async () => {});
  }
}

async function show(
  context: Context,
  step: Step,
  pull: PullRow,
  row: ReportRow,
  rendered: Rendered,
  viewed: readonly Viewed[],
): Promise<void> {
  const now = context.clock.now();
  if (row.commentId === null) {
    return row.attemptedAt
      ? adopt(context, step, pull, row, rendered)
      : create(context, step, pull, row, rendered);
  }
  if (row.auditAt && row.auditAt <= now) return audit(context, step, pull, row, row.commentId, rendered);
  // A step that was tried before may have left a paused worker behind, whose old text could still arrive.
  const auditAt = step.attempts > 1 ? later(context, COMMENT_AUDIT_MS) : row.auditAt;
  const due = row.editedAt && new Date(row.editedAt.getTime() + PROGRESS_EDIT_MS);
  const passing = isPassing(viewed);
  if (row.digest === rendered.digest || (passing && due && due > now)) {
    const again = row.digest === rendered.digest ? null : due;
    const change = { ...row, auditAt };
    return step.commit(earliest(again, auditAt, nextLook(context, viewed)), async (tx) => {
      if (auditAt !== row.auditAt) await tx.putReport(change);
    });
  }
  await edit(context, step, pull, { ...row, auditAt }, row.commentId, rendered, nextLook(context, viewed));
}

async function create(
  context: Context,
  step: Step,
  pull: PullRow,
  row: ReportRow,
  rendered: Rendered,
): Promise<void> {
  const attempt = { ...row, attemptedAt: context.clock.now() };
  await step.hold((tx) => tx.putReport(attempt));
  const created = await onGitHub(context, pull, (github) => {
    step.ensureHeld();
    return github.createComment(pull, rendered.body);
  });
  const now = context.clock.now();
  const auditAt = later(context, COMMENT_AUDIT_MS);
  const change = { commentId: created.id, digest: rendered.digest, editedAt: now, auditAt };
  // Looked at again at once: the state may have moved on while the comment was on its way.
  await step.commit(now, (tx) => tx.putReport({ ...attempt, ...change, version: row.version + 1 }));
}

/** A create was begun and its answer is not known: find what it made, and only if there is nothing create again. */
async function adopt(
  context: Context,
  step: Step,
  pull: PullRow,
  row: ReportRow,
  rendered: Rendered,
): Promise<void> {
  const found = await onGitHub(context, pull, (github) => github.findComments(pull, rendered.marker));
  const change = {
    commentId: found[0]?.id ?? null,
    attemptedAt: null,
    auditAt: later(context, COMMENT_AUDIT_MS),
  };
  await step.commit(context.clock.now(), (tx) => tx.putReport({ ...row, ...change, digest: null }));
}

/** Removes what a paused worker may have left: a second comment, or an older text in ours. */
async function audit(
  context: Context,
  step: Step,
  pull: PullRow,
  row: ReportRow,
  commentId: number,
  rendered: Rendered,
): Promise<void> {
  const found = await onGitHub(context, pull, (github) => github.findComments(pull, rendered.marker));
  for (const other of found.filter((comment) => comment.id !== commentId)) {
    await onGitHub(context, pull, (github) => github.deleteComment(pull, other.id));
  }
  const ours = found.find((comment) => comment.id === commentId);
  const same = ours !== undefined && row.digest !== null && ours.body.includes(`d=${row.digest} `);
  // The worker that had this step before may only be paused: its text could arrive after this look.
  const auditAt = step.attempts > 1 ? later(context, COMMENT_AUDIT_MS) : null;
  await step.commit(context.clock.now(), (tx) =>
    tx.putReport({ ...row, auditAt, digest: same ? row.digest : null }),
  );
}

async function edit(
  context: Context,
  step: Step,
  pull: PullRow,
  row: ReportRow,
  commentId: number,
  rendered: Rendered,
  look: Date | null,
): Promise<void> {
  const outcome = await onGitHub(context, pull, (github) => {
    step.ensureHeld();
    return github.editComment(pull, commentId, rendered.body);
  });
  const now = context.clock.now();
  if (outcome === "absent") {
    const gone = { ...row, commentId: null, attemptedAt: null, digest: null };
    return step.commit(now, (tx) => tx.putReport(gone));
  }
  const change = { ...row, digest: rendered.digest, editedAt: now };
  await step.commit(earliest(row.auditAt, look), async (tx) => {
    await tx.putReport(change);
    // It says the same in short, and leaves it to this step to look at a place in the queue.
    await tx.wake([{ topic: "check", key: step.key, dueAt: now }], now);
  });
}

/** Reactions are idempotent at GitHub; a comment that is gone, or may not be reacted to, needs none. */
async function react(context: Context, pull: PullRow, key: string): Promise<void> {
  for (const command of await context.store.commandsToReact(key)) {
    const { reaction, commentId } = command;
    if (!reaction) continue;
    try {
      await onGitHub(context, pull, (github) => github.react(pull, commentId, reaction));
    } catch (error) {
      // Decoration: the comment itself says what became of the command.
      if (!(error instanceof Refused)) throw error;
    }
    await context.store.transaction((tx) => tx.markReacted(key, commentId, context.clock.now()));
  }
}

async function readNotice(context: Context, key: string): Promise<CommandNotice | null> {
  const command = await context.store.latestCommand(key);
  if (!command) return null;
  return {
    verb: command.verb,
    author: outside(command.author),
    at: command.commentedAt,
    outcome: command.outcome,
  };
}

/** Some states change by the clock alone: a place in the queue, a verification that takes too long. */
function nextLook(context: Context, viewed: readonly Viewed[]): Date | null {
  const looks = viewed.map((one) =>
    one.phase === "waiting" ? later(context, WAITING_LOOK_MS) : verifyDeadline(one),
  );
  return earliest(...looks);
}

function fresh(pullKey: string): ReportRow {
  return {
    pullKey,
    commentId: null,
    digest: null,
    attemptedAt: null,
    auditAt: null,
    editedAt: null,
    version: 0,
  };
}
