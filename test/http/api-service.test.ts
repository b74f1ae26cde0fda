import pg from "pg";
import { describe, expect, it } from "vitest";
import { createDatabase } from "../../service/adapters/store/database.ts";
import { createStore } from "../../service/adapters/store/store.ts";
import { revokeKey } from "../../service/handlers/keys.ts";
import { type ApiService, askAs, createApiService, JOB_OF, PERSON } from "../support/api-service.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";

let base: TestStore;
let service: ApiService;
let admin: string;
eachStore(
  async (empty) => {
    base = empty;
    service = createApiService(base);
    admin = await service.key();
  },
  { max: 8 },
);

const ask = (...args: Parameters<typeof askAs> extends [unknown, ...infer Rest] ? Rest : never) =>
  askAs(service, ...args);
const count = async (table: string) => (await base.pool.query(`select 1 from ${table}`)).rowCount;
const repeat = (key: string) => ({ "idempotency-key": key });

describe("a write that comes again", () => {
  it("has the same answer and no further effect with its key", async () => {
    const put = () => ask(admin, "PUT", "/v1/tenants/acme", { labels: { plan: "pro" } }, repeat("a"));
    const [first, second] = [await put(), await put()];
    expect([first.statusCode, second.statusCode]).toEqual([201, 201]);
    expect(second.body).toBe(first.body);
    expect([first.headers, second.headers].map((headers) => headers["idempotency-replayed"])).toEqual([
      undefined,
      "true",
    ]);
    expect([second.headers.etag, second.headers.location]).toEqual([
      first.headers.etag,
      first.headers.location,
    ]);
    expect(await count("operation")).toBe(1);
  });

  it("has one effect and one answer if it comes many times at once", async () => {
    const puts = Array.from({ length: 12 }, () => ask(admin, "PUT", "/v1/tenants/acme", {}, repeat("a")));
    const answers = await Promise.all(puts);
    expect(new Set(answers.map(({ statusCode, body }) => `${statusCode} ${body}`))).toHaveLength(1);
    expect([await count("environment"), await count("operation")]).toEqual([1, 1]);
  });

  it("makes one customer, first 201 and then 200, if it comes many times at once without a key", async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => ask(admin, "PUT", "/v1/tenants/acme", {})),
    );
    const statuses = answers.map(({ statusCode }) => statusCode).sort();
    expect(statuses).toEqual([...Array(11).fill(200), 201]);
    expect(await count("environment")).toBe(1);
  });

  it.each([
    ["another body", "PUT", "/v1/tenants/acme", { labels: { plan: "free" } }],
    ["another address", "PUT", "/v1/tenants/other", {}],
    ["another method", "PATCH", "/v1/tenants/acme", {}],
  ])("is refused with the same key and %s", async (_what, method, url, payload) => {
    await ask(admin, "PUT", "/v1/tenants/acme", {}, repeat("a"));
    const answer = await ask(admin, method, url, payload, repeat("a"));
    expect([answer.statusCode, answer.json().reason]).toEqual([409, "idempotency_key_reused"]);
  });

  it("is another write for another caller", async () => {
    const other = await service.key({ name: "other" });
    await ask(admin, "PUT", "/v1/tenants/acme", {}, repeat("a"));
    const answer = await ask(other, "PUT", "/v1/tenants/other", {}, repeat("a"));
    expect(answer.statusCode).toBe(201);
  });

  it("may be corrected with the same key after it was refused", async () => {
    await ask(admin, "PUT", "/v1/tenants/acme", {});
    const refused = await ask(admin, "DELETE", "/v1/tenants/acme?confirm=acme", undefined, repeat("a"));
    expect(refused.json().reason).toBe("protected");
    await ask(admin, "PATCH", "/v1/tenants/acme", { protected: false });
    const done = await ask(admin, "DELETE", "/v1/tenants/acme?confirm=acme", undefined, repeat("a"));
    expect(done.statusCode).toBe(202);
  });

  it("leaves no token in the store", async () => {
    await ask(admin, "PUT", "/v1/tenants/acme", {}, repeat("a"));
    await ask(admin, "POST", "/v1/tenants/acme/token", {}, repeat("b"));
    const { rows } = await base.pool.query("select key from answer");
    expect(rows).toEqual([{ key: "a" }]);
  });
});

describe("what a caller reaches", () => {
  it("as a job is its own pull request, and nothing else is even said to be there", async () => {
    const [own, other] = [await service.pull(7), await service.pull(8)];
    const job = await service.session(JOB_OF(7));
    await ask(admin, "PUT", "/v1/tenants/acme", {});
    expect((await ask(job, "GET", `/v1/environments/${own}`)).json()).toMatchObject({ id: own });
    for (const url of [`/v1/environments/${other}`, "/v1/tenants/acme", "/v1/tenants/none"]) {
      const hidden = await ask(job, "GET", url, undefined, { "x-request-id": "1" });
      const nothing = await ask(job, "GET", `/v1/environments/env_${"0".repeat(22)}`, undefined, {
        "x-request-id": "1",
      });
      expect([hidden.statusCode, hidden.body]).toEqual([404, nothing.body]);
    }
    const { items } = (await ask(job, "GET", "/v1/environments")).json();
    expect(items.map(({ id }: { id: string }) => id)).toEqual([own]);
  });

  it.each([
    ["write", 200, 202],
    ["read", 200, 403],
    ["none", 404, 404],
  ] as const)("as a person with %s on GitHub follows from that, live", async (permission, get, destroy) => {
    const id = await service.pull(7);
    service.people.set("rita", permission);
    const rita = await service.session(PERSON("rita"));
    expect((await ask(rita, "GET", `/v1/environments/${id}`)).statusCode).toBe(get);
    expect((await ask(rita, "DELETE", `/v1/environments/${id}`)).statusCode).toBe(destroy);
    service.people.set("rita", "none");
    expect((await ask(rita, "GET", `/v1/environments/${id}`)).statusCode).toBe(404);
  });

  it("as a key that is bound to labels is what has them, and it stays so", async () => {
    const blue = await service.key({ selector: { team: "blue" } });
    await ask(admin, "PUT", "/v1/tenants/red", { labels: { team: "red" } });
    const reasons = [];
    for (const [method, url, payload] of [
      ["PUT", "/v1/tenants/none", {}],
      ["PUT", "/v1/tenants/own", { labels: { team: "red" } }],
      ["PUT", "/v1/tenants/own", { labels: { team: "blue" } }],
      ["PATCH", "/v1/tenants/own", { labels: { team: null } }],
      ["PATCH", "/v1/tenants/own", { labels: { team: "red" } }],
      ["GET", "/v1/tenants/red", undefined],
    ] as const) {
      const answer = await ask(blue, method, url, payload);
      reasons.push(answer.json().reason ?? answer.statusCode);
    }
    expect(reasons).toEqual(["selector", "selector", 201, "selector", "selector", "not_found"]);
    const { items } = (await ask(blue, "GET", "/v1/tenants?label=team=red")).json();
    expect(items).toEqual([]);
  });

  it("ends when its key is revoked", async () => {
    const credential = await service.key({ name: "short" });
    expect((await ask(credential, "GET", "/v1/self")).json()).toMatchObject({ name: "short" });
    await revokeKey(service.context, `key_${credential.slice(4, 26)}`, "operator");
    const answer = await ask(credential, "GET", "/v1/self");
    expect([answer.statusCode, answer.json().reason]).toEqual([401, "credential_revoked"]);
  });
});

describe("a store that is away", () => {
  it("is told as such, with the time to wait", async () => {
    const pool = new pg.Pool({ connectionString: "postgresql://127.0.0.1:9/away" });
    const database = createDatabase(pool);
    const away = createApiService({ ...base, pool, database, store: createStore(database) });
    const answer = await askAs(away, admin, "GET", "/v1/tenants/acme");
    await pool.end();
    expect([answer.statusCode, answer.json().reason]).toEqual([503, "store_unavailable"]);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
  });
});
