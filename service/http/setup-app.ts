import type { FastifyInstance } from "fastify";
import { Retryable } from "../domain/errors.ts";
import type { Log } from "../handlers/ports.ts";
import { sendProblem } from "./problem.ts";
import { buildServer } from "./server.ts";
import { type SetupRoutesDeps, setupRoutes } from "./setup.ts";
import type { Verify } from "./signature.ts";
import { webhookRoutes } from "./webhook.ts";

export interface SetupAppDeps extends SetupRoutesDeps {
  /** The GitHub host that webhooks will come from. */
  readonly host: string;
  /** False for everything until the App's secret is known. */
  readonly verify: Verify;
  readonly log: Log;
}

/** No delivery is journalled yet, so none has the number of an App. */
const NO_APP = 0;
const NEXT =
  "This Offshoot has no GitHub App yet. Run `offshoot setup-code` and open the link that it prints, on the service's address.";

/**
 * The HTTP application before there is a GitHub App: the set-up, health, and the address of webhooks, which answers the
 * test delivery as it always will, and asks for any other one again.
 */
export function buildSetupApp(deps: SetupAppDeps): FastifyInstance {
  const { host, verify, log } = deps;
  const app = buildServer({ log });
  const journal = {
    append: () => Promise.reject(new Retryable("setup_open", "The service is being set up.")),
  };
  app.register((scope) => setupRoutes(scope, deps));
  app.register((scope) =>
    webhookRoutes(scope, { appId: NO_APP, host, verify, journal, nudge: { nudge: () => {} }, log }),
  );
  app.get("/healthz", async () => ({ status: "alive" }));
  app.get("/readyz", async (_request, reply) =>
    sendProblem(reply, { status: 503, title: "Not set up", reason: "setup_open", detail: NEXT }),
  );
  return app;
}
