import { describe, expect, it } from "vitest";
import { TOKEN_SECONDS } from "../../service/domain/limits.ts";
import { createApiHandlers } from "../../service/handlers/api.ts";
import { keyCaller } from "../support/api.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import {
  type ApiScene,
  by,
  createApiScene,
  HOUR_MS,
  jobCaller,
  KEY,
  personCaller,
  pullPlace,
  reasonOf,
  TOKEN,
} from "./api-scene.ts";

let base: TestStore;
let scene: ApiScene;
eachStore(
  (empty) => {
    base = empty;
    scene = createApiScene(base);
  },
  { max: 8 },
);

const token = (role: "owner" | "reader" = "owner", seconds: number | null = null, caller = KEY) =>
  scene.api.tenantToken(caller, "acme", { role, seconds });
const cluster = async (change: string) => base.pool.query(`update cluster set ${change}`);

describe("a token", () => {
  it.each([
    ["owner", "admin"],
    ["reader", "offshoot_reader"],
  ] as const)("for the %s is of the user %s, for that one cluster", async (role, user) => {
    await scene.readyTenant("acme");
    await scene.readyTenant("other");
    const { endpoint } = await scene.api.getTenant(KEY, "acme");
    const given = await token(role);
    expect(scene.signed).toEqual([
      {
        kind: "tenant",
        arn: `arn:aws:dsql:us-east-1:111122223333:cluster/${endpoint?.identifier}`,
        endpoint: endpoint?.host,
        user,
        seconds: TOKEN_SECONDS,
      },
    ]);
    expect(given).toMatchObject({ role, user, host: endpoint?.host, port: 5432, database: "postgres" });
    expect(given.expiresAt).toEqual(scene.in(TOKEN_SECONDS * 1_000));
  });

  it("comes with the variables of libpq, TLS verified", async () => {
    await scene.readyTenant("acme");
    const given = await token();
    expect(given.environment).toEqual({
      PGHOST: given.host,
      PGPORT: "5432",
      PGUSER: "admin",
      PGDATABASE: "postgres",
      PGPASSWORD: given.token,
      PGSSLMODE: "verify-full",
      PGSSLROOTCERT: "system",
    });
  });

  it("leads to one machine where the database is on one, under its real name", async () => {
    await scene.readyTenant("acme");
    const to = { address: "127.0.0.1", port: 6543, caFile: "/tmp/ca.pem" };
    const connect = { ...scene.context.policy.connect, to };
    const api = createApiHandlers({ ...scene.context, policy: { ...scene.context.policy, connect } });
    const given = await api.tenantToken(KEY, "acme", { role: "owner", seconds: null });
    expect(given).toMatchObject({ connectTo: to, port: 6543 });
    expect(given.environment).toMatchObject({
      ...{ PGHOST: given.host, PGHOSTADDR: "127.0.0.1", PGPORT: "6543", PGSSLROOTCERT: "/tmp/ca.pem" },
    });
  });

  it.each([
    [null, undefined, 900],
    [3_600, undefined, 3_600],
    [60, undefined, 60],
    [null, 120, 120],
    [3_600, 120, 120],
    [60, 120, 60],
    [null, 3_600, 900],
  ])("of %s s with a limit of %s s lasts %i s", async (seconds, tokenSeconds, most) => {
    await scene.readyTenant("acme", { limits: tokenSeconds === undefined ? {} : { tokenSeconds } });
    await token("owner", seconds);
    expect(scene.signed.map((one) => one.seconds)).toEqual([most]);
  });

  it("leaves a line of history with role and actor, and its text nowhere", async () => {
    const id = await scene.readyTenant("acme");
    const given = await token("reader", null, keyCaller({ id: "key_app", name: "app" }));
    expect(given.token).toContain(TOKEN);
    const told = (await scene.events(id)).filter(({ kind }) => kind === "token_signed");
    expect(told).toMatchObject([
      { actor: "key key_app (app)", detail: `reader until ${given.expiresAt.toISOString()}` },
    ]);
    expect(`${await scene.dump()}${scene.lines.join("")}`).not.toContain(TOKEN);
  });

  it("of a person names the person", async () => {
    const { id } = await scene.given({ number: 4 });
    await scene.work();
    scene.github.permissions.set("ann", "read");
    await scene.api.environmentToken(personCaller("ann"), id, { role: "reader", seconds: null });
    await scene.api.environmentToken(jobCaller(pullPlace(4)), id, { role: "owner", seconds: null });
    const actors = (await scene.events(id))
      .filter(({ kind }) => kind === "token_signed")
      .map(({ actor }) => actor);
    expect(new Set(actors)).toEqual(new Set(["@ann", "job acme/shop run 9"]));
  });

  it("is signed by nobody where there is no signing role", async () => {
    await scene.readyTenant("acme");
    const api = createApiHandlers({ ...scene.context, signer: null });
    expect(await reasonOf(api.tenantToken(KEY, "acme", { role: "owner", seconds: null }))).toBe(
      "token_role_missing",
    );
  });

  it("needs the scope", async () => {
    await scene.readyTenant("acme");
    for (const scope of ["read", "tenants:write", "environments:write"] as const) {
      expect(await reasonOf(token("reader", null, keyCaller({ scopes: [scope] })))).toBe("scope");
    }
    await token("owner", null, keyCaller({ scopes: ["tokens"] }));
    expect(scene.signed).toHaveLength(1);
  });
});

describe("there is no token", () => {
  it("while the database is made, at no step", async () => {
    await scene.api.putTenant(by(KEY), "acme", {}, null);
    for (let steps = 0; steps < 20; steps += 1) {
      const { phase } = await scene.api.getTenant(KEY, "acme");
      if (!["queued", "waiting", "creating"].includes(phase)) break;
      expect(await reasonOf(token())).toBe("not_ready");
      await scene.step();
    }
    await scene.work();
    await token();
  });

  it.each<[string, string]>([
    ["is only intended", "status = 'intended'"],
    ["is created", "status = 'creating'"],
    ["is removed", "status = 'removing'"],
    ["is gone", "status = 'gone'"],
    ["is to be removed", "use = 'remove'"],
    ["is retired", "use = 'retired'"],
    ["is retired and fenced", "use = 'retired', fenced_at = now()"],
    ["is fenced still, while it is restored", "fenced_at = now()"],
    ["has no endpoint", "endpoint = null"],
  ])("for a cluster that %s", async (_what, change) => {
    await scene.readyTenant("acme");
    await cluster(change);
    expect(await reasonOf(token("owner"))).toBe("not_ready");
    expect(await reasonOf(token("reader"))).toBe("not_ready");
    expect(scene.signed).toEqual([]);
  });

  it("from the request to delete on, and until a restore has let everybody in again", async () => {
    await scene.readyTenant("acme");
    await scene.api.deleteTenant(by(KEY), "acme", null);
    expect(await reasonOf(token())).toBe("not_ready");
    await scene.work();
    expect(await reasonOf(token())).toBe("not_ready");
    await scene.api.restoreTenant(by(KEY), "acme");
    for (let steps = 0; steps < 20; steps += 1) {
      const fenced = [...scene.aws.clusters.values()].some((one) => one.fenced);
      if (!fenced) break;
      expect(await reasonOf(token())).toBe("not_ready");
      await scene.step();
    }
    await scene.work();
    await token();
    expect(scene.signed).toHaveLength(1);
  });

  it("after the end", async () => {
    await scene.readyTenant("acme", { protected: false, limits: { graceHours: 0 } });
    await scene.api.deleteTenant(by(KEY), "acme", null);
    await scene.work();
    expect(await reasonOf(token())).toBe("not_ready");
  });

  it("once its time is up", async () => {
    await scene.readyTenant("acme", { protected: false, until: scene.in(HOUR_MS) });
    scene.pass(HOUR_MS);
    await scene.work();
    expect(await reasonOf(token())).toBe("not_ready");
  });
});
