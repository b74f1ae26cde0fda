import { mayWriteChecks, missingGrantsLine } from "../domain/app-permissions.ts";
import { checkExternalId } from "../domain/check.ts";
import { Refused } from "../domain/errors.ts";
import {
  APP_GRANTS_MS,
  CHECK_WAIT_MS,
  COMMENT_AUDIT_MS,
  PROGRESS_EDIT_MS,
  REPORT_REFUSALS_MAX,
  WAITING_LOOK_MS,
} from "../domain/limits.ts";
import { type RenderedCheck, renderCheck, renderSuperseded } from "../domain/render-check.ts";
import type { Context } from "./context.ts";
import { earliest, isPassing, verifyDeadline } from "./looks.ts";
import { onGitHub } from "./on-github.ts";
import type { SentCheck } from "./ports-checks.ts";
import type { CheckRow, PullRow } from "./ports-store.ts";
import { later, type Step } from "./step.ts";
import { readView, type Viewed } from "./view.ts";

interface Work {
  readonly context: Context;
  readonly step: Step;
  readonly pull: PullRow;
  readonly detailsUrl: string;
}

/**
 * Makes the head of a pull request have one check run that tells what is; those of former heads are closed. Apart from the
 * comment, so that neither waits for the other. Where an installation has not granted it nothing is written.
 */
export async function check(context: Context, step: Step): Promise<void> {
  const { store } = context;
  const pull = await store.pull(step.key);
  const environments = await store.environmentsOfPull(step.key);
  if (!pull || environments.length === 0) return step.commit(null, async () => {});
  try {
    const granted = await onGitHub(context, pull, (github) => github.readGrants(pull));
    if (!granted || !mayWriteChecks(granted)) {
      // What was begun while it might is gone on with once it may again.
      const begun = (await store.checkRuns(step.key)).length > 0;
      return await step.commit(begun ? later(context, APP_GRANTS_MS) : null, async () => {});
    }
    const viewed: Viewed[] = [];
    for (const environment of environments) viewed.push(await readView(context, pull, environment, null));
    const views = viewed.map((one) => one.view);
    const rendered = renderCheck(views, missingGrantsLine(granted), context.clock.now());
    const detailsUrl = await commentUrl(context, pull, step.key);
    await show({ context, step, pull, detailsUrl }, views[0]?.headSha ?? "", rendered, viewed);
  } catch (error) {
    // As for the comment: a suspended App comes back without a word.
    if (!(error instanceof Refused) || step.attempts < REPORT_REFUSALS_MAX) throw error;
    context.log.warn({ owner: step.key, reason: error.reason }, "check run given up: GitHub refuses it");
    await step.commit(null, async () => {});
  }
}

async function show(
  work: Work,
  sha: string,
  rendered: RenderedCheck,
  viewed: readonly Viewed[],
): Promise<void> {
  const { context, step } = work;
  const now = context.clock.now();
  const rows = await auditedRows(work);
  const head = rows.find((row) => row.sha === sha) ?? fresh(step.key, sha);
  const formers = rows.filter((row) => row !== head);
  const due = head.editedAt && new Date(head.editedAt.getTime() + PROGRESS_EDIT_MS);
  const act = actOf(head, { ended: rendered.ended, isRight: head.digest === rendered.digest }, now);
  const putOff = act === edit && isPassing(viewed) && due && due > now ? due : null;
  if (act && !putOff) {
    const look = formers.length > 0 ? now : earliest(nextLook(context, viewed), waitingLook(context, viewed));
    return act(work, head, rendered, look);
  }
  for (const former of formers) {
    const actOnFormer = actOf(former, { ended: true, isRight: former.status === "completed" }, now);
    if (actOnFormer) return actOnFormer(work, former, renderSuperseded(), now);
  }
  const again = earliest(putOff, nextLook(context, viewed), ...rows.map(({ auditAt }) => auditAt));
  await step.commit(again, async (tx) => {
    for (const { sha: former, auditAt } of formers) {
      if (auditAt === null) await tx.forgetCheckRun(step.key, former);
    }
  });
}

type Act = (work: Work, row: CheckRow, wanted: RenderedCheck, look: Date | null) => Promise<void>;

/** What has to be done about one check run; null if it is as it should be. An end gets none of its own. */
function actOf(
  row: CheckRow,
  { ended, isRight }: { readonly ended: boolean; readonly isRight: boolean },
  now: Date,
): Act | null {
  if (row.checkId === null && row.attemptedAt) return adopt;
  if (row.auditAt && row.auditAt <= now) return adopt;
  if (row.checkId === null) return ended ? null : create;
  return isRight ? null : edit;
}

async function create({ context, step, pull, detailsUrl }: Work, row: CheckRow, wanted: RenderedCheck) {
  const { check: said, digest } = wanted;
  const attempt = { ...row, attemptedAt: context.clock.now(), annotated: said.annotation !== null };
  await step.hold((tx) => tx.putCheckRun(attempt));
  const externalId = checkExternalId(step.key, row.sha);
  const created = await onGitHub(context, pull, (github) => {
    step.ensureHeld();
    return github.createCheck(pull, { ...said, detailsUrl, sha: row.sha, externalId });
  });
  const now = context.clock.now();
  const change = { checkId: created.id, status: said.status, digest, editedAt: now };
  // Looked at again at once: the state may have moved on while it was on its way.
  await step.commit(now, (tx) => tx.putCheckRun({ ...attempt, ...change }));
}

/**
 * Finds what a create without an answer, or a worker that was paused, has left. GitHub shows the newest of one name, so
 * that is ours; a check run cannot be deleted, so older ones are closed. What ours says is not known.
 */
async function adopt(work: Work, row: CheckRow) {
  const { context, step, pull, detailsUrl } = work;
  const externalId = checkExternalId(step.key, row.sha);
  const found = await onGitHub(context, pull, (github) => github.findChecks(pull, row.sha, externalId));
  const newest = found.at(-1);
  for (const { id } of found.filter(({ id, status }) => id !== newest?.id && status !== "completed")) {
    const closed = { ...renderSuperseded().check, detailsUrl };
    await onGitHub(context, pull, (github) => github.updateCheck(pull, id, closed));
  }
  const isAudit = row.attemptedAt === null || row.checkId !== null;
  const change = {
    checkId: newest?.id ?? row.checkId,
    status: newest?.status ?? null,
    digest: null,
    annotated: newest !== undefined && row.annotated,
    attemptedAt: null,
    // The worker that had this step before may only be paused: its write could arrive after this look.
    auditAt: isAudit && step.attempts === 1 ? null : later(context, COMMENT_AUDIT_MS),
  };
  await step.commit(context.clock.now(), (tx) => tx.putCheckRun({ ...row, ...change }));
}

async function edit(work: Work, row: CheckRow, wanted: RenderedCheck, look: Date | null) {
  const { context, step, pull, detailsUrl } = work;
  const { check: said, digest } = wanted;
  const sent: SentCheck = { ...said, detailsUrl, annotation: row.annotated ? null : said.annotation };
  const annotated = row.annotated || sent.annotation !== null;
  // Written down first, since a lost answer must not bring it twice; at worst there is none.
  if (annotated !== row.annotated) await step.hold((tx) => tx.putCheckRun({ ...row, annotated }));
  const outcome = await onGitHub(context, pull, (github) => {
    step.ensureHeld();
    return github.updateCheck(pull, row.checkId ?? 0, sent);
  });
  const now = context.clock.now();
  if (outcome === "absent") {
    const gone = { checkId: null, status: null, digest: null, attemptedAt: null, annotated: false };
    return step.commit(now, (tx) => tx.putCheckRun({ ...row, ...gone }));
  }
  const change = { annotated, status: said.status, digest, editedAt: now };
  await step.commit(earliest(row.auditAt, look), (tx) => tx.putCheckRun({ ...row, ...change }));
}

/** The rows; after a step that was tried before each is audited, since a paused worker's write may still arrive. */
async function auditedRows({ context, step }: Work): Promise<readonly CheckRow[]> {
  const rows = await context.store.checkRuns(step.key);
  if (step.attempts === 1 || rows.length === 0) return rows;
  const now = context.clock.now();
  const auditAt = later(context, COMMENT_AUDIT_MS);
  const audited = rows.map((row) => (row.auditAt && row.auditAt <= now ? row : { ...row, auditAt }));
  await step.hold(async (tx) => {
    for (const row of audited) await tx.putCheckRun(row);
  });
  return audited;
}

/** The comment is what tells everything; until it is known the pull request has to do. */
async function commentUrl({ store, policy }: Context, pull: PullRow, key: string): Promise<string> {
  const comment = (await store.report(key))?.commentId ?? null;
  const url = `${policy.webUrl}/${pull.repositoryName}/pull/${pull.number}`;
  return comment === null ? url : `${url}#issuecomment-${comment}`;
}

/** Some states change by the clock alone. */
function nextLook({ clock }: Context, viewed: readonly Viewed[]): Date | null {
  const now = clock.now();
  const looks = viewed.map((one) => {
    const { state } = one.view;
    if (state.phase !== "waiting") return verifyDeadline(one);
    const ends = new Date(state.since.getTime() + CHECK_WAIT_MS + 1);
    return ends > now ? ends : null;
  });
  return earliest(...looks);
}

/** The comment looks at a place in the queue all the time, and wakes this; once is enough to see what it saw. */
function waitingLook(context: Context, viewed: readonly Viewed[]): Date | null {
  return viewed.some(({ phase }) => phase === "waiting") ? later(context, WAITING_LOOK_MS) : null;
}

function fresh(pullKey: string, sha: string): CheckRow {
  const unknown = { checkId: null, status: null, digest: null, annotated: false };
  return { pullKey, sha, ...unknown, attemptedAt: null, auditAt: null, editedAt: null };
}
