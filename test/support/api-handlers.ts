import type { Operation } from "../../service/domain/authorize.ts";
import type { Caller, Labels } from "../../service/domain/caller.ts";
import { Refused } from "../../service/domain/errors.ts";
import type {
  Answer,
  ApiHandlers,
  EnvironmentView,
  StartedView,
  TokenView,
} from "../../service/handlers/api-types.ts";
import { permit } from "../../service/handlers/permit.ts";

const AT = new Date("2026-11-25T08:00:00.000Z");
const HOST = `${"a".repeat(26)}.dsql.eu-central-1.on.aws`;

/** A customer's environment as a handler answers it. */
export function tenantView(key: string, change: Partial<EnvironmentView> = {}): EnvironmentView {
  const owner = {
    kind: "tenant",
    repository: null,
    number: null,
    gitBranch: null,
    database: null,
    key,
  } as const;
  return {
    ...{ id: `env_${"0".repeat(22)}`, owner, phase: "ready", settled: true },
    ...{ wanted: "present", reason: "api_create" },
    ...{ labels: {}, limits: {}, protected: true, revision: 1, generation: 1 },
    endpoint: {
      identifier: "a".repeat(26),
      region: "eu-central-1",
      host: HOST,
      port: 5432,
      database: "postgres",
    },
    ...{ failure: null, waiting: null, migrations: { digest: "", statements: 0, applied: 0 } },
    ...{
      createdAt: AT,
      wantedAt: AT,
      readyAt: AT,
      until: null,
      retiredUntil: null,
      endedAt: null,
      stack: null,
    },
    ...change,
  };
}

const TOKEN: TokenView = {
  ...{ token: "a token", role: "owner", host: HOST, port: 5432, user: "admin", database: "postgres" },
  ...{ region: "eu-central-1", expiresAt: AT, connectTo: null, environment: { PGHOST: HOST } },
};

/** Handlers over a map of customers: as much as the routes need to be tested without a store. */
export function createMemoryHandlers() {
  const tenants = new Map<string, EnvironmentView>();
  const asked: string[] = [];
  const ensure = (caller: Caller, operation: Operation, labels: Labels = {}) =>
    permit(caller, operation, { kind: "tenant", labels });
  const find = (caller: Caller, operation: Operation, key: string): EnvironmentView => {
    const found = tenants.get(key);
    permit(caller, operation, found ? { kind: "tenant", labels: found.labels } : { kind: "nothing" });
    return found as EnvironmentView;
  };
  const hidden = (caller: Caller, operation: Operation): never => {
    permit(caller, operation, { kind: "nothing" });
    throw new Error("never allowed");
  };
  const started = (status: number, environment: EnvironmentView): Answer<StartedView> => {
    tenants.set(environment.owner.key ?? "", environment);
    return { status, body: { environment, operation: null }, replayed: false };
  };
  const handlers: ApiHandlers = {
    async putTenant({ caller }, key, put, wait) {
      asked.push(wait ? `wait ${wait.ms}` : "no wait");
      ensure(caller, "tenant.create", put.labels);
      const before = tenants.get(key);
      return started(before ? 200 : 201, {
        ...(before ?? tenantView(key)),
        ...put,
        until: put.until ?? null,
      });
    },
    getTenant: async (caller, key) => find(caller, "tenant.get", key),
    async listTenants(caller, { limit }) {
      ensure(caller, "tenant.list");
      return { items: [...tenants.values()].slice(0, limit), nextCursor: null };
    },
    async patchTenant({ caller }, key, { labels: _, ...patch }, ifMatch) {
      const before = find(caller, "tenant.patch", key);
      if (ifMatch !== null && ifMatch !== before.revision)
        throw new Refused("precondition_failed", "Changed.");
      const environment = { ...before, ...patch, revision: before.revision + 1 };
      tenants.set(key, environment);
      return { status: 200, body: environment, replayed: false };
    },
    async deleteTenant({ caller }, key, _ifMatch, wait) {
      asked.push(wait ? `wait ${wait.ms}` : "no wait");
      const before = find(caller, "tenant.delete", key);
      if (before.protected) throw new Refused("protected", "Lift the protection first.");
      return started(202, { ...before, wanted: "absent" });
    },
    async restoreTenant({ caller }, key, wait) {
      asked.push(wait ? `wait ${wait.ms}` : "no wait");
      return started(202, find(caller, "tenant.restore", key));
    },
    async migrateTenant({ caller }, key, _files, wait) {
      asked.push(wait ? `wait ${wait.ms}` : "no wait");
      return started(202, find(caller, "tenant.migrate", key));
    },
    async tenantToken(caller, key, { role }) {
      find(caller, `tenant.token.${role}`, key);
      return { ...TOKEN, role };
    },
    async tenantEvents(caller, key) {
      find(caller, "tenant.events", key);
      return { items: [], nextCursor: null };
    },
    async listEnvironments(caller) {
      permit(caller, "environment.list", { kind: "tenant", labels: {} });
      return { items: [], nextCursor: null };
    },
    createEnvironment: async ({ caller }) => hidden(caller, "environment.create"),
    getEnvironment: async (caller) => hidden(caller, "environment.get"),
    keepEnvironment: async ({ caller }) => hidden(caller, "environment.keep"),
    resetEnvironment: async ({ caller }) => hidden(caller, "environment.reset"),
    restoreEnvironment: async ({ caller }) => hidden(caller, "environment.restore"),
    destroyEnvironment: async ({ caller }) => hidden(caller, "environment.destroy"),
    environmentToken: async (caller, _id, { role }) => hidden(caller, `environment.token.${role}`),
    environmentEvents: async (caller) => hidden(caller, "environment.events"),
    getOperation: async (caller) => hidden(caller, "operation.get"),
    async getSlots(caller) {
      permit(caller, "slots.get", { kind: "system" });
      const counts = { quota: 20, reserve: 2, maxClusters: 18, used: 0, others: 0, free: 18, waiting: 0 };
      return { region: "eu-central-1", ...counts };
    },
    async listRegions(caller) {
      permit(caller, "regions.get", { kind: "system" });
      return { items: [{ name: "eu-central-1", isDefault: true }], nextCursor: null };
    },
  };
  return { handlers, tenants, asked };
}
