import { randomInt } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { LifeResult } from "./life.ts";
import { playLives } from "./lives.ts";
import { MUTATIONS, type MutationName } from "./mutations.ts";

/** `scripts/simulate --lives` plays more. */
const FIXED_LIVES = 40;
const FRESH_LIVES = 10;
/** Both cores are busy with other tests meanwhile. */
const LIVES_TIMEOUT_MS = 300_000;

/** A life by which each mutation was caught when it was written; after a change of the product it may take others. */
const CATCHING: Readonly<Record<MutationName, number>> = {
  random_token: 18,
  no_lease: 1,
  record_first: 1,
  unknown_absent: 2,
  retire_without_grace: 1,
  restore_serves_while_fenced: 34,
};
/** Far more than any of them needed. */
const MUTATED_LIVES = 150;

const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

function told(broken: readonly LifeResult[]): readonly string[] {
  return broken.map((life) => `scripts/simulate ${life.seed} --trace: ${life.broken?.message}`);
}

describe("the simulation", () => {
  it(
    `keeps every promise in ${FIXED_LIVES} fixed lives and ${FRESH_LIVES} fresh ones`,
    async () => {
      const fresh = range(randomInt(2 ** 30), FRESH_LIVES);
      console.log(`fresh lives: scripts/simulate --lives ${FRESH_LIVES} --from ${fresh[0]}`);
      const played = await playLives({ seeds: [...range(1, FIXED_LIVES), ...fresh] });
      expect(told(played.broken)).toEqual([]);
      expect(played.lives).toHaveLength(FIXED_LIVES + FRESH_LIVES);
    },
    LIVES_TIMEOUT_MS,
  );

  it("replays a life exactly from its seed", async () => {
    const { lives } = await playLives({ seeds: [4, 5], players: 2 });
    const { lives: again } = await playLives({ seeds: [5, 4], players: 1 });
    expect(again.map((life) => life.hash).reverse()).toEqual(lives.map((life) => life.hash));
    expect(lives[0]?.hash).not.toBe(lives[1]?.hash);
  });

  it.each(Object.keys(MUTATIONS) as MutationName[])(
    "catches the mutation %s",
    async (mutation) => {
      const { broken } = await playLives({
        seeds: [...new Set([CATCHING[mutation], ...range(1, MUTATED_LIVES)])],
        mutation,
        players: 1,
        stopWhenBroken: true,
      });
      expect(broken.map((life) => life.broken?.invariant)).toHaveLength(1);
    },
    LIVES_TIMEOUT_MS,
  );
});
