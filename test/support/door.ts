import { sign } from "@octokit/webhooks-methods";
import type { FastifyInstance, LightMyRequestResponse } from "fastify";
import { createLog } from "../../service/adapters/log.ts";
import type { Journal } from "../../service/handlers/ports.ts";
import { buildApp } from "../../service/http/app.ts";
import { createVerifier } from "../../service/http/signature.ts";

export const SECRET = "the current webhook secret";
export const OLD_SECRET = "the webhook secret before it";

export interface Door {
  readonly app: FastifyInstance;
  /** Every line of the log, as written. */
  readonly lines: string[];
  /** How often the worker was told. */
  nudges(): number;
}

/** The HTTP application with real signatures and a real log over the given journal. */
export function buildDoor(journal: Journal, ready = async () => {}): Door {
  const lines: string[] = [];
  let nudges = 0;
  const app = buildApp({
    appId: 1001,
    host: "github.test",
    verify: createVerifier([SECRET, OLD_SECRET]),
    journal,
    ready,
    nudge: {
      nudge() {
        nudges += 1;
      },
    },
    log: createLog({
      level: "info",
      secrets: [SECRET, OLD_SECRET],
      write: (line) => void lines.push(line),
    }),
  });
  return { app, lines, nudges: () => nudges };
}

export interface Sent {
  readonly event?: string;
  readonly guid?: string;
  readonly secret?: string;
  /** Instead of what GitHub would send; undefined takes the header away. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** Delivers a body as GitHub does, signed. */
export async function deliver(
  app: FastifyInstance,
  body: string | Buffer,
  sent: Sent = {},
): Promise<LightMyRequestResponse> {
  const text = body.toString();
  const headers: Record<string, string | undefined> = {
    "content-type": "application/json",
    "x-github-event": sent.event ?? "pull_request",
    "x-github-delivery": sent.guid ?? "8b9c0d6e-0000-4000-8000-000000000001",
    "x-hub-signature-256": text === "" ? `sha256=${"0".repeat(64)}` : await sign(sent.secret ?? SECRET, text),
    ...sent.headers,
  };
  for (const name of Object.keys(headers)) if (headers[name] === undefined) delete headers[name];
  return app.inject({ method: "POST", url: "/webhooks/github", payload: body, headers });
}
