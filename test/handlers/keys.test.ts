import { describe, expect, it, vi } from "vitest";
import { KEY_USED_MS } from "../../service/domain/limits.ts";
import { createAuthenticate } from "../../service/handlers/authenticate.ts";
import { createKey, listKeys, type NewKey, revokeKey } from "../../service/handlers/keys.ts";
import { eachStore } from "../support/each-store.ts";
import type { TestStore } from "../support/store.ts";
import { credentialScene, START, sha256 } from "./credentials-scene.ts";

let base: TestStore;
eachStore((empty) => {
  base = empty;
});

const WANTED: NewKey = {
  name: "billing",
  scopes: ["tokens", "read"],
  selector: { team: "blue" },
  expiresAt: null,
};
const DAY_MS = 86_400_000;

async function made(wanted: Partial<NewKey> = {}) {
  const scene = credentialScene(base.store);
  const { key, credential } = await createKey(scene.context, { ...WANTED, ...wanted }, "operator");
  return { ...scene, key, credential, authenticate: createAuthenticate(scene.context) };
}

describe("an API key", () => {
  it("says who asks, with its scopes in order and its labels", async () => {
    const { authenticate, credential, key } = await made();
    expect(credential).toMatch(/^ofk_[0-9a-z]{22}_[\w-]{43}$/);
    expect(await authenticate(credential)).toEqual({
      ...{ kind: "key", id: key.id, name: "billing", scopes: ["read", "tokens"] },
      ...{ selector: { team: "blue" }, expiresAt: null },
    });
  });

  it("is in the store as a digest only, and in no event and no log line", async () => {
    const { credential, lines, authenticate } = await made();
    await authenticate(credential);
    const { rows } = await base.pool.query("select * from api_key");
    const events = await base.pool.query("select * from event");
    expect(rows[0].digest).toBe(sha256(credential));
    const written = JSON.stringify([rows, events.rows, lines]);
    expect(written).not.toContain(credential.slice(-43));
  });

  it("has an event with its actor when it is made and when it is revoked", async () => {
    const { context, key, pass } = await made();
    pass(1);
    await revokeKey(context, key.id, "operator ada");
    await revokeKey(context, key.id, "operator ada");
    const events = await base.store.events(key.id);
    expect(events.map(({ kind, actor }) => [kind, actor])).toEqual([
      ["key_created", "operator"],
      ["key_revoked", "operator ada"],
    ]);
  });

  it("is refused with another secret, of another kind, or cut short", async () => {
    const { authenticate, credential } = await made();
    const last = credential.endsWith("A") ? "B" : "A";
    for (const wrong of [
      credential.slice(0, -1) + last,
      credential.replace("ofk_", "ofs_"),
      credential.slice(0, -1),
      `${credential}A`,
      `ofk_${"0".repeat(22)}_${credential.slice(-43)}`,
      "",
    ]) {
      await expect(authenticate(wrong)).rejects.toMatchObject({ reason: "credential_invalid" });
    }
  });

  it("is refused from its end on, and once it is revoked, but keeps its place in the list", async () => {
    const expiresAt = new Date(START.getTime() + DAY_MS);
    const { authenticate, credential, pass, context, key } = await made({ expiresAt });
    pass(DAY_MS - 1);
    await authenticate(credential);
    pass(1);
    await expect(authenticate(credential)).rejects.toMatchObject({ reason: "credential_expired" });
    await revokeKey(context, key.id, "operator");
    await expect(authenticate(credential)).rejects.toMatchObject({ reason: "credential_revoked" });
    const [listed] = await listKeys(context);
    expect(listed).toMatchObject({ id: key.id, name: "billing", revokedAt: expiresAt });
    expect(listed).not.toHaveProperty("digest");
  });

  it("has its last use written at most once in a while", async () => {
    const { authenticate, credential, pass, context } = await made();
    const usedAt = async () => (await listKeys(context))[0]?.usedAt ?? null;
    await Promise.all(Array.from({ length: 5 }, () => authenticate(credential)));
    await vi.waitFor(async () => expect(await usedAt()).toEqual(START));
    pass(KEY_USED_MS - 1);
    await authenticate(credential);
    expect(await usedAt()).toEqual(START);
    pass(1);
    await authenticate(credential);
    await vi.waitFor(async () => expect(await usedAt()).toEqual(new Date(START.getTime() + KEY_USED_MS)));
  });

  it("serves the request even if its use cannot be written", async () => {
    const { credential, context, lines } = await made();
    const store = { ...base.store, transaction: () => Promise.reject(new Error("away")) };
    const authenticate = createAuthenticate({ ...context, store });
    expect((await authenticate(credential)).kind).toBe("key");
    await vi.waitFor(() => expect(lines.join()).toContain("not noted"));
  });

  it.each<[string, Partial<NewKey>]>([
    ["no name", { name: "" }],
    ["a line break in its name", { name: "two\nlines" }],
    ["no scope", { scopes: [] }],
    ["an unknown scope", { scopes: ["write"] }],
    ["a selector without labels", { selector: {} }],
    ["a selector that is no label", { selector: { "a b": "c" } }],
    ["an end in the past", { expiresAt: START }],
    ["an end that is no date", { expiresAt: new Date(Number.NaN) }],
  ])("is not made with %s", async (_name, wrong) => {
    await expect(made(wrong)).rejects.toMatchObject({ reason: "invalid_request" });
    expect((await base.pool.query("select 1 from api_key")).rowCount).toBe(0);
  });

  it("that is not there cannot be revoked", async () => {
    const { context } = await made();
    await expect(revokeKey(context, "key_none", "operator")).rejects.toMatchObject({ reason: "not_found" });
  });
});
