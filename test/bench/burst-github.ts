import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { pullBody, pullNamed } from "./burst-pulls.ts";

/** Longer than the benchmark, so that each process makes one token for each repository. */
const TOKEN_MS = 3_600_000;
const APP_ID = 1;

/**
 * GitHub and AWS' control plane as far as the burst asks them, in the benchmark's own process: what they need is not
 * counted, so they may not be slow either.
 */
export interface BurstGithub {
  readonly url: string;
  /** How often each pull request was read, and commented on. */
  readonly reads: ReadonlyMap<string, number>;
  readonly comments: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

interface Book {
  readonly reads: Map<string, number>;
  readonly comments: Map<string, number>;
  readonly bodies: Map<string, { readonly id: number; readonly body: string }>;
}

type Answer = readonly [status: number, body: object];

export async function startBurstGithub(): Promise<BurstGithub> {
  const book: Book = { reads: new Map(), comments: new Map(), bodies: new Map() };
  const server = createServer((request, response) => void answer(book, request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ reads: book.reads, comments: book.comments },
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(book: Book, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "", url = "" } = request;
  const input = method === "POST" ? ((await json(request)) as { readonly body?: string }) : {};
  const [status, body] = answerOf(book, method, url.split("?")[0] ?? "", input.body ?? "");
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(body));
}

const PULL = /^\/repos\/(acme\/shop-\d+)\/(?:pulls|issues)\/(\d+)(\/comments)?$/;

function answerOf(book: Book, method: string, path: string, text: string): Answer {
  if (path.endsWith("/access_tokens")) return [201, tokenBody(path)];
  if (path === "/app/hook/deliveries") return [200, []];
  if (path === "/cluster") return [200, { clusters: [] }];
  const [, repository = "", number = "", isComments] = PULL.exec(path) ?? [];
  const key = `${repository}#${number}`;
  if (repository !== "" && !isComments) {
    count(book.reads, key);
    return [200, pullBody(pullNamed(repository, Number(number)))];
  }
  if (repository !== "" && method === "POST") {
    count(book.comments, key);
    const comment = { id: book.bodies.size + 1, body: text, performed_via_github_app: { id: APP_ID } };
    book.bodies.set(key, comment);
    return [201, comment];
  }
  const comment = book.bodies.get(key);
  return repository === "" ? [404, { message: "Not Found" }] : [200, comment ? [comment] : []];
}

function tokenBody(path: string): object {
  const expires_at = new Date(Date.now() + TOKEN_MS).toISOString();
  return { token: `ghs_${path.length}`, expires_at, permissions: {}, repository_selection: "selected" };
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
