import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAuthenticate } from "../../service/handlers/authenticate.ts";
import { createKey, type NewKey } from "../../service/handlers/keys.ts";
import { type ApiScene, createApiScene, SHOP, TOKEN } from "../handlers/api-scene.ts";
import { buildApi } from "../support/api.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";

let base: TestStore;
let scene: ApiScene;
let app: ReturnType<typeof buildApi>["app"];
let admin: string;
eachStore(
  async (empty) => {
    base = empty;
    scene = createApiScene(base);
    const log = scene.context.log;
    ({ app } = buildApi({ handlers: scene.api, authenticate: createAuthenticate(scene.context), log }));
    admin = await keyOf();
  },
  { max: 8 },
);
afterEach(() => app.close());

async function keyOf(wanted: Partial<NewKey> = {}): Promise<string> {
  const all = { name: "test", scopes: ["admin"], selector: null, expiresAt: null, ...wanted };
  return (await createKey(scene.context, all, "operator")).credential;
}

interface Sent {
  readonly payload?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly as?: string;
}

async function ask(method: string, url: string, { payload, headers, as = admin }: Sent = {}) {
  const asked = {
    method: method as "GET",
    url: `/v1${url}`,
    headers: { authorization: `Bearer ${as}`, ...headers },
  };
  return app.inject(payload === undefined ? asked : { ...asked, payload });
}

type Answer = Awaited<ReturnType<typeof ask>>;
const told = ({ statusCode, headers }: Answer) => [statusCode, headers.etag, headers.location];

async function problem(promise: Promise<Answer>): Promise<[number, string]> {
  const answer = await promise;
  expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
  const body = answer.json();
  expect(body).toMatchObject({ status: answer.statusCode, title: expect.any(String), type: "about:blank" });
  expect(body.requestId).toBe(answer.headers["x-request-id"]);
  expect(body.detail.length).toBeGreaterThan(10);
  return [answer.statusCode, body.reason];
}

const FREE = { protected: false };

describe("the life of a customer over HTTP", () => {
  it("has a status, an address and an ETag at each turn", async () => {
    const made = await ask("PUT", "/tenants/acme", { payload: FREE });
    expect(told(made)).toEqual([201, '"1"', "/v1/tenants/acme"]);
    expect(made.json().operation).toMatchObject({ kind: "create", status: "running" });
    expect(told(await ask("PUT", "/tenants/acme", { payload: FREE }))).toEqual([
      200,
      '"1"',
      "/v1/tenants/acme",
    ]);
    await scene.work();
    const operation = await ask("GET", `/operations/${made.json().operation.id}`);
    expect([operation.statusCode, operation.json().status]).toEqual([200, "succeeded"]);
    const got = await ask("GET", "/tenants/acme");
    expect([got.statusCode, got.headers.etag, got.json().phase]).toEqual([200, '"1"', "ready"]);
    const patched = await ask("PATCH", "/tenants/acme", { payload: { labels: { a: "1" } } });
    expect([patched.statusCode, patched.headers.etag]).toEqual([200, '"2"']);
    const gone = await ask("DELETE", "/tenants/acme?confirm=acme");
    expect(told(gone)).toEqual([202, '"3"', "/v1/tenants/acme"]);
    await scene.work();
    expect(told(await ask("POST", "/tenants/acme/restore"))).toEqual([202, '"4"', "/v1/tenants/acme"]);
    await scene.work();
    expect((await ask("GET", "/tenants/acme")).json()).toMatchObject({ phase: "ready", revision: 4 });
  });

  it("answers in the documented shape with times in ISO 8601", async () => {
    await ask("PUT", "/tenants/acme", { payload: { until: "2026-12-01T00:00:00+01:00" } });
    const body = (await ask("GET", "/tenants/acme")).json();
    expect(body).toMatchObject({ until: "2026-11-30T23:00:00.000Z", createdAt: scene.now().toISOString() });
  });

  it("escapes a customer's key in the address", async () => {
    const key = "a@b:c+d~e";
    const { headers } = await ask("PUT", `/tenants/${encodeURIComponent(key)}`);
    expect(headers.location).toBe(`/v1/tenants/${encodeURIComponent(key)}`);
    expect((await ask("GET", String(headers.location).slice(3))).json().owner.key).toBe(key);
  });

  it("migrates with 202, and 200 when nothing is new", async () => {
    await ask("PUT", "/tenants/acme");
    const payload = { files: [{ path: "1.sql", sql: "create table a (id int)" }] };
    expect((await ask("PUT", "/tenants/acme/migrations", { payload })).statusCode).toBe(202);
    expect((await ask("PUT", "/tenants/acme/migrations", { payload })).statusCode).toBe(200);
    await scene.work();
    expect((await ask("GET", "/tenants/acme")).json().migrations).toMatchObject({
      statements: 1,
      applied: 1,
    });
  });

  it("has its history as a list", async () => {
    await ask("PUT", "/tenants/acme");
    await scene.work();
    const first = (await ask("GET", "/tenants/acme/events?limit=1")).json();
    expect(first.items).toMatchObject([
      { kind: "tenant_created", actor: expect.stringMatching(/^key key_.* \(test\)$/) },
    ]);
    const second = (await ask("GET", `/tenants/acme/events?limit=1&cursor=${first.nextCursor}`)).json();
    expect(second.items).toMatchObject([{ actor: null }]);
  });
});

describe("a write that is repeated over HTTP", () => {
  const headers = { "idempotency-key": "order-1" };

  it("with its key has the same answer, marked as such, and one effect", async () => {
    const [one, two] = await Promise.all(
      [0, 1].map(() => ask("PUT", "/tenants/acme", { payload: FREE, headers })),
    );
    expect([one?.statusCode, two?.statusCode, one?.body === two?.body]).toEqual([201, 201, true]);
    const three = await ask("PUT", "/tenants/acme", { payload: FREE, headers });
    expect([three.headers["idempotency-replayed"], three.body, told(three)]).toEqual([
      ...["true", one?.body],
      [201, '"1"', "/v1/tenants/acme"],
    ]);
    expect(await scene.count("operation")).toBe(1);
  });

  it.each<[string, string, string, object | undefined]>([
    ["body", "PUT", "/tenants/acme", { protected: true }],
    ["address", "PUT", "/tenants/other", FREE],
    ["query", "PUT", "/tenants/acme?wait=0s", FREE],
    ["method", "PATCH", "/tenants/acme", FREE],
  ])("with its key and another %s is refused", async (_what, method, url, payload) => {
    await ask("PUT", "/tenants/acme", { payload: FREE, headers });
    expect(await problem(ask(method, url, { ...(payload ? { payload } : {}), headers }))).toEqual([
      ...[409, "idempotency_key_reused"],
    ]);
  });

  it("for a token gives a fresh one each time, that is stored nowhere", async () => {
    await ask("PUT", "/tenants/acme");
    await scene.work();
    const tokens = [];
    for (let at = 0; at < 2; at += 1) {
      const answer = await ask("POST", "/tenants/acme/token", { payload: {}, headers });
      expect([answer.statusCode, answer.headers["cache-control"]]).toEqual([200, "no-store"]);
      tokens.push(answer.json().token);
    }
    expect(new Set(tokens).size).toBe(2);
    expect(`${await scene.dump()}${scene.lines.join("")}`).not.toContain(TOKEN);
    expect(await scene.dump()).not.toContain(admin);
  });
});

describe("a write with an ETag over HTTP", () => {
  it.each([
    ["PATCH", "/tenants/acme"],
    ["DELETE", "/tenants/acme?confirm=acme"],
  ])("%s is done for the one that is seen, and refused for another", async (method, url) => {
    await ask("PUT", "/tenants/acme", { payload: FREE });
    const payload = method === "PATCH" ? { payload: { labels: { a: "1" } } } : {};
    const other = ask(method, url, { ...payload, headers: { "if-match": '"7"' } });
    expect(await problem(other)).toEqual([412, "precondition_failed"]);
    const same = await ask(method, url, { ...payload, headers: { "if-match": '"1"' } });
    expect([same.statusCode < 300, same.headers.etag]).toEqual([true, '"2"']);
  });
});

describe("what is refused over HTTP", () => {
  beforeEach(async () => {
    await ask("PUT", "/tenants/acme");
    await scene.work();
  });

  it.each<[number, string, string, string, object?]>([
    [409, "protected", "DELETE", "/tenants/acme?confirm=acme"],
    [400, "confirm_missing", "DELETE", "/tenants/acme"],
    [400, "confirm_missing", "DELETE", "/tenants/acme?confirm=other"],
    [409, "not_restorable", "POST", "/tenants/acme/restore"],
    [404, "not_found", "GET", "/tenants/nobody"],
    [404, "not_found", "DELETE", "/tenants/nobody?confirm=nobody"],
    [404, "not_found", "GET", `/environments/env_${"0".repeat(22)}`],
    [404, "not_found", "GET", `/operations/op_${"0".repeat(22)}`],
    [400, "cursor_invalid", "GET", "/tenants?cursor=abc"],
    [400, "invalid_request", "GET", "/environments?number=4"],
    [400, "invalid_request", "PATCH", "/tenants/acme", { until: "2020-01-01T00:00:00Z" }],
    [400, "invalid_request", "PATCH", "/tenants/acme", { labels: { a: "x\u0000" } }],
    [
      400,
      "invalid_request",
      "PUT",
      "/tenants/acme/migrations",
      { files: [{ path: "1.sql", sql: "\u0000" }] },
    ],
    [400, "invalid_request", "PUT", "/tenants/acme/migrations", { files: [{ path: "/etc/x", sql: "" }] }],
    [400, "invalid_request", "POST", "/environments", { repository: SHOP.repositoryName, gitBranch: "a:b" }],
  ])("is a problem: %i %s for %s %s", async (status, reason, method, url, payload) => {
    expect(await problem(ask(method, url, payload === undefined ? {} : { payload }))).toEqual([
      status,
      reason,
    ]);
  });

  it("is a deleted customer's put, and a customer's end as an environment", async () => {
    const { id } = (await ask("PATCH", "/tenants/acme", { payload: FREE })).json();
    expect(await problem(ask("DELETE", `/environments/${id}`))).toEqual([409, "use_tenants"]);
    await ask("DELETE", "/tenants/acme?confirm=acme");
    expect(await problem(ask("PUT", "/tenants/acme"))).toEqual([409, "deleted"]);
    expect(await problem(ask("POST", "/tenants/acme/token", { payload: {} }))).toEqual([409, "not_ready"]);
  });

  it("is another's customer, with the words for one that does not exist", async () => {
    const as = await keyOf({ selector: { team: "red" } });
    const headers = { "x-request-id": "1" };
    const [hidden, missing] = [
      await ask("GET", "/tenants/acme", { as, headers }),
      await ask("GET", "/tenants/nobody", { as, headers }),
    ];
    expect([hidden.statusCode, hidden.body]).toEqual([404, missing.body]);
    expect(await problem(ask("PUT", "/tenants/new", { as }))).toEqual([403, "selector"]);
  });

  it("is what a key has no scope for", async () => {
    const as = await keyOf({ scopes: ["read"] });
    expect(await problem(ask("PUT", "/tenants/acme", { as }))).toEqual([403, "scope"]);
    expect((await ask("GET", "/tenants/acme", { as })).statusCode).toBe(200);
  });

  it("is a credential that is not one", async () => {
    const as = `${admin.slice(0, -1)}${admin.endsWith("A") ? "B" : "A"}`;
    expect(await problem(ask("GET", "/tenants/acme", { as }))).toEqual([401, "credential_invalid"]);
  });
});

describe("a git branch over HTTP", () => {
  const payload = { repository: SHOP.repositoryName, gitBranch: "main" };

  it("is made with 201 and an address, and 200 afterwards", async () => {
    const made = await ask("POST", "/environments", { payload });
    const { id } = made.json().environment;
    expect(told(made)).toEqual([201, '"1"', `/v1/environments/${id}`]);
    expect(told(await ask("POST", "/environments", { payload }))).toEqual([
      200,
      '"1"',
      `/v1/environments/${id}`,
    ]);
    await scene.work();
    const listed = (await ask("GET", "/environments?repository=acme/shop&gitBranch=main")).json();
    expect(listed).toMatchObject({ items: [{ id, phase: "ready" }], nextCursor: null });
    expect(told(await ask("POST", `/environments/${id}/reset`))).toEqual([
      202,
      '"2"',
      `/v1/environments/${id}`,
    ]);
    await scene.work();
    expect((await ask("DELETE", `/environments/${id}`)).statusCode).toBe(202);
    await scene.work();
    expect((await ask("GET", `/environments/${id}`)).json()).toMatchObject({ phase: "destroyed" });
  });

  it("that is not there is told as such", async () => {
    const missing = ask("POST", "/environments", { payload: { ...payload, gitBranch: "nothing" } });
    expect(await problem(missing)).toEqual([404, "git_branch_not_found"]);
    const unknown = ask("POST", "/environments", { payload: { ...payload, repository: "no/body" } });
    expect(await problem(unknown)).toEqual([404, "repository_not_found"]);
  });
});
