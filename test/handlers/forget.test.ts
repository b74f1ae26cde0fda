import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { forget } from "../../service/handlers/forget.ts";
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
