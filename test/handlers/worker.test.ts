import { describe, expect, it } from "vitest";
import { Fenced, Refused, Retryable } from "../../service/domain/errors.ts";
import {
  BACKOFF_FIRST_MS,
  BACKOFF_LAST_MS,
  CLAIM_TAKE,
  REFUSED_LOOK_MS,
} from "../../service/domain/limits.ts";
import type { Context } from "../../service/handlers/context.ts";
import type { Held, Settle } from "../../service/handlers/ports-store.ts";
import { afterFailure, claimDue, runHeld } from "../../service/handlers/worker.ts";
import { NOW } from "../domain/builders.ts";
import { POLICY, quiet } from "./scene.ts";

const heldAt = (attempts: number): Held => {
  const leaseUntil = new Date(NOW.getTime() + 60_000);
  return { topic: "cluster", key: "cl_1", seq: 1, attempts, lease: "lease_1", leaseUntil };
};
const away = new Retryable("github_unavailable", "502");
const limited = new Retryable("github_rate_limit", "limited", { afterMs: 600_000 });
const stale = new Retryable("stale", "changed");
const bug = new TypeError("x is not a function");
const inMs = ({ again }: Settle) => (again ? again.getTime() - NOW.getTime() : null);

describe("a step that failed", () => {
  it.each([
    ["did not get an answer", 1, away, 0, BACKOFF_FIRST_MS / 2],
    ["did not get an answer, at the other end of chance", 1, away, 0.999, BACKOFF_FIRST_MS],
    ["did not get an answer for the third time", 3, away, 0, BACKOFF_FIRST_MS * 2],
    ["never got an answer", 1_000, away, 0.999, BACKOFF_LAST_MS],
    ["has a bug", 2, bug, 0, BACKOFF_FIRST_MS],
    ["was refused", 5, new Refused("forbidden", "no"), 0, REFUSED_LOOK_MS],
    ["is limited for longer than its back-off", 1, limited, 0, 600_000],
    [
      "is limited for less than its back-off",
      1_000,
      new Retryable("x", "", { afterMs: 10 }),
      0.999,
      BACKOFF_LAST_MS,
    ],
  ] as const)("because it %s is tried again in time", (_name, attempts, error, chance, expectedMs) => {
    const ms = inMs(afterFailure(heldAt(attempts), error, NOW, chance));
    expect(Math.abs((ms ?? 0) - expectedMs)).toBeLessThanOrEqual(expectedMs / 500);
  });

  it("counts its tries, unless somebody else was merely faster", () => {
    expect(afterFailure(heldAt(3), away, NOW, 0).attempts).toBe(3);
    expect(afterFailure(heldAt(3), stale, NOW, 0).attempts).toBe(2);
  });

  it("is woken early from a back-off, never from a wait that the other side asked for", () => {
    expect(afterFailure(heldAt(9), away, NOW, 0).notBefore).toEqual(new Date(0));
    expect(afterFailure(heldAt(1), limited, NOW, 0).notBefore).toEqual(new Date(NOW.getTime() + 600_000));
  });
});

/** A store whose reads fail, and that remembers how keys were settled. */
function failingStore(error: Error, settleError: Error | null = null) {
  const settled: Settle[] = [];
  const store = {
    async cluster() {
      throw error;
    },
    async transaction(work: (tx: unknown) => Promise<unknown>) {
      if (settleError) throw settleError;
      return work({ settle: async (_held: Held, settle: Settle) => void settled.push(settle) });
    },
  };
  const chance = { number: () => 0 };
  const clock = { now: () => NOW };
  const nudge = { nudge: () => {} };
  return { settled, context: { store, chance, clock, nudge, log: quiet } as unknown as Context };
}

describe("the worker", () => {
  it("dates a key whose step threw", async () => {
    const { context, settled } = failingStore(bug);
    await runHeld(context, heldAt(1));
    expect(settled).toMatchObject([{ attempts: 1 }]);
  });

  it("leaves a key alone that another worker holds", async () => {
    const { context, settled } = failingStore(new Fenced("cluster", "cl_1"));
    await runHeld(context, heldAt(1));
    expect(settled).toEqual([]);
  });

  it("goes on if the key cannot even be dated: its lease runs out", async () => {
    const { context } = failingStore(bug, away);
    await expect(runHeld(context, heldAt(1))).resolves.toBeUndefined();
  });

  it("takes no more keys than it has room for, nor more than others can spare", async () => {
    const due = Array.from({ length: 20 }, (_, i) => ({ topic: "cluster", key: `cl_${i}`, seq: 1 }));
    const taken: number[] = [];
    const store = {
      due: async () => due,
      claim: async (chosen: readonly unknown[]) => {
        taken.push(chosen.length);
        return [];
      },
    };
    const chance = { number: () => 0.5, bytes: (size: number) => new Uint8Array(size) };
    const context = { store, chance, clock: { now: () => NOW }, policy: POLICY } as unknown as Context;
    await claimDue(context, 3);
    await claimDue(context, 1_000);
    expect(taken).toEqual([3, CLAIM_TAKE]);
  });
});
