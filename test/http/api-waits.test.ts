import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { Refused } from "../../service/domain/errors.ts";
import { WAITS_PER_CALLER } from "../../service/domain/limits.ts";
import type { Wait, Write } from "../../service/handlers/api-types.ts";
import type { ApiDeps } from "../../service/http/api.ts";
import { buildApi, keyCaller } from "../support/api.ts";
import { ask, problem } from "../support/api-ask.ts";
import { createMemoryHandlers, tenantView } from "../support/api-handlers.ts";

describe("a request that waits", () => {
  it("gives the handler its time", async () => {
    const api = buildApi();
    await ask(api, "PUT", "/v1/tenants/acme?wait=7s");
    await ask(api, "PUT", "/v1/tenants/acme?wait=0s");
    expect(api.asked).toEqual(["wait 7000", "no wait"]);
  });

  it.each([
    ["DELETE", "/v1/tenants/acme?confirm=acme&wait=7s", undefined],
    ["POST", "/v1/tenants/acme/restore?wait=7s", undefined],
    ["PUT", "/v1/tenants/acme/migrations?wait=7s", { files: [] }],
  ])("is also %s %s", async (method, url, payload) => {
    const api = buildApi();
    await ask(api, "PUT", "/v1/tenants/acme", { payload: { protected: false } });
    const answer = await ask(api, method, url, payload ? { payload } : {});
    expect([answer.statusCode, api.asked.at(-1)]).toEqual([202, "wait 7000"]);
  });

  it.each([
    ["POST", "reset"],
    ["POST", "restore"],
    ["DELETE", ""],
  ] as const)("is also %s /environments/{id}/%s", async (method, verb) => {
    const { handlers } = createMemoryHandlers();
    const waits: (number | undefined)[] = [];
    const handle = async (_write: Write, _id: string, wait?: Wait | null) => {
      waits.push(wait?.ms);
      return { status: 202, body: { environment: tenantView("acme"), operation: null }, replayed: false };
    };
    const all = { resetEnvironment: handle, restoreEnvironment: handle, destroyEnvironment: handle };
    const api = buildApi({ handlers: { ...handlers, ...all } });
    const url = ["/v1/environments", `env_${"0".repeat(22)}`, verb].filter((part) => part !== "").join("/");
    expect((await ask(api, method, `${url}?wait=7s`)).statusCode).toBe(202);
    expect(waits).toEqual([7_000]);
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
