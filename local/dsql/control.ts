import { randomUUID } from "node:crypto";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { Check } from "typebox/value";
import { Fault, type Faults } from "./faults.ts";
import type { Registry } from "./registry.ts";
import {
  parseBody,
  readArn,
  readCreate,
  readDelete,
  readList,
  readOne,
  readTag,
  readUntag,
  readUpdate,
} from "./requests.ts";
import { accessDenied, internalError, ServiceError, throttled, validationFailed } from "./service-error.ts";
import { type Credentials, verifyRequest } from "./signature.ts";

export interface ControlOptions {
  registry: Registry;
  faults: Faults;
  region: string;
  accountId: string;
  credentials: Credentials;
  /** What a cluster's engine does now, for `GET /_local/clusters`. */
  activity(identifier: string): { running: boolean; connections: number };
  /** Called once a removed cluster is on file as such: stop it and drop its data. */
  removed(identifier: string): Promise<void>;
}

interface Call {
  parameters: Record<string, string>;
  query: URLSearchParams;
  body: Record<string, unknown>;
}

type Operation = (call: Call) => unknown;

/** The largest request of the API is CreateCluster with a policy of 20 KB and 200 tags. */
const BODY_LIMIT_BYTES = 256 * 1024;

const DEFAULT_PAGE = 100;

/**
 * The control plane over HTTP (restJson1): the operations on clusters and tags for the real SDK client, plus `/_local/…` for
 * tests and the page, which needs no signature. Not listening yet.
 */
export function buildControl(options: ControlOptions): FastifyInstance {
  const app = Fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    routerOptions: { maxParamLength: 512 },
    forceCloseConnections: true,
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.addHook("onRequest", async (_request, reply) => {
    reply.header("x-amzn-requestid", randomUUID());
  });
  app.setErrorHandler((error, _request, reply) => sendError(reply, error));
  app.setNotFoundHandler((request, reply) =>
    sendError(reply, validationFailed("unknownOperation", `No operation ${request.method} ${request.url}`)),
  );
  addClusterOperations(app, options);
  addTagOperations(app, options);
  addLocalRoutes(app, options);
  return app;
}

function addClusterOperations(app: FastifyInstance, options: ControlOptions): void {
  const { registry, removed } = options;
  const route = (method: "GET" | "POST" | "DELETE", url: string, name: string, operation: Operation) =>
    app.route({ method, url, handler: (request, reply) => answer(name, operation, request, reply, options) });

  route("POST", "/cluster", "CreateCluster", ({ body }) => {
    const { clientToken, ...input } = readCreate(body);
    return registry.once(clientToken, ["CreateCluster", input], () => registry.create(input));
  });
  route("GET", "/cluster/:identifier", "GetCluster", ({ parameters }) =>
    registry.get(readOne(parameters).identifier),
  );
  route("POST", "/cluster/:identifier", "UpdateCluster", ({ parameters, body }) => {
    const { clientToken, identifier, ...input } = readUpdate({ ...body, ...parameters });
    const change = () => registry.update(identifier, input);
    return summary(registry.once(clientToken, ["UpdateCluster", identifier, input], change));
  });
  route("DELETE", "/cluster/:identifier", "DeleteCluster", async ({ parameters, query }) => {
    const clientToken = query.get("client-token");
    const { identifier } = readDelete({ ...parameters, ...(clientToken === null ? {} : { clientToken }) });
    const change = () => registry.remove(identifier);
    const cluster = registry.once(clientToken ?? undefined, ["DeleteCluster", identifier], change);
    await removed(identifier);
    return summary(cluster);
  });
  route("GET", "/cluster", "ListClusters", ({ query }) => {
    const maxResults = query.get("max-results");
    const nextToken = query.get("next-token");
    const page = readList({
      ...(maxResults === null ? {} : { maxResults: Number(maxResults) }),
      ...(nextToken === null ? {} : { nextToken }),
    });
    const { clusters, last } = registry.list(page.maxResults ?? DEFAULT_PAGE, page.nextToken ?? "");
    const listed = clusters.map(({ identifier, arn }) => ({ identifier, arn }));
    return { clusters: listed, ...(last === undefined ? {} : { nextToken: last }) };
  });
}

function addTagOperations(app: FastifyInstance, options: ControlOptions): void {
  const { registry, region, accountId } = options;
  const identifierOf = ({ parameters: { arn = "" } }: Call) => readArn(arn, region, accountId);
  const route = (method: "GET" | "POST" | "DELETE", name: string, operation: Operation) =>
    app.route({
      ...{ method, url: "/tags/:arn" },
      handler: (request, reply) => answer(name, operation, request, reply, options),
    });

  route("POST", "TagResource", (call) => {
    const { identifier, tags } = readTag({ ...call.body, identifier: identifierOf(call) });
    registry.tag(identifier, tags);
    return {};
  });
  route("DELETE", "UntagResource", (call) => {
    const { identifier, tagKeys } = readUntag({
      identifier: identifierOf(call),
      tagKeys: call.query.getAll("tagKeys"),
    });
    registry.untag(identifier, tagKeys);
    return {};
  });
  route("GET", "ListTagsForResource", (call) => ({ tags: registry.get(identifierOf(call)).tags }));
}

/** UpdateCluster and DeleteCluster answer fewer members than the others. */
function summary({ identifier, arn, status, creationTime }: ReturnType<Registry["get"]>) {
  return { identifier, arn, status, creationTime };
}

async function answer(
  name: string,
  operation: Operation,
  request: FastifyRequest,
  reply: FastifyReply,
  { region, credentials, faults }: ControlOptions,
): Promise<unknown> {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const signed = { method: request.method, url: request.url, headers: request.headers, body };
  const refusal = await verifyRequest(signed, region, credentials, new Date());
  if (refusal) throw accessDenied(refusal.refused);

  const fault = faults.take(name);
  if (fault?.answer === 500) throw internalError(fault.retryAfterSeconds);
  if (fault?.answer === 429) throw throttled(fault.retryAfterSeconds);
  if (fault?.answer === "hang") return reply.hijack();

  const parameters = request.params as Record<string, string>;
  const query = new URL(request.url, "http://local").searchParams;
  const result = await operation({ parameters, query, body: parseBody(body) });
  if (fault?.answer === "lost") {
    request.raw.socket.destroy();
    return reply.hijack();
  }
  return reply.header("content-type", "application/json").send(JSON.stringify(result));
}

function sendError(reply: FastifyReply, error: unknown): FastifyReply {
  const known = error instanceof ServiceError ? error : fromFastify(error);
  if (known.status >= 500 && known !== error) console.error(error);
  if (known.retryAfterSeconds !== undefined) reply.header("retry-after", String(known.retryAfterSeconds));
  return reply
    .code(known.status)
    .header("x-amzn-errortype", known.type)
    .header("content-type", "application/json")
    .send(JSON.stringify({ message: known.message, ...known.members }));
}

/** Fastify refuses bodies that are too large or cut off; anything else unknown is a bug of ours. */
function fromFastify(error: unknown): ServiceError {
  const status =
    typeof error === "object" && error !== null && "statusCode" in error ? error.statusCode : undefined;
  if (typeof status === "number" && status < 500) {
    return validationFailed("cannotParse", error instanceof Error ? error.message : "Bad request");
  }
  return internalError();
}

function addLocalRoutes(app: FastifyInstance, { registry, faults, activity }: ControlOptions): void {
  app.get("/_local/clusters", () =>
    registry.all().map(({ identifier, status, endpoint, tags, creationTime }) => ({
      ...{ identifier, status, endpoint, tags },
      createdAt: new Date(creationTime * 1000).toISOString(),
      ...activity(identifier),
    })),
  );
  app.post("/_local/faults", (request, reply) => {
    const fault = parseBody(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
    if (!Check(Fault, fault)) {
      const shape = "{ operation, answer: 500 | 429 | 'hang' | 'lost', times, retryAfterSeconds? }";
      throw validationFailed("fieldValidationFailed", `A fault is ${shape}`);
    }
    faults.add(fault);
    return reply.code(204).send();
  });
  app.delete("/_local/faults", (_request, reply) => {
    faults.clear();
    return reply.code(204).send();
  });
}
