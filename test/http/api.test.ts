import { request } from "node:http";
import type { AddressInfo } from "node:net";
import type { LightMyRequestResponse } from "fastify";
import { describe, expect, it } from "vitest";
import { Refused, Retryable } from "../../service/domain/errors.ts";
import { API_BODY_BYTES, WAITS_PER_CALLER } from "../../service/domain/limits.ts";
import type { ApiDeps } from "../../service/http/api.ts";
import { buildApi, keyCaller } from "../support/api.ts";
import { createMemoryHandlers, tenantView } from "../support/api-handlers.ts";

type Api = ReturnType<typeof buildApi>;
interface Sent {
  readonly payload?: object | string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** Asks as the key; a header of undefined is taken away. */
async function ask({ app }: Api, method: string, url: string, { payload, headers }: Sent = {}) {
  const all = { authorization: "Bearer key", ...headers };
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return app.inject({
    method: method as "GET",
    url,
    headers: Object.fromEntries(given),
    ...(payload === undefined ? {} : { payload }),
  });
}

function problem(answer: LightMyRequestResponse): [number, string] {
  expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
  const body = answer.json();
  expect(body).toMatchObject({ type: "about:blank", status: answer.statusCode, detail: expect.any(String) });
  expect(body.requestId).toBe(answer.headers["x-request-id"]);
  return [answer.statusCode, body.reason];
}

const JSON_TYPE = { "content-type": "application/json" };

/** Handlers of which one fails. */
function failing(error: unknown): ApiDeps["handlers"] {
  return { ...createMemoryHandlers().handlers, getTenant: () => Promise.reject(error) };
}

describe("an answer of the API", () => {
  it("has the environment, its ETag and where it is", async () => {
    const api = buildApi();
    const made = await ask(api, "PUT", "/v1/tenants/acme", { payload: { labels: { plan: "pro" } } });
    expect([made.statusCode, made.headers.etag, made.headers.location]).toEqual([
      201,
      '"1"',
      "/v1/tenants/acme",
    ]);
    expect(made.json().environment).toMatchObject({
      labels: { plan: "pro" },
      createdAt: "2026-11-25T08:00:00.000Z",
    });
    expect((await ask(api, "PUT", "/v1/tenants/acme")).statusCode).toBe(200);
    const got = await ask(api, "GET", "/v1/tenants/acme");
    expect([got.statusCode, got.headers.etag]).toEqual([200, '"1"']);
  });

  it("carries the request's id, if it has a sensible one, or one of its own", async () => {
    const own = await ask(buildApi(), "GET", "/v1/self", { headers: { "x-request-id": "run-7.a:b" } });
    expect(own.headers["x-request-id"]).toBe("run-7.a:b");
    const strange = await ask(buildApi(), "GET", "/v1/self", { headers: { "x-request-id": 'a"b\tc' } });
    expect(strange.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("is kept by nobody, and taken for nothing else", async () => {
    const { headers } = await ask(buildApi(), "GET", "/v1/self");
    expect(headers).toMatchObject({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
  });

  it("says how many requests are left", async () => {
    const { headers } = await ask(buildApi({ perMinute: 10 }), "GET", "/v1/self");
    expect(headers).toMatchObject({ "ratelimit-limit": "10", "ratelimit-remaining": "9" });
    expect(Number(headers["ratelimit-reset"])).toBeGreaterThan(0);
  });

  it("to who is asking names the caller without its secret", async () => {
    const body = (await ask(buildApi(), "GET", "/v1/self")).json();
    expect(body).toMatchObject({ kind: "key", name: "test", scopes: expect.arrayContaining(["admin"]) });
  });

  it("that was remembered says so", async () => {
    const { handlers } = createMemoryHandlers();
    const body = { environment: tenantView("acme"), operation: null };
    const replaying = { ...handlers, restoreTenant: async () => ({ status: 202, body, replayed: true }) };
    const answer = await ask(buildApi({ handlers: replaying }), "POST", "/v1/tenants/acme/restore");
    expect([answer.statusCode, answer.headers["idempotency-replayed"]]).toEqual([202, "true"]);
  });
});

describe("a request without right", () => {
  it.each<[string, string | undefined, string]>([
    ["without a credential", undefined, "unauthenticated"],
    ["with another scheme", "Basic a2V5Og==", "credential_invalid"],
    ["with an empty credential", "Bearer ", "credential_invalid"],
    ["with an unknown credential", "Bearer nobodys", "credential_invalid"],
    ["with a credential that is far too long", `Bearer ${"x".repeat(5_000)}`, "credential_invalid"],
  ])("is answered 401 %s", async (_what, authorization, reason) => {
    const answer = await ask(buildApi(), "GET", "/v1/tenants/acme", { headers: { authorization } });
    expect(problem(answer)).toEqual([401, reason]);
    expect(answer.headers["www-authenticate"]).toBe("Bearer");
  });

  it("is answered before its body is looked at", async () => {
    const answer = await ask(buildApi(), "PUT", "/v1/tenants/acme", {
      ...{ payload: "{", headers: { ...JSON_TYPE, authorization: undefined } },
    });
    expect(problem(answer)).toEqual([401, "unauthenticated"]);
  });

  it("finds the same where nothing is and where it may not look", async () => {
    const api = buildApi({ callers: { red: keyCaller({ selector: { team: "red" } }) } });
    await ask(api, "PUT", "/v1/tenants/blue", { payload: { labels: { team: "blue" } } });
    const headers = { authorization: "Bearer red", "x-request-id": "1" };
    const [hidden, nothing] = [
      await ask(api, "GET", "/v1/tenants/blue", { headers }),
      await ask(api, "GET", "/v1/tenants/none", { headers }),
    ];
    expect(problem(hidden)).toEqual([404, "not_found"]);
    expect(hidden.body).toBe(nothing.body);
  });

  it("is told the scope that it lacks", async () => {
    const api = buildApi({ callers: { reader: keyCaller({ scopes: ["read"] }) } });
    const headers = { authorization: "Bearer reader" };
    expect(problem(await ask(api, "PUT", "/v1/tenants/a", { headers }))).toEqual([403, "scope"]);
  });
});

describe("a request too many", () => {
  it("of a caller waits, while another caller does not", async () => {
    const api = buildApi({ perMinute: 2, callers: { other: keyCaller({ id: "key_other" }) } });
    for (let i = 0; i < 2; i += 1) expect((await ask(api, "GET", "/v1/self")).statusCode).toBe(200);
    const answer = await ask(api, "GET", "/v1/self");
    expect(problem(answer)).toEqual([429, "rate_limited"]);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    const other = await ask(api, "GET", "/v1/self", { headers: { authorization: "Bearer other" } });
    expect(other.statusCode).toBe(200);
  });

  it("of an address that guesses credentials is not even compared", async () => {
    let compared = 0;
    const authenticate = () => {
      compared += 1;
      return Promise.reject(new Refused("credential_invalid", "No."));
    };
    const api = buildApi({ anonymousPerMinute: 3, authenticate });
    const statuses = [];
    for (let i = 0; i < 6; i += 1) statuses.push((await ask(api, "GET", "/v1/self")).statusCode);
    expect([statuses, compared]).toEqual([[401, 401, 401, 429, 429, 429], 3]);
  });

  it("of an address without a credential waits, wherever it asks", async () => {
    const api = buildApi({ anonymousPerMinute: 2 });
    const headers = { authorization: undefined };
    await ask(api, "POST", "/v1/login", { headers });
    await ask(api, "GET", "/v1/openapi.json", { headers });
    expect(problem(await ask(api, "POST", "/v1/login", { headers }))).toEqual([429, "rate_limited"]);
  });
});

describe("a request that is wrong", () => {
  it.each<[string, string, string, Sent, number, string]>([
    ["an unknown address", "GET", "/v1/nowhere", {}, 404, "not_found"],
    [
      "an unknown address with a strange body",
      "POST",
      "/v1/nowhere",
      { payload: "x", headers: { "content-type": "a/b" } },
      404,
      "not_found",
    ],
    ["another method", "POST", "/v1/tenants/acme", {}, 405, "method_not_allowed"],
    [
      "another method with a broken body",
      "POST",
      "/v1/tenants/acme",
      { payload: "{", headers: JSON_TYPE },
      405,
      "method_not_allowed",
    ],
    [
      "another content type",
      "PUT",
      "/v1/tenants/acme",
      { payload: "{}", headers: { "content-type": "text/plain" } },
      415,
      "unsupported_media_type",
    ],
    ["broken JSON", "PUT", "/v1/tenants/acme", { payload: "{", headers: JSON_TYPE }, 400, "invalid_request"],
    [
      "a body of null",
      "PUT",
      "/v1/tenants/acme",
      { payload: "null", headers: JSON_TYPE },
      400,
      "invalid_request",
    ],
    [
      "a list as its body",
      "PUT",
      "/v1/tenants/acme",
      { payload: "[]", headers: JSON_TYPE },
      400,
      "invalid_request",
    ],
    [
      "a poisoned body",
      "PUT",
      "/v1/tenants/acme",
      { payload: '{"__proto__":{"a":1}}', headers: JSON_TYPE },
      400,
      "invalid_request",
    ],
    [
      "a body that is too large",
      "PUT",
      "/v1/tenants/acme",
      { payload: `{"x":"${"x".repeat(API_BODY_BYTES)}"}`, headers: JSON_TYPE },
      413,
      "body_too_large",
    ],
    ["an unknown member", "PUT", "/v1/tenants/acme", { payload: { lables: {} } }, 400, "invalid_request"],
    [
      "a label of a wrong form",
      "PUT",
      "/v1/tenants/acme",
      { payload: { labels: { "a b": "c" } } },
      400,
      "invalid_request",
    ],
    [
      "a time that no calendar has",
      "PUT",
      "/v1/tenants/acme",
      { payload: { until: "2026-02-30T25:00:00Z" } },
      400,
      "invalid_request",
    ],
    [
      "a time of another age",
      "PUT",
      "/v1/tenants/acme",
      { payload: { until: "0001-01-01T00:00:00Z" } },
      400,
      "invalid_request",
    ],
    [
      "a NUL",
      "POST",
      "/v1/environments",
      { payload: { repository: "a/b", gitBranch: "a\u0000b" } },
      400,
      "invalid_request",
    ],
    ["a key of a wrong form", "GET", "/v1/tenants/%20", {}, 400, "invalid_request"],
    ["a malformed address", "GET", "/v1/tenants/%zz", {}, 400, "invalid_request"],
    ["an unknown query", "GET", "/v1/tenants?lable=a", {}, 400, "invalid_request"],
    ["a limit that is too high", "GET", "/v1/tenants?limit=101", {}, 400, "invalid_request"],
    ["a label without a value", "GET", "/v1/tenants?label=a", {}, 400, "invalid_request"],
    ["a label twice", "GET", "/v1/tenants?label=a=b&label=a=c", {}, 400, "invalid_request"],
    [
      "a wait of its own",
      "GET",
      `/v1/environments/env_${"0".repeat(22)}?wait=31s`,
      {},
      400,
      "invalid_request",
    ],
    [
      "an address of elsewhere",
      "GET",
      "/v1/environments?url=https://evil.test/a/b/pull/1",
      {},
      400,
      "invalid_request",
    ],
    [
      "a place named twice",
      "GET",
      "/v1/environments?number=1&url=https://github.test/a/b/pull/1",
      {},
      400,
      "invalid_request",
    ],
    [
      "an Idempotency-Key that is too long",
      "PUT",
      "/v1/tenants/acme",
      { headers: { "idempotency-key": "k".repeat(256) } },
      400,
      "invalid_request",
    ],
    [
      "an If-Match that is no ETag",
      "PATCH",
      "/v1/tenants/acme",
      { payload: {}, headers: { "if-match": "1" } },
      400,
      "invalid_request",
    ],
    ["a delete without the key again", "DELETE", "/v1/tenants/acme", {}, 400, "confirm_missing"],
    ["a delete with another key", "DELETE", "/v1/tenants/acme?confirm=acm", {}, 400, "confirm_missing"],
  ])("with %s is refused", async (_what, method, url, sent, status, reason) => {
    expect(problem(await ask(buildApi(), method, url, sent))).toEqual([status, reason]);
  });

  it("is told the field and what it must be", async () => {
    const payload = { limits: { tokenSeconds: "60" } };
    const answer = await ask(buildApi(), "PUT", "/v1/tenants/acme", { payload });
    expect(answer.json().detail).toBe("body.limits.tokenSeconds must be integer.");
  });

  it("with another method is told the right ones", async () => {
    expect((await ask(buildApi(), "POST", "/v1/tenants/acme")).headers["allow"]).toBe(
      "PUT, GET, HEAD, PATCH, DELETE",
    );
  });

  it("tells its secrets to no log", async () => {
    const lines: string[] = [];
    const write = (fields: object, message: string) =>
      void lines.push(JSON.stringify({ ...fields, message }));
    const api = buildApi({ log: { info: write, warn: write, error: write } });
    await ask(api, "GET", "/v1/self?token=CANARY", { headers: { authorization: "Bearer CANARY" } });
    await ask(api, "POST", "/v1/sessions", { payload: { oidcToken: "CANARY" } });
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toContain("CANARY");
  });
});

describe("a condition", () => {
  it("holds with the ETag that is there, weak or not, and with a star", async () => {
    for (const etag of ['"1"', 'W/"1"', "*"]) {
      const api = buildApi();
      await ask(api, "PUT", "/v1/tenants/acme");
      const headers = { "if-match": etag };
      const answer = await ask(api, "PATCH", "/v1/tenants/acme", { payload: { protected: false }, headers });
      expect([answer.statusCode, answer.headers.etag]).toEqual([200, '"2"']);
    }
  });

  it("does not hold with an older one", async () => {
    const api = buildApi();
    await ask(api, "PUT", "/v1/tenants/acme");
    const answer = await ask(api, "PATCH", "/v1/tenants/acme", {
      payload: {},
      headers: { "if-match": '"7"' },
    });
    expect(problem(answer)).toEqual([412, "precondition_failed"]);
  });
});

describe("a failure behind the API", () => {
  it("that may pass is answered 503, with the time to wait", async () => {
    const error = new Retryable("github_rate_limit", "the inside", { afterMs: 12_345 });
    const answer = await ask(buildApi({ handlers: failing(error) }), "GET", "/v1/tenants/acme");
    expect(problem(answer)).toEqual([503, "github_rate_limit"]);
    expect(answer.headers["retry-after"]).toBe("13");
    expect(answer.body).not.toContain("inside");
  });

  it("of rows that changed meanwhile is tried again a few times, then told", async () => {
    let tries = 0;
    const { handlers } = createMemoryHandlers();
    const getTenant = (after: number) => () => {
      tries += 1;
      const isDone = tries > after;
      return isDone
        ? Promise.resolve(tenantView("acme"))
        : Promise.reject(new Retryable("stale", "Changed."));
    };
    const soon = buildApi({ handlers: { ...handlers, getTenant: getTenant(2) } });
    expect((await ask(soon, "GET", "/v1/tenants/acme")).statusCode).toBe(200);
    const never = buildApi({ handlers: { ...handlers, getTenant: getTenant(1_000) } });
    expect(problem(await ask(never, "GET", "/v1/tenants/acme"))).toEqual([409, "conflict"]);
  });

  it("of a reason that no table knows is no 5xx", async () => {
    const answer = await ask(
      buildApi({ handlers: failing(new Refused("odd", "Odd.")) }),
      "GET",
      "/v1/tenants/a",
    );
    expect(problem(answer)).toEqual([422, "odd"]);
  });

  it("that nobody expected tells nothing of the inside but the request's id", async () => {
    const answer = await ask(
      buildApi({ handlers: failing(new Error("the inside")) }),
      "GET",
      "/v1/tenants/a",
    );
    expect(problem(answer)).toEqual([500, "internal"]);
    expect(answer.body).not.toContain("inside");
    expect(answer.json().detail).toContain(String(answer.headers["x-request-id"]));
  });
});

describe("a request that waits", () => {
  it("gives the handler its time", async () => {
    const api = buildApi();
    await ask(api, "PUT", "/v1/tenants/acme?wait=7s");
    await ask(api, "PUT", "/v1/tenants/acme?wait=0s");
    expect(api.asked).toEqual(["wait 7000", "no wait"]);
  });

  it("is one of a bounded number per caller", async () => {
    const { handlers } = createMemoryHandlers();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const getEnvironment = async () => {
      await released;
      return tenantView("acme");
    };
    const callers = { other: keyCaller({ id: "key_other" }) };
    const api = buildApi({ handlers: { ...handlers, getEnvironment }, callers });
    const url = `/v1/environments/env_${"0".repeat(22)}?wait=30s`;
    const waiting = Array.from({ length: WAITS_PER_CALLER }, () => ask(api, "GET", url));
    expect(problem(await ask(api, "GET", url))).toEqual([429, "too_many_waits"]);
    const other = ask(api, "GET", url, { headers: { authorization: "Bearer other" } });
    release();
    expect((await other).statusCode).toBe(200);
    for (const answer of await Promise.all(waiting)) expect(answer.statusCode).toBe(200);
    expect((await ask(api, "GET", url)).statusCode).toBe(200);
  });

  it("is answered at once when the process ends", async () => {
    const { handlers } = createMemoryHandlers();
    const ended = (signal: AbortSignal) =>
      new Promise((resolve) => signal.addEventListener("abort", resolve));
    let begun = () => {};
    const begins = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const getEnvironment: ApiDeps["handlers"]["getEnvironment"] = async (_caller, _id, wait) => {
      begun();
      if (wait) await ended(wait.signal);
      return tenantView("acme");
    };
    const api = buildApi({ handlers: { ...handlers, getEnvironment } });
    const waiting = ask(api, "GET", `/v1/environments/env_${"0".repeat(22)}?wait=30s`);
    await begins;
    await api.app.close();
    expect((await waiting).statusCode).toBe(200);
  });

  it("stops when its client hangs up", async () => {
    const { handlers } = createMemoryHandlers();
    let stopped = (_reason: string) => {};
    const ended = new Promise<string>((resolve) => {
      stopped = resolve;
    });
    const getEnvironment: ApiDeps["handlers"]["getEnvironment"] = (_caller, _id, wait) =>
      new Promise((_resolve, reject) => {
        wait?.signal.addEventListener("abort", () => {
          stopped("hung up");
          reject(new Refused("not_found", "Nobody listens."));
        });
        client.destroy();
      });
    const { app } = buildApi({ handlers: { ...handlers, getEnvironment } });
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const path = `/v1/environments/env_${"0".repeat(22)}?wait=30s`;
    const client = request({ port, path, headers: { authorization: "Bearer key" } });
    client.on("error", () => {}).end();
    expect(await ended).toBe("hung up");
    await app.close();
  });
});

describe("an address of a place", () => {
  const PULL = { repository: "acme/shop", number: 7 };
  const ID = `env_${"a".repeat(22)}`;
  it.each<[string, object]>([
    ["https://github.test/acme/shop/pull/7", PULL],
    ["https://github.test/acme/shop/pull/7/files?x=1#y", PULL],
    ["https://offshoot.example/acme/shop/pull/7", PULL],
    [`https://offshoot.example/environments/${ID}`, { id: ID }],
  ])("is understood: %s", async (url, place) => {
    const { handlers } = createMemoryHandlers();
    const filters: object[] = [];
    const listEnvironments: ApiDeps["handlers"]["listEnvironments"] = async (_caller, filter) => {
      filters.push(filter);
      return { items: [], nextCursor: null };
    };
    const api = buildApi({ handlers: { ...handlers, listEnvironments } });
    const answer = await ask(api, "GET", `/v1/environments?url=${encodeURIComponent(url)}`);
    expect(answer.statusCode).toBe(200);
    const nothing = { owner: null, id: null, repository: null, number: null, gitBranch: null };
    expect(filters).toEqual([{ ...nothing, labels: {}, limit: 50, cursor: null, ...place }]);
  });
});
