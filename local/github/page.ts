import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { extname, join } from "node:path";
import type { FastifyInstance } from "fastify";
import { notFound } from "./api-error.ts";
import { type Change, fullName, placeOf } from "./model.ts";
import { DEVICE_PAGE } from "./routes-login.ts";

const DIRECTORY = join(import.meta.dirname, "page");
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
};
/** Where a file is, unless below its own name. */
const ADDRESSES: Readonly<Record<string, string>> = { "index.html": "/", "device.html": DEVICE_PAGE };
/** Comments are sanitized; should that fail, no script of theirs runs, and no picture tells others who reads it. */
const POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'";

/** The page that shows what a person would see on GitHub. */
export function addPage(app: FastifyInstance): void {
  const file = async (name: string) => readFile(join(DIRECTORY, name));
  for (const name of readdirSync(DIRECTORY)) {
    const type = CONTENT_TYPES[extname(name)];
    if (type === undefined) continue;
    app.get(ADDRESSES[name] ?? `/${name}`, async (_request, reply) => {
      const headers = {
        "content-type": type,
        "content-security-policy": POLICY,
        "cache-control": "no-cache",
      };
      return reply.headers(headers).send(await file(name));
    });
  }
  // The addresses that the API gives out for people.
  app.get("/:owner/:repo/pull/:number", (request, reply) => {
    const { owner, repo, number } = request.params as Record<"owner" | "repo" | "number", string>;
    if (!/^[\w.-]+$/.test(owner) || !/^[\w.-]+$/.test(repo) || !/^\d+$/.test(number)) throw notFound();
    return reply.redirect(`/#${owner}/${repo}/pull/${number}`);
  });
}

export type Broadcast = ReturnType<typeof createBroadcast>;

/** Server-sent events: one message for every change, to whoever listens. */
export function createBroadcast() {
  const listeners = new Set<ServerResponse>();
  const write = (message: object) => {
    for (const listener of listeners) listener.write(`data: ${JSON.stringify(message)}\n\n`);
  };
  return {
    change(change: Change): void {
      const { event } = change;
      const repository = fullName(placeOf(change));
      const subject =
        "gitBranch" in change
          ? { gitBranch: change.gitBranch }
          : { action: change.action, number: change.pull.number };
      write({ event, repository, ...subject });
    },
    /** In: the event that was delivered, or was tried to. */
    delivered(name: string): void {
      write({ event: "delivery", delivered: name });
    },
    /** `GET /_local/events`. */
    addRoute(app: FastifyInstance): void {
      app.get("/_local/events", (_request, reply) => {
        reply.hijack();
        const { raw } = reply;
        raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
        raw.write(": listening\n\n");
        listeners.add(raw);
        raw.on("close", () => listeners.delete(raw));
      });
    },
  };
}
