import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { LifeResult } from "./life.ts";
import type { MutationName } from "./mutations.ts";

/** Lives depend on nothing but their seed, so they may be played side by side; the machine has two cores. */
const PLAYERS = 2;
const PLAYER = join(import.meta.dirname, "player.ts");

/** What a player is asked to play; `trace` has it print every line. */
export interface Part {
  readonly seed: number;
  readonly mutation: MutationName | null;
  readonly trace: boolean;
}

export interface LivesOptions {
  readonly seeds: readonly number[];
  readonly mutation?: MutationName | null;
  readonly trace?: boolean;
  readonly players?: number;
  /** No further life is begun after a broken one. */
  readonly stopWhenBroken?: boolean;
  readonly onLife?: (result: LifeResult) => void;
}

export interface LivesResult {
  /** In the order of the seeds; those that were not played are missing. */
  readonly lives: readonly LifeResult[];
  readonly broken: readonly LifeResult[];
  readonly seconds: number;
}

/** Plays lives in processes of their own, each with a Postgres of its own. Leaves nothing running. */
export async function playLives(options: LivesOptions): Promise<LivesResult> {
  const begun = performance.now();
  const { seeds, players = PLAYERS } = options;
  const left = [...seeds];
  const results = new Map<number, LifeResult>();
  const play = async () => {
    const player = fork(PLAYER, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    try {
      for (let seed = left.shift(); seed !== undefined; seed = left.shift()) {
        const { mutation = null, trace = false } = options;
        const result = await ask(player, { seed, mutation, trace });
        results.set(seed, result);
        options.onLife?.(result);
        if (result.broken && options.stopWhenBroken) left.length = 0;
      }
    } finally {
      await dismiss(player);
    }
  };
  await Promise.all(Array.from({ length: Math.min(players, seeds.length) }, play));
  const lives = seeds.flatMap((seed) => results.get(seed) ?? []);
  const broken = lives.filter((life) => life.broken);
  return { lives, broken, seconds: (performance.now() - begun) / 1000 };
}

async function ask(player: ChildProcess, part: Part): Promise<LifeResult> {
  player.send(part);
  const answered = new AbortController();
  const { signal } = answered;
  try {
    const [result] = await Promise.race([
      once(player, "message", { signal }),
      once(player, "exit", { signal }).then(([code]) => {
        throw new Error(`The player of life ${part.seed} ended with ${code}.`);
      }),
    ]);
    return result as LifeResult;
  } finally {
    answered.abort();
  }
}

/** A player whose channel closes cleans up and ends. */
async function dismiss(player: ChildProcess): Promise<void> {
  if (player.exitCode !== null || player.signalCode !== null) return;
  const ended = once(player, "exit");
  player.disconnect();
  await ended;
}
