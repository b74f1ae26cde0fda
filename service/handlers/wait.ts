import { WAIT_LOOK_MS } from "../domain/limits.ts";
import type { Wait } from "./api-types.ts";
import type { Context } from "./context.ts";

/** Looks again and again until what is seen is enough, the time is over or the client hangs up. Out: the last look. */
export async function waitUntil<T>(
  { clock }: Pick<Context, "clock">,
  wait: Wait,
  look: () => Promise<T>,
  isEnough: (seen: T) => boolean,
): Promise<T> {
  const end = clock.now().getTime() + wait.ms;
  for (;;) {
    const seen = await look();
    const leftMs = end - clock.now().getTime();
    if (isEnough(seen) || leftMs <= 0 || wait.signal.aborted) return seen;
    await pause(Math.min(WAIT_LOOK_MS, leftMs), wait.signal);
  }
}

/** An abort ends it early; the next round then returns what it saw, which goes nowhere. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
