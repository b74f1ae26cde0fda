import type { LightMyRequestResponse } from "fastify";
import { expect } from "vitest";
import type { ApiDeps } from "../../service/http/api.ts";
import type { buildApi } from "./api.ts";
import { createMemoryHandlers } from "./api-handlers.ts";

type Api = ReturnType<typeof buildApi>;
export interface Sent {
  readonly payload?: object | string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** Asks as the key; a header of undefined is taken away. */
export async function ask({ app }: Api, method: string, url: string, { payload, headers }: Sent = {}) {
  const all = { authorization: "Bearer key", ...headers };
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return app.inject({
    method: method as "GET",
    url,
    headers: Object.fromEntries(given),
    ...(payload === undefined ? {} : { payload }),
  });
}

/** Status and reason of an answer that is a problem, as every problem is. */
export function problem(answer: LightMyRequestResponse): [number, string] {
  expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
  const body = answer.json();
  expect(body).toMatchObject({ type: "about:blank", status: answer.statusCode, detail: expect.any(String) });
  expect(body.requestId).toBe(answer.headers["x-request-id"]);
  return [answer.statusCode, body.reason];
}

export const JSON_TYPE = { "content-type": "application/json" };

/** Handlers of which one fails. */
export function failing(error: unknown): ApiDeps["handlers"] {
  return { ...createMemoryHandlers().handlers, getTenant: () => Promise.reject(error) };
}
