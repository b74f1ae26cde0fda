import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clientTypes, TYPES_FILE } from "../../scripts/generate-client-types.ts";
import { type Client, createClient, OffshootError } from "../../service/client/client.ts";
import { Phase } from "../../service/http/schemas.ts";
import { FAKE_KEY, type FakeApi, fakeEnvironment, startFakeApi } from "../support/fake-api.ts";

let api: FakeApi;
let client: Client;

beforeEach(async () => {
  api = await startFakeApi();
  client = createClient({ url: `${api.url}/`, credential: FAKE_KEY, userAgent: "test" });
});
afterEach(() => api.close());

describe("the types", () => {
  it("are what the schemas say", async () => {
    expect(await readFile(TYPES_FILE, "utf8")).toBe(await clientTypes());
  });
});

describe("a request", () => {
  it("carries the credential, and a write its own Idempotency-Key", async () => {
    await client.tenants.put("acme");
    await client.tenants.put("acme");
    await client.tenants.get("acme");
    const [first, second, read] = api.seen;
    expect(first?.headers).toMatchObject({ authorization: `Bearer ${FAKE_KEY}`, "user-agent": "test" });
    expect(first?.headers["idempotency-key"]).toMatch(/^[0-9a-f]{32}$/);
    expect(second?.headers["idempotency-key"]).not.toBe(first?.headers["idempotency-key"]);
    expect(read?.headers).not.toHaveProperty("idempotency-key");
  });

  it("is repeated with the same key when the answer was lost, so that it has one effect", async () => {
    api.faults.push("drop", { status: 503 });
    const { operation } = await client.tenants.put("acme");
    expect(operation?.kind).toBe("create");
    const keys = api.seen.map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toEqual([keys[0], keys[0], keys[0]]);
    expect(api.environments.size).toBe(1);
  });

  it("obeys Retry-After", async () => {
    api.faults.push({ status: 429, headers: { "retry-after": "1" }, reason: "rate_limited" });
    const began = Date.now();
    await client.self();
    expect(Date.now() - began).toBeGreaterThanOrEqual(1_000);
  });

  it("is given up after some tries, and at once when the pause would be long or nothing can mend it", async () => {
    api.faults.push(...Array<"drop">(4).fill("drop"));
    await expect(client.self()).rejects.toMatchObject({ reason: "unreachable", status: 0 });
    expect(api.seen).toHaveLength(4);
    api.faults.push({ status: 429, headers: { "retry-after": "3600" }, reason: "rate_limited" });
    await expect(client.self()).rejects.toMatchObject({ reason: "rate_limited" });
    api.faults.push({ status: 503, reason: "login_missing" });
    await expect(client.login.begin()).rejects.toMatchObject({ reason: "login_missing" });
    expect(api.seen).toHaveLength(6);
  });

  it("fails with the problem that the service told", async () => {
    const error = await client.tenants.get("nobody").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OffshootError);
    expect(error).toMatchObject({ status: 404, reason: "not_found", requestId: "req-1" });
    expect(error).toHaveProperty("message", "It is not_found. Do something else.");
  });

  it("ends when its signal does, without another try", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(client.self({ signal })).rejects.toThrow("enough");
    expect(api.seen).toHaveLength(0);
  });

  it("says so when the address is another service's", async () => {
    const other = createClient({
      url: api.url,
      credential: FAKE_KEY,
      fetch: async () => new Response("<html>"),
    });
    await expect(other.self()).rejects.toMatchObject({ reason: "bad_answer" });
  });

  it("encodes keys and repeats labels", async () => {
    await client.tenants.put("a+b@c:d~e").catch(() => undefined);
    await client.tenants.list({ labels: { plan: "pro", tier: "a/b" } });
    expect(api.seen[0]?.path).toBe("/v1/tenants/a%2Bb%40c%3Ad~e");
    expect(api.seen[1]?.query.getAll("label")).toEqual(["plan=pro", "tier=a/b"]);
  });

  it("sends the revision that was seen and the key that is confirmed", async () => {
    await client.tenants.put("acme");
    await client.tenants.patch("acme", { protected: false }, { ifMatch: 7 });
    await client.tenants.delete("acme");
    expect(api.seen[1]?.headers["if-match"]).toBe('"7"');
    expect(api.seen[2]?.query.get("confirm")).toBe("acme");
  });
});

describe("lists", () => {
  it("are read page by page", async () => {
    for (let i = 0; i < 7; i += 1) await client.tenants.put(`c${i}`);
    const keys = [];
    for await (const { owner } of client.tenants.all({ limit: 3 })) keys.push(owner.key);
    expect(keys).toEqual(["c0", "c1", "c2", "c3", "c4", "c5", "c6"]);
    expect(api.seen.filter(({ method }) => method === "GET")).toHaveLength(3);
  });
});

describe("waiting", () => {
  it("asks until the operation has ended", async () => {
    const begun = await client.tenants.put("acme");
    const done = await client.waitFor(begun);
    expect(done?.status).toBe("succeeded");
    expect(api.seen.at(-1)?.query.get("wait")).toBe("30s");
  });

  it("throws what the operation failed with", async () => {
    const begun = await client.tenants.put("acme");
    const failure = { reason: "migration_failed", message: "Statement 2 failed.", file: null, line: null };
    api.operation = { status: "failed", failure };
    await expect(client.waitFor(begun)).rejects.toMatchObject({ reason: "migration_failed" });
  });

  it("has nothing to wait for when nothing was begun", async () => {
    await client.tenants.put("acme");
    expect(await client.waitFor(await client.tenants.put("acme"))).toBeNull();
  });

  it.each([true, false])(
    "for a database believes the service about when it rests (settled: %s)",
    async (settled) => {
      for (const phase of Phase.enum) {
        const environment = { ...fakeEnvironment({ phase }), settled };
        api.environments.set(environment.id, environment);
        const outcome = await client.settled(environment, { seconds: 0 }).catch((error) => error.reason);
        expect(outcome).toEqual(settled ? environment : "timeout");
      }
    },
  );

  it("ends with a timeout, and tells every phase once", async () => {
    const queued = fakeEnvironment({ phase: "queued" });
    api.environments.set(queued.id, queued);
    const phases: string[] = [];
    const waiting = client.settled(queued, { seconds: 1, onChange: ({ phase }) => phases.push(phase) });
    setTimeout(() => api.environments.set(queued.id, { ...queued, phase: "creating" }), 300);
    await expect(waiting).rejects.toMatchObject({ reason: "timeout" });
    expect(phases).toEqual(["queued", "creating"]);
  });
});
