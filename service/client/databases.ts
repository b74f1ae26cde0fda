import type { Call, CallOptions, Method, Query, Requester } from "./request.ts";
import type {
  Environment,
  EnvironmentCreate,
  Event,
  Labels,
  Started,
  TenantMigrations,
  TenantPatch,
  TenantPut,
  Token,
  TokenRequest,
} from "./types.ts";

export interface Page<Item> {
  readonly items: readonly Item[];
  /** For the next page; null on the last one. */
  readonly nextCursor: string | null;
}
export interface PageOptions extends CallOptions {
  /** Items of a page, 1 to 100. */
  readonly limit?: number;
  readonly cursor?: string | null;
}
export interface LabelOptions extends PageOptions {
  /** All must match. */
  readonly labels?: Labels;
}
export interface EnvironmentFilter extends LabelOptions {
  readonly owner?: "pull" | "branch" | "tenant";
  /** owner/name. */
  readonly repository?: string;
  readonly number?: number;
  readonly gitBranch?: string;
  /** The address of a pull request at GitHub or at the service, or of an environment at the service. */
  readonly url?: string;
}
/** `wait` as `30s` holds the answer back until the operation has ended, at most that long. */
export interface WriteOptions extends CallOptions {
  readonly wait?: string;
}
export interface UpdateOptions extends CallOptions {
  /** The `revision` that was seen; refused as `precondition_failed` if it has changed since. */
  readonly ifMatch?: number;
}
export type DeleteOptions = UpdateOptions & WriteOptions;

/** One database per customer. `key` is your own key of the customer. */
export function tenantsOf(request: Requester) {
  const call = callsOf(request, "/v1/tenants");
  return {
    ...shared(request, "/v1/tenants"),
    /** Makes the customer's database, or leaves it as it is: the same key never makes a second one. */
    put: (key: string, put: TenantPut = {}, { wait, ...more }: WriteOptions = {}) =>
      call<Started>("PUT", [key], { ...more, body: put, query: { wait } }),
    patch: (key: string, patch: TenantPatch, more: UpdateOptions = {}) =>
      call<Environment>("PATCH", [key], { ...more, body: patch }),
    /** Refused as `protected` until `patch(key, {protected: false})`. Restorable within its grace. */
    delete: (key: string, { wait, ...more }: DeleteOptions = {}) =>
      call<Started>("DELETE", [key], { ...more, query: { confirm: key, wait } }),
    /** The whole schema as migration files; those that were applied must not change. */
    migrate: (key: string, migrations: TenantMigrations, { wait, ...more }: WriteOptions = {}) =>
      call<Started>("PUT", [key, "migrations"], { ...more, body: migrations, query: { wait } }),
    list: ({ labels, limit, cursor, ...more }: LabelOptions = {}) =>
      call<Page<Environment>>("GET", [], { ...more, query: { ...labelQuery(labels), limit, cursor } }),
    /** Every match, page by page. */
    all(filter: LabelOptions = {}): AsyncIterable<Environment> {
      return allPages((cursor) => this.list({ ...filter, cursor }));
    },
  };
}

/** The databases of all owners, by their id. */
export function environmentsOf(request: Requester) {
  const call = callsOf(request, "/v1/environments");
  return {
    ...shared(request, "/v1/environments"),
    /** A database for a git branch. */
    create: (create: EnvironmentCreate, { wait, ...more }: WriteOptions = {}) =>
      call<Started>("POST", [], { ...more, body: create, query: { wait } }),
    keep: (id: string, until: Date, more: CallOptions = {}) =>
      call<Environment>("POST", [id, "keep"], { ...more, body: { until: until.toISOString() } }),
    reset: (id: string, { wait, ...more }: WriteOptions = {}) =>
      call<Started>("POST", [id, "reset"], { ...more, query: { wait } }),
    /** Pull requests and git branches only; a customer's is deleted by its key. */
    destroy: (id: string, { wait, ...more }: WriteOptions = {}) =>
      call<Started>("DELETE", [id], { ...more, query: { wait } }),
    list({
      labels,
      signal,
      idempotencyKey: _,
      ...filter
    }: EnvironmentFilter = {}): Promise<Page<Environment>> {
      const query = { ...labelQuery(labels), ...filter };
      return call("GET", [], { ...(signal && { signal }), query });
    },
    /** Every match, page by page. */
    all(filter: EnvironmentFilter = {}): AsyncIterable<Environment> {
      return allPages((cursor) => this.list({ ...filter, cursor }));
    },
  };
}

/** What a customer's database and any other have in common; `name` is the key or the id. */
function shared(request: Requester, base: string) {
  const call = callsOf(request, base);
  const events = (name: string, { limit, cursor, ...more }: PageOptions = {}) =>
    call<Page<Event>>("GET", [name, "events"], { ...more, query: { limit, cursor } });
  return {
    get: (name: string, { wait, ...more }: WriteOptions = {}) =>
      call<Environment>("GET", [name], { ...more, query: { wait } }),
    /** Brings the data back while it is kept. */
    restore: (name: string, { wait, ...more }: WriteOptions = {}) =>
      call<Started>("POST", [name, "restore"], { ...more, query: { wait } }),
    /** Access for a while. `environment` of the answer holds libpq's variables. */
    token: (name: string, token: TokenRequest = {}, more: CallOptions = {}) =>
      call<Token>("POST", [name, "token"], { ...more, body: token }),
    /** History, the oldest first. */
    events,
    allEvents: (name: string, options: PageOptions = {}): AsyncIterable<Event> =>
      allPages((cursor) => events(name, { ...options, cursor })),
  };
}

function callsOf(request: Requester, base: string) {
  return <Body>(method: Method, parts: readonly string[], more: Omit<Call, "method" | "path">) =>
    request<Body>({ ...more, method, path: [base, ...parts.map(encodeURIComponent)].join("/") });
}

function labelQuery(labels: Labels = {}): Query {
  return { label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) };
}

async function* allPages<Item>(page: (cursor: string | null) => Promise<Page<Item>>): AsyncIterable<Item> {
  for (let cursor: string | null = null; ; ) {
    const { items, nextCursor }: Page<Item> = await page(cursor);
    yield* items;
    if (nextCursor === null) return;
    cursor = nextCursor;
  }
}
