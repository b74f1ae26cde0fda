import Type from "typebox";
import { Refused } from "../domain/errors.ts";
import type { ApiHandlers } from "./api-handlers.ts";
import { TOKEN_REASONS } from "./problem-status.ts";
import { labelsOf, untilOf } from "./query.ts";
import type { AddRoute } from "./route.ts";
import {
  CustomerKey,
  LabelFilter,
  Page,
  TenantMigrations,
  TenantPatch,
  TenantPut,
  TokenRequest,
  Wait,
} from "./schemas.ts";
import { environmentSent, pageQuery, startedSent, tokenRequest, tokenSent } from "./sent.ts";

const Params = Type.Object({ key: CustomerKey }, { additionalProperties: false });
const tag = "Tenants";
const STARTED = { 202: ["It has begun; poll the operation.", "Started"] } as const;

/** One database per customer, by the customer's key. */
export function tenantRoutes(add: AddRoute, handlers: ApiHandlers): void {
  crudRoutes(add, handlers);
  changeRoutes(add, handlers);
  accessRoutes(add, handlers);
}

function crudRoutes(add: AddRoute, handlers: ApiHandlers): void {
  add({
    ...{ method: "PUT", url: "/tenants/:key", operationId: "putTenant", tag },
    summary: "Make a customer's database, or set what it should be",
    description:
      "Idempotent by the key: 201 when it was made, 200 afterwards. What is left out stays as it is.",
    ...{ params: Params, query: Wait, body: TenantPut },
    answers: {
      200: ["It was there; `operation` is null if nothing had to begin.", "Started"],
      201: ["It was made.", "Started"],
    },
    reasons: ["selector", "deleted", "too_many_waits"],
    async handle({ write, params, query, body, during }) {
      const { until: _, ...rest } = body;
      const put = { ...rest, ...untilOf(body) };
      return startedSent(
        await during(query.wait, (wait) => handlers.putTenant(write, params.key, put, wait)),
      );
    },
  });
  add({
    ...{ method: "GET", url: "/tenants/:key", operationId: "getTenant", tag },
    summary: "Get a customer's database",
    params: Params,
    answers: { 200: ["The database.", "Environment"] },
    handle: async ({ caller, params }) => environmentSent(await handlers.getTenant(caller, params.key)),
  });
  add({
    ...{ method: "GET", url: "/tenants", operationId: "listTenants", tag },
    summary: "List customers' databases",
    query: Type.Object({ label: LabelFilter, ...Page }, { additionalProperties: false }),
    answers: { 200: ["A page, the oldest first.", "EnvironmentPage"] },
    reasons: ["cursor_invalid"],
    handle: async ({ caller, query }) => ({
      body: await handlers.listTenants(caller, { labels: labelsOf(query.label), ...pageQuery(query) }),
    }),
  });
  add({
    ...{ method: "PATCH", url: "/tenants/:key", operationId: "patchTenant", tag },
    summary: "Change labels, limits, end or protection",
    ...{ params: Params, body: TenantPatch, takesIfMatch: true },
    answers: { 200: ["As it is now.", "Environment"] },
    reasons: ["selector", "deleted"],
    async handle({ write, params, body, ifMatch }) {
      const { until: _, ...rest } = body;
      const patch = { ...rest, ...untilOf(body) };
      const { body: environment, ...answer } = await handlers.patchTenant(write, params.key, patch, ifMatch);
      return { ...environmentSent(environment), ...answer };
    },
  });
}

function changeRoutes(add: AddRoute, handlers: ApiHandlers): void {
  add({
    ...{ method: "DELETE", url: "/tenants/:key", operationId: "deleteTenant", tag },
    summary: "Delete a customer's database",
    description:
      "Lift the protection first. The data is kept, without access, for the grace, and can be restored until then.",
    params: Params,
    query: Type.Object(
      {
        confirm: Type.Optional(Type.String({ maxLength: 200, description: "The key once more." })),
        ...Wait.properties,
      },
      { additionalProperties: false },
    ),
    takesIfMatch: true,
    answers: STARTED,
    reasons: ["confirm_missing", "protected", "too_many_waits"],
    async handle({ write, params, query, ifMatch, during }) {
      if (query.confirm !== params.key) {
        const message = "Repeat the customer's key as ?confirm=<key>, because its data goes.";
        throw new Refused("confirm_missing", message);
      }
      return startedSent(
        await during(query.wait, (wait) => handlers.deleteTenant(write, params.key, ifMatch, wait)),
      );
    },
  });
  add({
    ...{ method: "POST", url: "/tenants/:key/restore", operationId: "restoreTenant", tag },
    summary: "Restore a deleted database within its grace",
    description: "A customer that was protected once is protected again.",
    ...{ params: Params, query: Wait },
    answers: STARTED,
    reasons: ["not_restorable", "too_many_waits"],
    handle: async ({ write, params, query, during }) =>
      startedSent(await during(query.wait, (wait) => handlers.restoreTenant(write, params.key, wait))),
  });
  add({
    ...{ method: "PUT", url: "/tenants/:key/migrations", operationId: "putTenantMigrations", tag },
    summary: "Set the migrations of a customer's database",
    ...{ params: Params, query: Wait, body: TenantMigrations },
    answers: {
      200: ["It has these migrations already.", "Started"],
      ...STARTED,
    },
    reasons: ["deleted", "too_many_waits"],
    handle: async ({ write, params, query, body, during }) =>
      startedSent(await during(query.wait, (wait) => handlers.migrateTenant(write, params.key, body, wait))),
  });
}

function accessRoutes(add: AddRoute, handlers: ApiHandlers): void {
  add({
    ...{ method: "POST", url: "/tenants/:key/token", operationId: "createTenantToken", tag },
    summary: "Get a token to connect to a customer's database",
    ...{ params: Params, body: TokenRequest },
    answers: { 200: ["Everything that a client needs to connect.", "Token"] },
    reasons: TOKEN_REASONS,
    handle: async ({ caller, params, body }) =>
      tokenSent(await handlers.tenantToken(caller, params.key, tokenRequest(body))),
  });
  add({
    ...{ method: "GET", url: "/tenants/:key/events", operationId: "listTenantEvents", tag },
    summary: "List what happened to a customer's database",
    ...{ params: Params, query: Type.Object(Page, { additionalProperties: false }) },
    answers: { 200: ["A page, the oldest first.", "EventPage"] },
    reasons: ["cursor_invalid"],
    handle: async ({ caller, params, query }) => ({
      body: await handlers.tenantEvents(caller, params.key, pageQuery(query)),
    }),
  });
}
