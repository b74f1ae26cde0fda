import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CUSTOMER_KEPT_DAYS } from "../../service/domain/limits.ts";
import { chore } from "../../service/handlers/chores.ts";
import type { Context } from "../../service/handlers/context.ts";
import { forget } from "../../service/handlers/forget.ts";
import { createStep } from "../../service/handlers/step.ts";
import { clusterOf, environmentOf } from "../domain/builders.ts";
import { startStore, type TestStore } from "../support/store.ts";
import { credentialScene, START } from "./credentials-scene.ts";

let base: TestStore;
beforeAll(async () => {
  base = await startStore();
});
afterAll(() => base?.stop());

const DAY_MS = 86_400_000;

describe("what has ended", () => {
  it("is deleted a day later, and nothing else is", async () => {
    const { context, pass } = credentialScene(base.store);
    const subject = { kind: "person", host: "github.test", login: "ada" } as const;
    const later = new Date(START.getTime() + DAY_MS);
    await base.store.transaction(async (tx) => {
      for (const [name, expiresAt] of [
        ["old", START],
        ["young", later],
      ] as const) {
        await tx.addSession({ id: `ses_${name}`, digest: name, subject, createdAt: START, expiresAt });
        await tx.useOidcToken("issuer", name, expiresAt);
        await tx.putAnswer("key a", name, { digest: "d", status: 200, body: "{}" }, expiresAt);
      }
    });
    pass(DAY_MS);
    expect(await forget(context)).toBe(0);
    pass(1);
    expect(await forget(context)).toBe(3);
    const left = await base.pool.query(
      "select id as name from session union all select jti from oidc_token union all select key from answer",
    );
    expect(left.rows.map(({ name }) => name).sort()).toEqual(["ses_young", "young", "young"]);
  });

  it("in great numbers is deleted all the same", async () => {
    const { context, pass } = credentialScene(base.store);
    await base.pool.query(
      `insert into oidc_token select 'issuer', 'jti ' || n, $1 from generate_series(1, 1234) as n`,
      [START],
    );
    pass(2 * DAY_MS);
    expect(await forget(context)).toBeGreaterThanOrEqual(1_234);
  });
});

describe("a customer who has ended", () => {
  const KEPT_MS = CUSTOMER_KEPT_DAYS * DAY_MS;
  const TENANT = { kind: "tenant", pullKey: null, repositoryId: null, number: null } as const;
  const STATEMENT = {
    ...{ ordinal: 0, file: "1.sql", index: 1, line: 1, checksum: "c", startedAt: START },
    state: "applied",
    ...{ finishedAt: START, jobId: null, code: null, message: null },
  } as const;
  const tables = ["environment", "cluster", "event", "operation", "label", "cluster_access", "statement"];
  /** The chores that clean up behind it, as the worker runs them. */
  const forgetRests = async (context: ReturnType<typeof credentialScene>["context"]) => {
    const now = context.clock.now();
    const due = await base.store.due(now, 10);
    const until = new Date(now.getTime() + 60_000);
    for (const held of await base.store.claim(due, "lease", now, until)) {
      const stepContext = { ...context, nudge: { nudge: () => {} } } as unknown as Context;
      await chore(stepContext, createStep(stepContext, held));
    }
    expect(await base.store.nextDue()).toBeNull();
  };
  const counts = async () => {
    const rows = await Promise.all(tables.map((table) => base.pool.query(`select 1 from ${table}`)));
    return rows.map(({ rowCount }) => rowCount);
  };
  const end = async (cluster: { status: "gone" | "removing" }) => {
    await base.clear();
    const ended = { ...TENANT, ownerKey: "tenant:a", wanted: "absent", endedAt: START } as const;
    await base.store.transaction(async (tx) => {
      await tx.insertEnvironment(environmentOf({ ...ended, id: "env_1", labels: { plan: "gold" } }));
      await tx.insertEnvironment(environmentOf({ ...TENANT, ownerKey: "tenant:b", id: "env_2" }));
      await tx.insertCluster(clusterOf({ id: "cl_1", environmentId: "env_1", kind: "tenant", ...cluster }));
      await tx.putClusterAccess({ clusterId: "cl_1", roles: ["app"], digest: null });
      await tx.putStatement("cl_1", STATEMENT);
      const at = { createdAt: START, generation: 1, actor: "key" } as const;
      await tx.addOperation({ id: "op_1", environmentId: "env_1", kind: "delete", ...at });
      const event = { environmentId: "env_1", at: START, kind: "ended", actor: null, detail: null };
      await tx.addEvent({ ...event, id: "evt_1" });
    });
  };

  it("is forgotten after a month with all that was theirs, and nobody else is", async () => {
    const { context, pass } = credentialScene(base.store);
    await end({ status: "gone" });
    pass(KEPT_MS);
    await forget(context);
    expect(await counts()).toEqual([2, 1, 1, 1, 1, 0, 1]);
    pass(1);
    await forget(context);
    await forgetRests(context);
    expect(await counts()).toEqual([1, 0, 0, 0, 0, 0, 0]);
  });

  it("leaves no row that could be another's: what is left of an environment that exists is not touched", async () => {
    await end({ status: "gone" });
    expect(await base.store.transaction((tx) => tx.forgetRest("env_1", 500))).toBe(0);
    expect(await counts()).toEqual([2, 1, 1, 1, 1, 1, 1]);
  });

  it("is not forgotten while a cluster of theirs may be at AWS", async () => {
    const { context, pass } = credentialScene(base.store);
    await end({ status: "removing" });
    pass(KEPT_MS + 1);
    expect(await forget(context)).toBe(0);
    expect(await counts()).toEqual([2, 1, 1, 1, 1, 1, 1]);
  });
});
