import { describe, expect, it } from "vitest";
import { Refused, Retryable } from "../../service/domain/errors.ts";
import type { ApiDeps } from "../../service/http/api.ts";
import { buildApi } from "../support/api.ts";
import { ask, failing, problem } from "../support/api-ask.ts";
import { createMemoryHandlers, tenantView } from "../support/api-handlers.ts";

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

  it("of rows that changed all the time is a conflict", async () => {
    const answer = await ask(
      buildApi({ handlers: failing(new Retryable("stale", "Changed.")) }),
      "GET",
      "/v1/tenants/a",
    );
    expect(problem(answer)).toEqual([409, "conflict"]);
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
