import type { FastifyReply, FastifyRequest } from "fastify";
import { type Caller, callerKey } from "../domain/caller.ts";
import { WAIT_ANSWER_MS, WAITS_PER_CALLER } from "../domain/limits.ts";
import type { Wait } from "../handlers/api-types.ts";
import { Limited } from "./api-error.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Of a function, what Lambda says of this call; a server has none. */
    readonly invocation?: { readonly context?: { getRemainingTimeInMillis(): number } };
  }
}

const RETRY_AFTER_SECONDS = 5;

/** Requests that are answered later, counted per caller and process, because each holds a connection. */
export interface Waits {
  /**
   * Does the work with `?wait=` as its time limit, or with null if the client does not wait. Throws Refused
   * `too_many_waits`. The signal aborts when the client hangs up, the process ends, or a function's time gets short.
   */
  during<T>(
    caller: Caller,
    reply: FastifyReply,
    wait: string | undefined,
    work: (wait: Wait | null) => Promise<T>,
  ): Promise<T>;
  /** Ends every wait now, with the answer as it stands: a process that ends must not be held up for half a minute. */
  end(): void;
}

export function createWaits(most = WAITS_PER_CALLER): Waits {
  const waiting = new Map<string, number>();
  const ending = new AbortController();
  return {
    async during(caller, reply, text, work) {
      const ms = Number.parseInt(text ?? "0", 10) * 1_000;
      if (ms === 0) return work(null);
      const name = callerKey(caller);
      const now = (waiting.get(name) ?? 0) + 1;
      if (now > most) {
        const next = "Wait for fewer, or poll without `wait`.";
        throw new Limited("too_many_waits", `${most} requests wait already. ${next}`, RETRY_AFTER_SECONDS);
      }
      waiting.set(name, now);
      const gone = new AbortController();
      const onClose = () => gone.abort();
      reply.raw.once("close", onClose);
      try {
        const ends = [gone.signal, ending.signal, ...timeOf(reply.request)];
        return await work({ ms, signal: AbortSignal.any(ends) });
      } finally {
        reply.raw.off("close", onClose);
        const left = (waiting.get(name) ?? 1) - 1;
        if (left > 0) waiting.set(name, left);
        else waiting.delete(name);
      }
    },
    end: () => ending.abort(),
  };
}

/** A function that is ended at its deadline answers nobody, so a wait ends before. */
function timeOf({ invocation }: FastifyRequest): readonly AbortSignal[] {
  const leftMs = invocation?.context?.getRemainingTimeInMillis();
  return leftMs === undefined ? [] : [AbortSignal.timeout(Math.max(0, Math.floor(leftMs - WAIT_ANSWER_MS)))];
}
