import { describe, expect, it } from "vitest";
import { Refused } from "../../service/domain/errors.ts";
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
