import { Fenced, Refused, Retryable } from "../domain/errors.ts";
import {
  BACKOFF_FIRST_MS,
  BACKOFF_LAST_MS,
  CLAIM_READ,
  CLAIM_TAKE,
  REFUSED_LOOK_MS,
} from "../domain/limits.ts";
import { check } from "./check.ts";
import { chore } from "./chores.ts";
import { type Context, newId } from "./context.ts";
import { intake } from "./intake.ts";
import { reconcileParameter } from "./parameter.ts";
import type { Held, Settle, Topic } from "./ports-store.ts";
import { reconcileCluster } from "./reconcile-cluster.ts";
import { reconcileEnvironment } from "./reconcile-environment.ts";
import { report } from "./report.ts";
import { createStep, type Step } from "./step.ts";

export type Handler = (context: Context, step: Step) => Promise<void>;

/** One topic, one handler. */
export const HANDLERS: Readonly<Record<Topic, Handler>> = {
  intake,
  environment: reconcileEnvironment,
  cluster: reconcileCluster,
  report,
  check,
  parameter: reconcileParameter,
  chore,
};

/** A row that somebody else wrote first is read again this soon. */
const STALE_MS = 50;

/**
 * Takes up to `count` due keys, chosen at random among the oldest so that workers seldom meet; none while the store waits
 * for a person after a restore.
 */
export async function claimDue(context: Context, count: number): Promise<readonly Held[]> {
  const { store, clock, chance, brake } = context;
  if (await brake?.engaged()) return [];
  const now = clock.now();
  const due = [...(await store.due(now, CLAIM_READ))];
  if (due.length === 0) return [];
  for (let i = due.length - 1; i > 0; i -= 1) {
    const j = Math.floor(chance.number() * (i + 1));
    const [a, b] = [due[i], due[j]];
    if (a && b) [due[i], due[j]] = [b, a];
  }
  const chosen = due.slice(0, Math.min(count, CLAIM_TAKE));
  const until = new Date(now.getTime() + context.policy.leaseMs);
  return store.claim(chosen, newId(context, "lease"), now, until);
}

/** Runs the handler of a held key; whatever happens, the key is settled or its lease runs out. Never throws. */
export async function runHeld(context: Context, held: Held): Promise<void> {
  const fields = fieldsOf(held);
  try {
    await HANDLERS[held.topic](context, createStep(context, held));
  } catch (error) {
    if (error instanceof Fenced) return context.log.warn(fields, error.message);
    await settleFailure(context, held, error).catch((failure: unknown) => {
      context.log.error(
        { ...fields, cause: message(failure) },
        "a failed step could not be dated; its lease will run out",
      );
    });
  }
}

/** What a key is, in the words of the log: the owner's pull request, an environment or a cluster. */
const KEYS = {
  intake: "owner",
  report: "owner",
  check: "owner",
  environment: "environment",
  cluster: "cluster",
  parameter: "environment",
  chore: "chore",
} as const;

function fieldsOf(held: Held): Readonly<Record<string, unknown>> {
  return { topic: held.topic, [KEYS[held.topic]]: held.key, attempts: held.attempts };
}

async function settleFailure(context: Context, held: Held, error: unknown): Promise<void> {
  const fields = { ...fieldsOf(held), cause: message(error) };
  if (error instanceof Retryable) context.log.info({ ...fields, reason: error.reason }, "step put off");
  else if (error instanceof Refused) context.log.warn({ ...fields, reason: error.reason }, "step refused");
  else
    context.log.error({ ...fields, stack: error instanceof Error ? error.stack : undefined }, "step failed");
  const settle = afterFailure(held, error, context.clock.now(), context.chance.number());
  await context.store.transaction((tx) => tx.settle(held, settle));
  context.nudge.nudge();
}

/** When a failed key is looked at again. `chance` in [0, 1) spreads those that failed together. */
export function afterFailure(held: Held, error: unknown, now: Date, chance: number): Settle {
  if (error instanceof Retryable && error.reason === "stale") {
    const again = new Date(now.getTime() + Math.ceil(STALE_MS * chance));
    return { again, notBefore: new Date(0), attempts: held.attempts - 1, now };
  }
  const doubled = Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(held.attempts - 1, 30));
  const backOff = error instanceof Refused ? REFUSED_LOOK_MS : doubled * (0.5 + chance / 2);
  const asked = error instanceof Retryable ? (error.afterMs ?? 0) : 0;
  const again = new Date(now.getTime() + Math.ceil(Math.max(backOff, asked)));
  // A wake may cut a back-off short, never the wait that the other side asked for.
  return { again, notBefore: new Date(asked > 0 ? now.getTime() + asked : 0), attempts: held.attempts, now };
}

/** The work loop of one process. */
export interface Worker {
  /** Looks for due work now. */
  nudge(): void;
  /** Takes no more work and resolves when the steps that run have ended. */
  stop(): Promise<void>;
}

/** Without a nudge the queue is looked at this often: another process may have woken a key. */
const LOOK_MS = 1_000;

/** Starts the loop. `concurrency`: steps at a time. A failing store is retried for ever, at LOOK_MS. */
export function startWorker(context: Context, concurrency: number): Worker {
  const running = new Set<Promise<void>>();
  let stopped = false;
  let nudged = false;
  let wakeUp: () => void = () => {};
  const nudge = () => {
    nudged = true;
    wakeUp();
  };
  const sleep = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
      if (nudged || stopped) wakeUp();
    });
  const loop = async () => {
    while (!stopped) {
      nudged = false;
      const took = await take(context, concurrency, running, nudge);
      if (!took) await sleep(running.size < concurrency ? await untilDue(context) : LOOK_MS);
    }
  };
  const ended = loop();
  return {
    nudge,
    async stop() {
      stopped = true;
      wakeUp();
      await ended;
      await Promise.all(running);
    },
  };
}

async function take(
  context: Context,
  concurrency: number,
  running: Set<Promise<void>>,
  nudge: () => void,
): Promise<boolean> {
  if (running.size >= concurrency) return false;
  try {
    const held = await claimDue(context, concurrency - running.size);
    for (const one of held) {
      const run: Promise<void> = runHeld(context, one).finally(() => {
        running.delete(run);
        nudge();
      });
      running.add(run);
    }
    return held.length > 0;
  } catch (error) {
    context.log.error({ cause: message(error) }, "the queue could not be read; trying again");
    return false;
  }
}

async function untilDue(context: Context): Promise<number> {
  try {
    if (await context.brake?.engaged()) return LOOK_MS;
    const due = await context.store.nextDue();
    return due ? Math.min(LOOK_MS, Math.max(5, due.getTime() - context.clock.now().getTime())) : LOOK_MS;
  } catch {
    return LOOK_MS;
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
