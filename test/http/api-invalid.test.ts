import { describe, expect, it } from "vitest";
import { API_BODY_BYTES } from "../../service/domain/limits.ts";
import { buildApi } from "../support/api.ts";
import { ask, JSON_TYPE, problem, type Sent } from "../support/api-ask.ts";

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
