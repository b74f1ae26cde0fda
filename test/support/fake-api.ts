import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Environment, Operation, Started, Token } from "../../service/client/client.ts";
import { isSettled } from "../../service/domain/operation.ts";

export const FAKE_KEY = `ofk_${"0".repeat(22)}_${"s".repeat(43)}`;
export const FAKE_SESSION = `ofs_${"1".repeat(22)}_${"s".repeat(43)}`;

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown>;
}

/** What a request is answered with, instead of what the fake would say; `drop` hangs up without an answer, null answers as usual. */
export type Fault =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly reason?: string }
  | "drop"
  | null;

export interface FakeApi {
  readonly url: string;
  readonly seen: readonly Seen[];
  readonly environments: Map<string, Environment>;
  /** The next requests meet these, one each. */
  readonly faults: Fault[];
  /** What POST …/token answers, besides the token's text. */
  token: Partial<Token>;
  /** Whether the device flow's next poll succeeds. */
  confirmed: boolean;
  /** How the operation that is asked for next has ended. */
  operation: Pick<Operation, "status" | "failure">;
  close(): Promise<void>;
}

type Answer = readonly [status: number, body: unknown];

/** The API as the contract has it, as far as its clients need it, on loopback; it keeps what it was asked. */
export async function startFakeApi(): Promise<FakeApi> {
  const seen: Seen[] = [];
  const answers = new Map<string, { digest: string; answer: Answer }>();
  const server = createServer();
  const fake: FakeApi = {
    url: "",
    seen,
    environments: new Map(),
    faults: [],
    token: {},
    confirmed: true,
    operation: { status: "succeeded", failure: null },
    close: () => closeServer(server),
  };
  server.on("request", async (request, response) => {
    const text = (await request.toArray()).join("");
    const url = new URL(request.url ?? "/", "http://fake");
    const { method = "GET", headers } = request;
    const one = {
      method,
      path: url.pathname,
      query: url.searchParams,
      headers,
      body: text ? JSON.parse(text) : {},
    };
    seen.push(one);
    const fault = fake.faults.shift();
    if (fault === "drop") {
      request.socket.destroy();
      return;
    }
    if (fault) {
      const problem = problemOf(fault.status, fault.reason ?? "unavailable");
      response.writeHead(fault.status, { "content-type": "application/problem+json", ...fault.headers });
      response.end(JSON.stringify(problem));
      return;
    }
    const key = String(headers["idempotency-key"] ?? "");
    const digest = createHash("sha256").update(`${method} ${request.url} ${text}`).digest("hex");
    const before = key ? answers.get(key) : undefined;
    const [status, body] = before
      ? before.digest === digest
        ? before.answer
        : [409, problemOf(409, "idempotency_key_reused")]
      : answerOf(fake, one);
    if (key && !before) answers.set(key, { digest, answer: [status, body] });
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(fake, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

/** An environment that is ready, but for what a test changes. */
export function fakeEnvironment(
  change: Omit<Partial<Environment>, "owner"> & { owner?: Partial<Environment["owner"]> } = {},
): Environment {
  const { owner, ...rest } = change;
  const { id = `env_${"a".repeat(22)}`, phase = "ready" } = rest;
  return {
    ...{ id, phase, settled: isSettled(phase, null) },
    ...{ wanted: "present", reason: "opened", labels: {}, limits: {}, protected: false },
    ...{ revision: 1, generation: 1, failure: null, waiting: null },
    endpoint: {
      ...{
        identifier: "kiqenqglxyl2snyvkvnj2c3s2e",
        region: "eu-central-1",
        port: 5432,
        database: "postgres",
      },
      host: "kiqenqglxyl2snyvkvnj2c3s2e.dsql.eu-central-1.on.aws",
    },
    migrations: { digest: "3f9c2e1", statements: 3, applied: 3 },
    ...{ createdAt: "2026-11-25T10:00:00.000Z", wantedAt: "2026-11-25T10:00:00.000Z", readyAt: null },
    ...{ until: null, retiredUntil: null, endedAt: null, stack: null },
    ...rest,
    owner: {
      ...{ kind: "pull", repository: "acme/shop", number: 42, gitBranch: null, database: "shop", key: null },
      ...owner,
    } as Environment["owner"],
  };
}

function answerOf(fake: FakeApi, { method, path, query, headers, body }: Seen): Answer {
  if (path === "/v1/login") return [201, device()];
  if (path === "/v1/login/poll")
    return fake.confirmed ? [201, session()] : [202, { status: "pending", intervalSeconds: 0 }];
  if (path === "/v1/sessions") return [201, session()];
  if (path === "/v1/openapi.json") return [200, { info: { version: "1.0.0" } }];
  if (path === "/readyz" || path === "/healthz") return [200, { status: "ready" }];
  const credential = headers.authorization?.replace("Bearer ", "");
  if (credential !== FAKE_KEY && credential !== FAKE_SESSION)
    return [401, problemOf(401, "credential_invalid")];
  const [, , room = "", name = "", verb = ""] = path.split("/").map(decodeURIComponent);
  if (room === "self")
    return [200, { kind: "key", name: "ci", scopes: ["read"], selector: null, expiresAt: null }];
  if (room === "operations") return [200, { ...operationOf(name), ...fake.operation }];
  const all = [...fake.environments.values()];
  if (name === "" && method === "GET") return [200, pageOf(all, query)];
  if (room === "tenants" && method === "PUT" && verb === "") return putTenant(fake, name, body);
  const found = all.find(({ id, owner }) => (room === "tenants" ? owner.key === name : id === name));
  return found ? ofOne(fake, found, method, verb, body) : [404, problemOf(404, "not_found")];
}

function ofOne(fake: FakeApi, found: Environment, method: string, verb: string, body: Seen["body"]): Answer {
  if (verb === "token") return [200, { ...tokenOf(found, String(body["role"] ?? "owner")), ...fake.token }];
  if (verb === "events")
    return [
      200,
      {
        items: [{ id: "evt_1", at: found.createdAt, kind: "ready", actor: null, detail: "\u001b[31mred" }],
        nextCursor: null,
      },
    ];
  if (method === "GET") return [200, found];
  if (method === "PATCH" || verb === "keep") {
    const changed = { ...found, ...body, revision: found.revision + 1 } as Environment;
    fake.environments.set(found.id, changed);
    return [200, changed];
  }
  if (method === "DELETE" && found.protected) return [409, problemOf(409, "protected")];
  return [202, started(found, method === "DELETE" ? "delete" : verb)];
}

function putTenant(fake: FakeApi, key: string, body: Seen["body"]): Answer {
  const known = [...fake.environments.values()].find(({ owner }) => owner.key === key);
  if (known) return [200, { environment: known, operation: null }];
  const id = `env_${String(fake.environments.size).padStart(22, "0")}`;
  const owner = { kind: "tenant", key, repository: null, number: null, database: null } as const;
  const made = { ...fakeEnvironment({ id, owner }), ...body } as Environment;
  fake.environments.set(id, made);
  return [201, started(made, "create")];
}

function pageOf(all: readonly Environment[], query: URLSearchParams) {
  const limit = Number(query.get("limit") ?? 50);
  const from = Number(query.get("cursor") ?? 0);
  const items = all.slice(from, from + limit);
  return { items, nextCursor: from + limit < all.length ? String(from + limit) : null };
}

function started(environment: Environment, kind: string): Started {
  return { environment, operation: { ...operationOf(`op_${"b".repeat(22)}`), kind: kind as "create" } };
}

function operationOf(id: string): Operation {
  const environmentId = `env_${"a".repeat(22)}`;
  return {
    id,
    kind: "create",
    environmentId,
    status: "running",
    phase: "creating",
    failure: null,
    createdAt: "2026-11-25T10:00:00.000Z",
  };
}

function tokenOf({ endpoint }: Environment, role: string) {
  const { host = "", port = 5432, database = "", region = "" } = endpoint ?? {};
  const user = role === "owner" ? "admin" : "offshoot_reader";
  const expiresAt = new Date(Date.now() + 900_000).toISOString();
  const environment = { PGHOST: host, PGUSER: user, PGPASSWORD: "secret-token", PGSSLMODE: "verify-full" };
  return {
    token: "secret-token",
    role,
    host,
    port,
    user,
    database,
    region,
    expiresAt,
    connectTo: null,
    environment,
  };
}

function session() {
  return { credential: FAKE_SESSION, expiresAt: new Date(Date.now() + 900_000).toISOString() };
}

function device() {
  const expiresAt = new Date(Date.now() + 60_000).toISOString();
  return {
    deviceCode: "d",
    userCode: "ABCD-EFGH",
    verificationUri: "https://github.com/login/device",
    intervalSeconds: 0,
    expiresAt,
  };
}

function problemOf(status: number, reason: string) {
  return {
    type: "about:blank",
    title: reason,
    status,
    detail: `It is ${reason}. Do something else.`,
    reason,
    requestId: "req-1",
  };
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
