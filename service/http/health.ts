import type { FastifyInstance } from "fastify";
import { sendProblem } from "./problem.ts";

/** `GET /healthz`: the process lives. `GET /readyz`: the store answers, so that traffic may come. */
export async function healthRoutes(app: FastifyInstance, ready: () => Promise<void>): Promise<void> {
  app.get("/healthz", async () => ({ status: "alive" }));
  app.get("/readyz", async (_request, reply) => {
    try {
      await ready();
      return { status: "ready" };
    } catch {
      const detail = "The store does not answer; see the log of the service and OFFSHOOT_STORE_URL.";
      return sendProblem(reply, { status: 503, title: "Unavailable", reason: "store_unavailable", detail });
    }
  });
}
