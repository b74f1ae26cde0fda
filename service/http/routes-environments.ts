import Type, { type Static } from "typebox";
import { Refused } from "../domain/errors.ts";
import type { EnvironmentFilter } from "../handlers/api-types.ts";
import type { ApiHandlers } from "./api-handlers.ts";
import { GITHUB_REASONS, TOKEN_REASONS } from "./problem-status.ts";
import { type Addresses, labelsOf, placeOfUrl, timeOf, untilOf } from "./query.ts";
import type { AddRoute } from "./route.ts";
import {
  EnvironmentCreate,
  EnvironmentId,
  GitBranch,
  Keep,
  LabelFilter,
  Page,
  Repository,
  TokenRequest,
  Wait,
} from "./schemas.ts";
import { environmentSent, pageQuery, startedSent, tokenRequest, tokenSent } from "./sent.ts";

const closed = { additionalProperties: false };
const Params = Type.Object({ id: EnvironmentId }, closed);
const Query = Type.Object(
  {
    owner: Type.Optional(
      Type.Enum(["pull", "branch", "tenant"], { description: "Only those of this kind." }),
    ),
    repository: Type.Optional(Repository),
    number: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 999_999_999, description: "Of a pull request." }),
    ),
    gitBranch: Type.Optional(GitBranch),
    url: Type.Optional(
      Type.String({ maxLength: 1_000, description: "The address of a pull request or an environment." }),
    ),
    label: LabelFilter,
    ...Page,
  },
  closed,
);
const tag = "Environments";
const STARTED = { 202: ["It has begun; poll the operation.", "Started"] } as const;

/** The same view over all owners: pull requests, git branches and customers. */
export function environmentRoutes(add: AddRoute, handlers: ApiHandlers, addresses: Addresses): void {
  readRoutes(add, handlers, addresses);
  changeRoutes(add, handlers);
  endRoutes(add, handlers);
}

function readRoutes(add: AddRoute, handlers: ApiHandlers, addresses: Addresses): void {
  add({
    ...{ method: "GET", url: "/environments", operationId: "listEnvironments", tag },
    summary: "List databases of all owners",
    query: Query,
    answers: { 200: ["A page, the oldest first.", "EnvironmentPage"] },
    reasons: ["cursor_invalid", ...GITHUB_REASONS],
    handle: async ({ caller, query }) => ({
      body: await handlers.listEnvironments(caller, filterOf(query, addresses)),
    }),
  });
  add({
    ...{ method: "GET", url: "/environments/:id", operationId: "getEnvironment", tag },
    summary: "Get a database, or wait until it is settled",
    description: "With `wait` the answer comes once it is `settled`, or when the time is over.",
    ...{ params: Params, query: Wait },
    answers: { 200: ["The database.", "Environment"] },
    reasons: ["too_many_waits", ...GITHUB_REASONS],
    handle: async ({ caller, params, query, during }) =>
      environmentSent(await during(query.wait, (wait) => handlers.getEnvironment(caller, params.id, wait))),
  });
  add({
    ...{ method: "GET", url: "/environments/:id/events", operationId: "listEnvironmentEvents", tag },
    summary: "List what happened to a database",
    ...{ params: Params, query: Type.Object(Page, closed) },
    answers: { 200: ["A page, the oldest first.", "EventPage"] },
    reasons: ["cursor_invalid", ...GITHUB_REASONS],
    handle: async ({ caller, params, query }) => ({
      body: await handlers.environmentEvents(caller, params.id, pageQuery(query)),
    }),
  });
}

function changeRoutes(add: AddRoute, handlers: ApiHandlers): void {
  add({
    ...{ method: "POST", url: "/environments", operationId: "createEnvironment", tag },
    summary: "Make a database for a git branch",
    ...{ query: Wait, body: EnvironmentCreate },
    answers: { 200: ["It was there.", "Started"], 201: ["It was made.", "Started"] },
    reasons: [
      "not_found",
      "repository_not_found",
      "git_branch_not_found",
      "permission",
      "selector",
      "deleted",
      "too_many_waits",
      ...GITHUB_REASONS,
    ],
    async handle({ write, query, body, during }) {
      const { until: _, ...rest } = body;
      const create = { ...rest, ...untilOf(body) };
      return startedSent(await during(query.wait, (wait) => handlers.createEnvironment(write, create, wait)));
    },
  });
  add({
    ...{ method: "POST", url: "/environments/:id/keep", operationId: "keepEnvironment", tag },
    summary: "Keep a database at least until a time",
    ...{ params: Params, body: Keep },
    answers: { 200: ["As it is now.", "Environment"] },
    reasons: ["permission", "deleted", "use_tenants", ...GITHUB_REASONS],
    async handle({ write, params, body }) {
      const until = timeOf(body.until, "body.until");
      const { body: environment, ...answer } = await handlers.keepEnvironment(write, params.id, until);
      return { ...environmentSent(environment), ...answer };
    },
  });
  add({
    ...{ method: "POST", url: "/environments/:id/reset", operationId: "resetEnvironment", tag },
    summary: "Make a database anew, without its data",
    ...{ params: Params, query: Wait },
    answers: STARTED,
    reasons: ["permission", "deleted", "use_tenants", "too_many_waits", ...GITHUB_REASONS],
    handle: async ({ write, params, query, during }) =>
      startedSent(await during(query.wait, (wait) => handlers.resetEnvironment(write, params.id, wait))),
  });
}

function endRoutes(add: AddRoute, handlers: ApiHandlers): void {
  add({
    ...{ method: "POST", url: "/environments/:id/restore", operationId: "restoreEnvironment", tag },
    summary: "Restore a database within its grace",
    ...{ params: Params, query: Wait },
    answers: STARTED,
    reasons: ["permission", "not_restorable", "use_tenants", "too_many_waits", ...GITHUB_REASONS],
    handle: async ({ write, params, query, during }) =>
      startedSent(await during(query.wait, (wait) => handlers.restoreEnvironment(write, params.id, wait))),
  });
  add({
    ...{ method: "DELETE", url: "/environments/:id", operationId: "destroyEnvironment", tag },
    summary: "Destroy the database of a pull request or git branch",
    description: "Customers' databases are deleted as tenants, with their safeguards.",
    ...{ params: Params, query: Wait },
    answers: STARTED,
    reasons: ["permission", "use_tenants", "too_many_waits", ...GITHUB_REASONS],
    handle: async ({ write, params, query, during }) =>
      startedSent(await during(query.wait, (wait) => handlers.destroyEnvironment(write, params.id, wait))),
  });
  add({
    ...{ method: "POST", url: "/environments/:id/token", operationId: "createEnvironmentToken", tag },
    summary: "Get a token to connect to a database",
    ...{ params: Params, body: TokenRequest },
    answers: { 200: ["Everything that a client needs to connect.", "Token"] },
    reasons: ["permission", ...TOKEN_REASONS, ...GITHUB_REASONS],
    handle: async ({ caller, params, body }) =>
      tokenSent(await handlers.environmentToken(caller, params.id, tokenRequest(body))),
  });
}

function filterOf(query: Static<typeof Query>, addresses: Addresses): EnvironmentFilter {
  const { owner, repository, number, gitBranch, url } = query;
  const named = [repository, number, gitBranch].some((part) => part !== undefined);
  if (url !== undefined && named) {
    throw new Refused(
      "invalid_request",
      "query.url names the place already; leave out the other names of it.",
    );
  }
  const page = { labels: labelsOf(query.label), ...pageQuery(query) };
  const place = { repository: repository ?? null, number: number ?? null, gitBranch: gitBranch ?? null };
  const shown = url === undefined ? place : { ...place, ...placeOfUrl(url, addresses) };
  return { owner: owner ?? null, id: null, ...shown, ...page };
}
