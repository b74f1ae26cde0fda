/** scripts/simulate: plays one life, or many; exits with 1 if a promise was broken. */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import type { LifeResult } from "./life.ts";
import { playLives } from "./lives.ts";
import { isMutation, MUTATIONS, type MutationName } from "./mutations.ts";

const SEED_MAX = 2 ** 31 - 1;
const LIVES_MAX = 1_000_000;
const USAGE = `Usage:
  scripts/simulate <seed> [--trace] [--mutate <name>]     one life, replayed exactly
  scripts/simulate --lives <count> [--from <seed>] [--mutate <name>] [--json]
Mutations: ${Object.keys(MUTATIONS).join(", ")}`;

interface Arguments {
  readonly from: number;
  readonly lives: number;
  readonly mutation: MutationName | null;
  readonly trace: boolean;
  readonly json: boolean;
}

const asked = readArguments();
process.exitCode = await main(asked);

async function main({ from, lives, mutation, trace, json }: Arguments): Promise<number> {
  const one = lives === 1;
  const seeds = Array.from({ length: lives }, (_, i) => from + i);
  const onLife = (life: LifeResult) => {
    if (one || life.broken) tell(life, mutation);
  };
  const played = await playLives({ seeds, mutation, trace, stopWhenBroken: mutation !== null, onLife });
  const { seconds, broken } = played;
  const summary = {
    from,
    lives: played.lives.length,
    steps: played.lives.reduce((sum, life) => sum + life.steps, 0),
    seconds: Number(seconds.toFixed(1)),
    mutation,
    broken: broken.map((life) => ({ seed: life.seed, ...life.broken })),
  };
  if (json) console.log(JSON.stringify(summary));
  else if (!one) {
    const rate = ((seconds * 1000) / summary.lives).toFixed(0);
    console.log(
      `${summary.lives} lives from seed ${from} in ${summary.seconds} s (${rate} ms each, ` +
        `${summary.steps} steps): ${broken.length} broken`,
    );
  }
  return broken.length > 0 ? 1 : 0;
}

function tell({ seed, hash, steps, broken }: LifeResult, mutation: MutationName | null): void {
  if (!broken) {
    console.log(`life ${seed}: kept every promise in ${steps} steps, hash ${hash}`);
    return;
  }
  const mutated = mutation ? ` --mutate ${mutation}` : "";
  console.log(`life ${seed}: broke a promise after ${steps} steps, hash ${hash}\n  ${broken.message}`);
  console.log(`  replay: scripts/simulate ${seed} --trace${mutated}`);
}

function readArguments(): Arguments {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        lives: { type: "string" },
        from: { type: "string" },
        mutate: { type: "string" },
        trace: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    });
    const { lives, from, mutate = null, trace, json } = values;
    if (positionals.length > 1 || (positionals.length === 1) === (lives !== undefined)) {
      throw new Error("Give either a seed or --lives.");
    }
    if (mutate !== null && !isMutation(mutate)) throw new Error(`There is no mutation ${mutate}.`);
    const first = positionals[0] ?? from ?? String(randomInt(Math.floor(SEED_MAX / 2)));
    const count = numberOf("--lives", lives ?? "1", LIVES_MAX);
    return { from: numberOf("The seed", first, SEED_MAX), lives: count, mutation: mutate, trace, json };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exit(2);
  }
}

function numberOf(what: string, text: string, most: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > most) {
    throw new Error(`${what} must be a whole number from 1 to ${most}, not ${JSON.stringify(text)}.`);
  }
  return number;
}
