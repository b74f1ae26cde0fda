import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { addFaultRoutes } from "./fault-routes.ts";
import type { Faults } from "./faults.ts";
import { parseResourcePolicy } from "./policy.ts";
import { type Identity, type Principals, refuseAction } from "./principals.ts";
import type { Registry } from "./registry.ts";
import {
  parseBody,
  readArn,
  readCreate,
  readDelete,
  readDeletePolicy,
  readList,
  readOne,
  readPutPolicy,
  readTag,
  readUntag,
  readUpdate,
} from "./requests.ts";
import { accessDenied, internalError, ServiceError, throttled, validationFailed } from "./service-error.ts";
import { bodyOf, buildServiceApp, perform, whoSigned } from "./service-http.ts";

export interface ControlOptions {
  registry: Registry;
  faults: Faults;
  region: string;
  accountId: string;
  principals: Principals;
  /** What a cluster's engine does now, for `GET /_local/clusters`. */
  activity(identifier: string): { running: boolean; connections: number };
  /** Called once a removed cluster is on file as such: stop it and drop its data. */
  removed(identifier: string): Promise<void>;
  /** Called once a cluster has another policy. */
  policyChanged(identifier: string): void;
}

interface Call {
  identity: Identity;
  parameters: Record<string, string>;
  query: URLSearchParams;
  body: Record<string, unknown>;
}

type Operation = (call: Call) => unknown;
type AddRoute = (method: "GET" | "POST" | "DELETE", url: string, name: string, operation: Operation) => void;

const DEFAULT_PAGE = 100;

/**
 * The control plane over HTTP (restJson1): the operations on clusters, policies and tags for the real SDK client, plus
 * `/_local/…` for tests and the page, which needs no signature. Not listening yet.
 */
export function buildControl(options: ControlOptions): FastifyInstance {
  const app = buildServiceApp();
  app.setErrorHandler((error, _request, reply) => sendError(reply, error));
  app.setNotFoundHandler((request, reply) =>
    sendError(reply, validationFailed("unknownOperation", `No operation ${request.method} ${request.url}`)),
  );
  const route: AddRoute = (method, url, name, operation) => {
    app.route({ method, url, handler: (request, reply) => answer(name, operation, request, reply, options) });
  };
  addClusterOperations(route, options);
  addPolicyOperations(route, options);
  addTagOperations(route, options);
  addLocalRoutes(app, options);
  return app;
}

function addClusterOperations(route: AddRoute, { registry, removed }: ControlOptions): void {
  route("POST", "/cluster", "CreateCluster", ({ body }) => {
    // No lockout check: a new cluster's policy shuts out nobody who had access before.
    const { clientToken, bypassPolicyLockoutSafetyCheck: _none, ...input } = readCreate(body);
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
    const { clientToken, identifier } = readDelete({ ...parameters, ...given(query, CLIENT_TOKEN) });
    const change = () => registry.remove(identifier);
    const cluster = registry.once(clientToken, ["DeleteCluster", identifier], change);
    await removed(identifier);
    return summary(cluster);
  });
  route("GET", "/cluster", "ListClusters", ({ query }) => {
    const maxResults = query.get("max-results");
    const page = readList({
      ...(maxResults === null ? {} : { maxResults: Number(maxResults) }),
      ...given(query, { nextToken: "next-token" }),
    });
    const { clusters, last } = registry.list(page.maxResults ?? DEFAULT_PAGE, page.nextToken ?? "");
    const listed = clusters.map(({ identifier, arn }) => ({ identifier, arn }));
    return { clusters: listed, ...(last === undefined ? {} : { nextToken: last }) };
  });
}

function addPolicyOperations(route: AddRoute, { registry, policyChanged }: ControlOptions): void {
  const url = "/cluster/:identifier/policy";
  route("POST", url, "PutClusterPolicy", ({ identity, parameters, body }) => {
    const { clientToken, bypassPolicyLockoutSafetyCheck, ...input } = readPutPolicy({
      ...body,
      ...parameters,
    });
    const { identifier, policy, expectedPolicyVersion } = input;
    if (!bypassPolicyLockoutSafetyCheck) {
      const { arn } = registry.get(identifier);
      const lockout = refuseAction(identity, "dsql:PutClusterPolicy", arn, parseResourcePolicy(policy));
      // The check is the service's; its text is ours.
      if (lockout) throw validationFailed("other", `The policy would lock out whoever puts it: ${lockout}`);
    }
    const change = () => registry.putPolicy(identifier, policy, expectedPolicyVersion);
    const put = registry.once(clientToken, ["PutClusterPolicy", input], change);
    policyChanged(identifier);
    return put;
  });
  route("GET", url, "GetClusterPolicy", ({ parameters }) =>
    registry.getPolicy(readOne(parameters).identifier),
  );
  route("DELETE", url, "DeleteClusterPolicy", ({ parameters, query }) => {
    const names = { ...CLIENT_TOKEN, expectedPolicyVersion: "expected-policy-version" };
    const { clientToken, ...input } = readDeletePolicy({ ...parameters, ...given(query, names) });
    const change = () => registry.deletePolicy(input.identifier, input.expectedPolicyVersion);
    return registry.once(clientToken, ["DeleteClusterPolicy", input], change);
  });
}

function addTagOperations(route: AddRoute, { registry, region, accountId }: ControlOptions): void {
  const url = "/tags/:arn";
  const identifierOf = ({ parameters: { arn = "" } }: Call) => readArn(arn, region, accountId);
  route("POST", url, "TagResource", (call) => {
    const { identifier, tags } = readTag({ ...call.body, identifier: identifierOf(call) });
    registry.tag(identifier, tags);
    return {};
  });
  route("DELETE", url, "UntagResource", (call) => {
    const { identifier, tagKeys } = readUntag({
      identifier: identifierOf(call),
      tagKeys: call.query.getAll("tagKeys"),
    });
    registry.untag(identifier, tagKeys);
    return {};
  });
  route("GET", url, "ListTagsForResource", (call) => ({ tags: registry.get(identifierOf(call)).tags }));
}

const CLIENT_TOKEN = { clientToken: "client-token" };

/** In: members and the query parameters that carry them. Out: the members that were given. */
function given(query: URLSearchParams, names: Readonly<Record<string, string>>): Record<string, string> {
  const members = Object.entries(names).map(([member, name]) => [member, query.get(name)]);
  return Object.fromEntries(members.filter(([, value]) => value !== null));
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
  options: ControlOptions,
): Promise<unknown> {
  const { region, principals, faults } = options;
  const identity = await whoSigned(request, { service: "dsql", region, principals });
  if ("refused" in identity) throw accessDenied(identity.refused);
  const parameters = request.params as Record<string, string>;
  const refusal = refuseOperation(identity, name, parameters, options);
  if (refusal) throw accessDenied(refusal);
  const query = new URL(request.url, "http://local").searchParams;
  reply.header("content-type", "application/json");
  return perform({
    ...{ operation: name, faults, reply },
    run: async () =>
      JSON.stringify(await operation({ identity, parameters, query, body: parseBody(bodyOf(request)) })),
    fail: (status, retryAfterSeconds) =>
      status === 500 ? internalError(retryAfterSeconds) : throttled(retryAfterSeconds),
  });
}

/** The policies that count for an operation: the session's, and that of the cluster it names. */
function refuseOperation(
  identity: Identity,
  name: string,
  { identifier, arn }: Record<string, string>,
  { registry, region, accountId }: ControlOptions,
): string | undefined {
  const cluster = `arn:aws:dsql:${region}:${accountId}:cluster/`;
  const any = name === "ListClusters" ? "*" : `${cluster}*`;
  const resource = arn ?? (identifier === undefined ? any : `${cluster}${identifier}`);
  const policy = registry.policyOf(resource.slice(cluster.length));
  return refuseAction(identity, `dsql:${name}`, resource, policy);
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
  addFaultRoutes(app, faults);
}
