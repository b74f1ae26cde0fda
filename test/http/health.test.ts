import { describe, expect, it, vi } from "vitest";
import { buildApp } from "../../service/http/app.ts";

function app(ready: () => Promise<void>, lines: unknown[] = []) {
  const write = (fields: unknown) => void lines.push(fields);
  return buildApp({
    appId: 1,
    host: "github.test",
    verify: async () => true,
    journal: { append: () => Promise.reject(new Error("the inside of the service")) },
    nudge: { nudge: () => {} },
    log: { info: write, warn: write, error: write },
    ready,
  });
}

describe("health", () => {
  it("says that the process lives", async () => {
    const answer = await app(async () => {}).inject("/healthz");
    expect([answer.statusCode, answer.json()]).toEqual([200, { status: "alive" }]);
  });

  it("says that it is ready if the store answers", async () => {
    expect((await app(async () => {}).inject("/readyz")).statusCode).toBe(200);
  });

  it("answers 503 with a reason if the store does not answer, without telling why it failed", async () => {
    const answer = await app(() => Promise.reject(new Error("password of the store"))).inject("/readyz");
    expect(answer.statusCode).toBe(503);
    expect(answer.json().reason).toBe("store_unavailable");
    expect(answer.body).not.toMatch(/password/);
  });

  it("is not ready while the store hangs", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    const asked = app(() => new Promise(() => {})).inject("/readyz");
    await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0));
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await asked).statusCode).toBe(503);
    vi.useRealTimers();
  });

  it("answers another method of a known address with the methods that it knows", async () => {
    const answer = await app(async () => {}).inject({ method: "GET", url: "/webhooks/github?x=1" });
    expect([answer.statusCode, answer.headers["allow"]]).toEqual([405, "POST"]);
    expect(answer.json().reason).toBe("method_not_allowed");
  });

  it("answers a malformed address with problem+json", async () => {
    const answer = await app(async () => {}).inject("/%zz");
    expect(answer.statusCode).toBe(400);
    expect(answer.headers["content-type"]).toMatch(/problem\+json/);
  });

  it("answers an unknown address with problem+json", async () => {
    const answer = await app(async () => {}).inject("/nowhere?token=x");
    expect(answer.statusCode).toBe(404);
    expect(answer.headers["content-type"]).toMatch(/problem\+json/);
    expect(answer.body).not.toMatch(/token/);
  });

  it("tells nothing of the inside when something is broken, but the log's id", async () => {
    const lines: { errorId?: string; cause?: string }[] = [];
    const headers = {
      "content-type": "application/json",
      "x-github-event": "pull_request",
      "x-github-delivery": "guid",
      "x-hub-signature-256": "sha256=0",
    };
    const pull = { number: 4 };
    const body = {
      action: "opened",
      number: 4,
      pull_request: pull,
      installation: { id: 1 },
      sender: { login: "a" },
    };
    const payload = JSON.stringify({ ...body, repository: { id: 1, full_name: "a/b" } });
    const answer = await app(async () => {}, lines).inject({
      method: "POST",
      url: "/webhooks/github",
      headers,
      payload,
    });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toMatch(/inside/);
    expect(answer.json().detail).toContain(lines[0]?.errorId);
  });
});
