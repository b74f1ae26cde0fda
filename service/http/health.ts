import { setTimeout } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { sendProblem } from "./problem.ts";

/** A store that has not answered by then takes no traffic; probes give up after a few seconds themselves. */
const READY_TIMEOUT_MS = 3_000;

export interface HealthDeps {
  /** Resolves if the store answers. */
  readonly ready: () => Promise<void>;
  /** What a person should mend, a line each: it is told, and keeps no traffic away that can still be served. */
  readonly warnings: () => readonly string[];
}

/** `GET /healthz`: the process lives. `GET /readyz`: the store answers, so that traffic may come. */
export async function healthRoutes(app: FastifyInstance, { ready, warnings }: HealthDeps): Promise<void> {
  app.get("/healthz", async () => ({ status: "alive" }));
  app.get("/readyz", async (_request, reply) => {
    if (await answers(ready)) {
      const found = warnings();
      return { status: "ready", ...(found.length === 0 ? {} : { warnings: found }) };
    }
    const detail = "The store does not answer; see the log of the service and OFFSHOOT_STORE_URL.";
    return sendProblem(reply, { status: 503, title: "Unavailable", reason: "store_unavailable", detail });
  });
}

async function answers(ready: () => Promise<void>): Promise<boolean> {
  const done = new AbortController();
  const late = setTimeout(READY_TIMEOUT_MS, false, { signal: done.signal });
  const asked = ready().then(
    () => true,
    () => false,
  );
  const answer = await Promise.race([asked, late]);
  late.catch(() => {});
  done.abort();
  return answer;
}
