import { describe, expect, it } from "vitest";
import { buildApi, keyCaller } from "../support/api.ts";
import { ask, JSON_TYPE, problem } from "../support/api-ask.ts";

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

  it("with a credential that does not hold waits, once its address has guessed too often", async () => {
    const api = buildApi({ anonymousPerMinute: 3 });
    const headers = { authorization: "Bearer nobodys" };
    const statuses = [];
    for (let i = 0; i < 6; i += 1) {
      statuses.push((await ask(api, "GET", "/v1/self", { headers })).statusCode);
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429, 429]);
  });

  it("of an address is never held against a credential that holds", async () => {
    const api = buildApi({ anonymousPerMinute: 1 });
    for (const authorization of [undefined, undefined, "Bearer nobodys", "Bearer nobodys"]) {
      await ask(api, "GET", "/v1/self", { headers: { authorization } });
    }
    expect((await ask(api, "GET", "/v1/self")).statusCode).toBe(200);
  });

  it("without a credential and one that does not hold are counted apart", async () => {
    const api = buildApi({ anonymousPerMinute: 1 });
    const of = async (authorization: string | undefined) =>
      (await ask(api, "GET", "/v1/self", { headers: { authorization } })).statusCode;
    expect([await of(undefined), await of("Bearer nobodys")]).toEqual([401, 401]);
    expect([await of(undefined), await of("Bearer nobodys")]).toEqual([429, 429]);
  });

  it("of an address without a credential waits, wherever it asks", async () => {
    const api = buildApi({ anonymousPerMinute: 2 });
    const headers = { authorization: undefined };
    await ask(api, "POST", "/v1/login", { headers });
    await ask(api, "GET", "/v1/openapi.json", { headers });
    expect(problem(await ask(api, "POST", "/v1/login", { headers }))).toEqual([429, "rate_limited"]);
  });
});

describe("the address that is counted", () => {
  const statusesOf = async (
    trustedProxies: readonly string[],
    asked: readonly { readonly from: string; readonly forwarded: string }[],
  ) => {
    const { app } = buildApi({ anonymousPerMinute: 1, trustedProxies });
    const statuses = [];
    for (const { from: remoteAddress, forwarded } of asked) {
      const headers = { "x-forwarded-for": forwarded };
      statuses.push((await app.inject({ url: "/v1/openapi.json", remoteAddress, headers })).statusCode);
    }
    return statuses;
  };

  it("is the one that connects, whatever a header says; API Gateway's sourceIp comes so", async () => {
    const asked = [
      { from: "192.0.2.1", forwarded: "198.51.100.1" },
      { from: "192.0.2.1", forwarded: "198.51.100.2" },
      { from: "192.0.2.2", forwarded: "198.51.100.2" },
    ];
    expect(await statusesOf([], asked)).toEqual([200, 429, 200]);
  });

  it("is the one that a trusted proxy names", async () => {
    const asked = [
      { from: "10.1.1.1", forwarded: "198.51.100.1" },
      { from: "10.2.2.2", forwarded: "198.51.100.2" },
      { from: "10.1.1.1", forwarded: "198.51.100.2" },
    ];
    expect(await statusesOf(["10.0.0.0/8"], asked)).toEqual([200, 200, 429]);
  });

  it("is not one that a client puts before its own", async () => {
    const asked = [
      { from: "10.1.1.1", forwarded: "203.0.113.1, 198.51.100.1" },
      { from: "10.1.1.1", forwarded: "203.0.113.2, 198.51.100.1" },
    ];
    expect(await statusesOf(["10.0.0.0/8"], asked)).toEqual([200, 429]);
  });
});
