import { createHash } from "node:crypto";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { ApiError, errorBody, notFound } from "./api-error.ts";
import { createRateLimit, type Fault, faultError } from "./faults.ts";
import { fullName } from "./model.ts";
import type { Parts, RecordedCall } from "./parts.ts";
import { addAppRoutes } from "./routes-app.ts";
import { addCheckRoutes } from "./routes-checks.ts";
import { addCommentRoutes } from "./routes-comment.ts";
import { addDeliveryRoutes } from "./routes-deliveries.ts";
import { addGitRoutes } from "./routes-git.ts";
import { addConversion } from "./routes-manifest.ts";
import { addPullRoutes } from "./routes-pull.ts";
import type { State } from "./state.ts";

/** Where the REST API is, as on GitHub Enterprise Server. */
export const API_PREFIX = "/api/v3";
/** Far more than a comment and less than would hurt. */
const API_BODY_BYTES = 1024 * 1024;

/** Members of answers that nobody may read in a record. */
const SECRETS: ReadonlySet<string> = new Set(["token", "pem", "client_secret", "webhook_secret"]);

/** GitHub's versions of the API. Without the header it is the first; any other is refused. (about-the-rest-api, api-versions) */
const API_VERSIONS: readonly unknown[] = [undefined, "2022-11-28", "2026-03-10"];

const BY_ID = new RegExp(`^${API_PREFIX}/repositories/(\\d{1,15})(?=[/?]|$)`);

/** The server without its routes: errors as GitHub answers them. Not listening yet. */
export function buildServer(state: State): FastifyInstance {
  const app = Fastify({
    forceCloseConnections: true,
    // What is below a repository's name is below its id too, as GitHub's redirects and links have it.
    rewriteUrl({ url = "" }) {
      const found = state.repositoryOfId(Number(BY_ID.exec(url)?.[1]));
      return found ? url.replace(BY_ID, `${API_PREFIX}/repos/${fullName(found)}`) : url;
    },
    routerOptions: { maxParamLength: 1024 },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  });
  app.setErrorHandler((error, _request, reply) => sendError(reply, error));
  app.setNotFoundHandler((_request, reply) => sendError(reply, notFound()));
  return app;
}

/** The REST API below its prefix. */
export function addApi(app: FastifyInstance, parts: Parts): void {
  app.register(
    async (api) => {
      api.removeAllContentTypeParsers();
      api.addContentTypeParser(
        "*",
        { parseAs: "string", bodyLimit: API_BODY_BYTES },
        async (_request: FastifyRequest, text: string) => parseJson(text),
      );
      api.setNotFoundHandler((_request, reply) => sendError(reply, notFound()));
      addHooks(api, parts);
      addAppRoutes(api, parts);
      addConversion(api, parts);
      addDeliveryRoutes(api, parts);
      addPullRoutes(api, parts);
      addGitRoutes(api, parts);
      addCommentRoutes(api, parts);
      addCheckRoutes(api, parts);
    },
    { prefix: API_PREFIX },
  );
}

function addHooks(api: FastifyInstance, { faults, record }: Parts): void {
  const rateLimit = createRateLimit();
  const lined = new WeakMap<FastifyRequest, Fault>();
  api.addHook("onRequest", async (request, reply) => {
    const path = pathOf(request);
    const { limit, remaining, reset, used } = rateLimit.take(path === "/rate_limit" ? 0 : 1);
    const headers = { limit, remaining, reset, used, resource: "core" };
    for (const [name, value] of Object.entries(headers)) reply.header(`x-ratelimit-${name}`, String(value));
    reply.header("x-github-media-type", "github.v3; format=json");
    checkHeaders(request);
    const fault = faults.take(request.method, path);
    if (!fault) return;
    lined.set(request, fault);
    if (fault.answer === "hang") reply.hijack();
    const error = faultError(fault);
    if (error) throw error;
  });
  api.addHook("onSend", async (request, reply, payload) => {
    const fault = lined.get(request);
    if (fault?.answer === "lost") request.raw.socket.destroy();
    if (!fault) record?.(recordOf(request, reply, payload));
    return withETag(request, reply, payload);
  });
  api.get("/rate_limit", () => {
    const rate = rateLimit.take(0);
    return { resources: { core: rate, search: { ...rate, limit: 30, remaining: 30, used: 0 } }, rate };
  });
}

/** Throws 403 for whoever does not say who it is, and 400 for a version that there is not. */
function checkHeaders({ headers }: FastifyRequest): void {
  if (!headers["user-agent"])
    throw new ApiError(403, "Please make sure your request has a User-Agent header.");
  const version = headers["x-github-api-version"];
  if (!API_VERSIONS.includes(version)) throw new ApiError(400, `${version} is not a supported version.`);
}

/** GitHub answers 304 to whoever has the body already. */
function withETag(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
  if (request.method !== "GET" || reply.statusCode !== 200 || typeof payload !== "string") return payload;
  const etag = `W/"${createHash("sha256").update(payload).digest("hex")}"`;
  reply.header("etag", etag).header("cache-control", "private, max-age=60, s-maxage=60");
  if (request.headers["if-none-match"] !== etag) return payload;
  reply.code(304).removeHeader("content-length");
  return "";
}

function recordOf(request: FastifyRequest, reply: FastifyReply, payload: unknown): RecordedCall {
  const answer = typeof payload === "string" && payload !== "" ? JSON.parse(payload) : null;
  const secrets = Object.keys(Object(answer)).filter((name) => SECRETS.has(name));
  const removed = Object.fromEntries(secrets.map((name) => [name, "removed"]));
  return {
    ...{ method: request.method, path: pathOf(request), query: request.query, body: request.body ?? null },
    ...{ status: reply.statusCode, answer: secrets.length > 0 ? { ...answer, ...removed } : answer },
  };
}

function pathOf({ url }: FastifyRequest): string {
  return (url.split("?", 1)[0] ?? "").slice(API_PREFIX.length);
}

function parseJson(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(400, "Problems parsing JSON");
  }
}

function sendError(reply: FastifyReply, error: unknown): FastifyReply {
  const known = error instanceof ApiError ? error : fromFastify(error);
  if (known.status >= 500 && known !== error) console.error(error);
  return reply.code(known.status).headers(known.headers).send(errorBody(known));
}

/** Fastify refuses bodies that are too large or not of the route's shape; anything else unknown is a bug of ours. */
function fromFastify(error: unknown): ApiError {
  const { statusCode, validation, message } = Object(error);
  if (validation) return new ApiError(422, `Invalid request.\n\n${message}`);
  if (typeof statusCode === "number" && statusCode < 500) return new ApiError(statusCode, String(message));
  return new ApiError(500, "Server Error");
}
