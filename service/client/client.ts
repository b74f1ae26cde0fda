/** The client of Offshoot's API, for Node 20 or newer and browsers. It depends on nothing. */
import { environmentsOf, tenantsOf } from "./databases.ts";
import { type OwnOptions, ownEnvironments } from "./job.ts";
import { type CallOptions, type ClientOptions, createRequester } from "./request.ts";
import type { DeviceLogin, Environment, Operation, Region, Self, Session, Slots, Started } from "./types.ts";
import { type WaitOptions, waitForOperation, waitUntilSettled } from "./wait.ts";

export type { EnvironmentFilter, Page, PageOptions } from "./databases.ts";
export { OffshootError } from "./error.ts";
export { hasEnded, headShaOf, type OwnOptions } from "./job.ts";
export { type JobCredentialOptions, type JobIdentity, jobCredential } from "./oidc.ts";
export type { CallOptions, ClientOptions } from "./request.ts";
export type * from "./types.ts";
export type { WaitOptions } from "./wait.ts";

export type Client = ReturnType<typeof createClient>;

/** A person's sign-in that is not finished yet. */
export interface PendingLogin {
  readonly status: "pending";
  readonly intervalSeconds: number;
}

/** A client of one service. Every method throws OffshootError; writes are repeated safely when an answer is lost. */
export function createClient(options: ClientOptions) {
  const request = createRequester(options);
  const environments = environmentsOf(request);
  return {
    url: options.url,
    /** One database per customer, by your own key. */
    tenants: tenantsOf(request),
    /** All databases, of pull requests, git branches and customers. */
    environments,
    /** For a CI job: the databases of its own place, at its own commit. */
    own: (own: OwnOptions) => ownEnvironments(() => environments.list(), own),
    operation: (id: string, { wait, ...more }: CallOptions & { wait?: string } = {}) =>
      request<Operation>({
        ...more,
        method: "GET",
        path: `/v1/operations/${encodeURIComponent(id)}`,
        query: { wait },
      }),
    /** Waits for what a request began; nothing to wait for is done at once. Throws what it failed with. */
    async waitFor(begun: Started | Operation, wait: WaitOptions = {}): Promise<Operation | null> {
      const operation = "operation" in begun ? begun.operation : begun;
      return operation && waitForOperation(request, operation, wait);
    },
    /** Waits until a database is ready, or rests otherwise, as the service says (`settled`). */
    settled: (
      environment: Environment,
      wait: WaitOptions & { onChange?: (now: Environment) => void } = {},
    ): Promise<Environment> => waitUntilSettled(request, environment, wait),
    slots: (more: CallOptions = {}) => request<Slots>({ ...more, method: "GET", path: "/v1/slots" }),
    regions: async (more: CallOptions = {}) =>
      (await request<{ items: Region[] }>({ ...more, method: "GET", path: "/v1/regions" })).items,
    /** Who the credential belongs to, as the service sees it. */
    self: (more: CallOptions = {}) => request<Self>({ ...more, method: "GET", path: "/v1/self" }),
    /** The OpenAPI document of the service. */
    openapi: (more: CallOptions = {}) =>
      request<Readonly<Record<string, unknown>>>({
        ...more,
        method: "GET",
        path: "/v1/openapi.json",
        anonymous: true,
      }),
    sessions: {
      /** A CI job's OIDC token, whose audience is the service's address, becomes a session. A token is good once. */
      create: (oidcToken: string, more: CallOptions = {}) =>
        request<Session>({
          ...more,
          method: "POST",
          path: "/v1/sessions",
          body: { oidcToken },
          anonymous: true,
          repeatable: false,
        }),
    },
    login: {
      /** Begins to sign a person in with GitHub: show `userCode` and `verificationUri`, then poll. */
      begin: (more: CallOptions = {}) =>
        request<DeviceLogin>({ ...more, method: "POST", path: "/v1/login", body: {}, anonymous: true }),
      poll: (deviceCode: string, more: CallOptions = {}) =>
        request<Session | PendingLogin>({
          ...more,
          method: "POST",
          path: "/v1/login/poll",
          body: { deviceCode },
          anonymous: true,
          repeatable: false,
        }),
    },
  };
}
