import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createJobTokens } from "../../service/adapters/job-tokens.ts";
import { openPull } from "../local/github/clients.ts";
import { idTokenOf, type LocalGitHub, startJob, startLocalGitHub } from "../support/local-github.ts";

const AUDIENCE = "https://offshoot.test";

let local: LocalGitHub;
beforeAll(async () => {
  local = await startLocalGitHub();
});
afterAll(() => local?.stop());
afterEach(async () => {
  await local.call("PUT", "/oidc/jwks", { answer: "on" });
  await local.call("DELETE", "/oidc/keys");
});

const verifier = (coolDownMs = 30_000) =>
  createJobTokens({ issuers: [local.ready.oidcIssuer], audience: AUDIENCE, timeoutMs: 300, coolDownMs });

/** A token as a job on main gets it, but for what a forgery changes. */
async function mint(more: object = {}): Promise<string> {
  const job = { repository: "acme/shop", event: "push", audience: AUDIENCE, ...more };
  return (await local.call<{ value: string }>("POST", "/oidc/tokens", job)).value;
}

const now = () => Math.floor(Date.now() / 1_000);
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

describe("the token of a job", () => {
  it("tells where the job runs, by ids", async () => {
    const { number } = await openPull(local, { branch: "feature/oidc" });
    const job = await startJob(local, { event: "pull_request", number });
    expect(await verifier().verify(await idTokenOf(job, AUDIENCE))).toEqual({
      ...{ issuer: local.ready.oidcIssuer, jti: expect.any(String), expiresAt: expect.any(Date) },
      ...{ eventName: "pull_request", ref: `refs/pull/${number}/merge`, headRef: "feature/oidc" },
      ...{ baseRef: "main", repository: "acme/shop", repositoryId: 4001 },
      ...{ repositoryOwnerId: expect.any(Number), runId: job["GITHUB_RUN_ID"], runAttempt: "1" },
    });
  });

  it.each<[string, () => object, string]>([
    ["another audience", () => ({ claims: { aud: "https://other.test" } }), "oidc_audience"],
    ["GitHub's own audience", () => ({ claims: { aud: "https://github.com/acme" } }), "oidc_audience"],
    ["no audience", () => ({ claims: { aud: null } }), "oidc_audience"],
    ["several audiences", () => ({ claims: { aud: [AUDIENCE, "https://other.test"] } }), "oidc_audience"],
    ["another issuer", () => ({ claims: { iss: "https://evil.test" } }), "oidc_issuer"],
    [
      "an issuer of the allowed one's beginning",
      () => ({ claims: { iss: `${local.ready.oidcIssuer}/x` } }),
      "oidc_issuer",
    ],
    ["no issuer", () => ({ claims: { iss: null } }), "oidc_issuer"],
    ["a time that is over", () => ({ claims: { exp: now() - 60 } }), "oidc_expired"],
    ["no end", () => ({ claims: { exp: null } }), "oidc_invalid"],
    ["a birth long ago", () => ({ claims: { iat: now() - 3_600, exp: now() + 3_600 } }), "oidc_expired"],
    ["a time that is to come", () => ({ claims: { nbf: now() + 60 } }), "oidc_invalid"],
    ["no jti", () => ({ claims: { jti: null } }), "oidc_invalid"],
    ["an empty jti", () => ({ claims: { jti: "" } }), "oidc_invalid"],
    ["a jti that is no text", () => ({ claims: { jti: 7 } }), "oidc_invalid"],
    ["an id that is no number", () => ({ claims: { repository_id: "4001 or 1" } }), "oidc_invalid"],
    ["a ref with a NUL", () => ({ claims: { ref: "refs/heads/a\u0000b" } }), "oidc_invalid"],
    ["no event", () => ({ claims: { event_name: null } }), "oidc_invalid"],
    ["another algorithm", () => ({ header: { alg: "HS256" } }), "oidc_invalid"],
    ["no algorithm", () => ({ header: { alg: "none" } }), "oidc_invalid"],
    ["an unknown key", () => ({ header: { kid: "unknown" } }), "oidc_invalid"],
    ["a stranger's key", () => ({ signedWith: "stranger" }), "oidc_invalid"],
    ["an extension that we do not know", () => ({ header: { crit: ["x"], x: 1 } }), "oidc_invalid"],
  ])("is refused with %s", async (_what, forgery, reason) => {
    await expect(verifier().verify(await mint(forgery()))).rejects.toMatchObject({ name: "Refused", reason });
  });

  it("is refused without a signature, damaged, or if it is something else", async () => {
    const [header = "", payload = "", signature = ""] = (await mint()).split(".");
    const admin = part({ ...JSON.parse(Buffer.from(payload, "base64url").toString()), repository_id: "1" });
    for (const token of [
      `${part({ alg: "none", typ: "JWT" })}.${payload}.`,
      `${header}.${payload}.`,
      `${header}.${admin}.${signature}`,
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      `${header}.${payload}`,
      "ghs_something",
      "",
      "a.b.c",
      "é".repeat(1_000),
    ]) {
      const refused = verifier().verify(token);
      await expect(refused, token).rejects.toMatchObject({
        reason: expect.stringMatching(/^oidc_(invalid|issuer)$/),
      });
    }
  });

  it.each([500, "hang"])("is put off while its issuer's keys cannot be read: %s", async (answer) => {
    await local.call("PUT", "/oidc/jwks", { answer });
    const tokens = verifier();
    const token = await mint();
    await expect(tokens.verify(token)).rejects.toMatchObject({
      name: "Retryable",
      reason: "oidc_unavailable",
    });
    await local.call("PUT", "/oidc/jwks", { answer: "on" });
    await expect(tokens.verify(token)).resolves.toMatchObject({ repositoryId: 4001 });
  });

  it("is put off while its issuer is away altogether", async () => {
    const gone = "http://127.0.0.1:9/_actions";
    const tokens = createJobTokens({ issuers: [gone], audience: AUDIENCE, timeoutMs: 300 });
    const refused = tokens.verify(await mint({ claims: { iss: gone } }));
    await expect(refused).rejects.toMatchObject({ reason: "oidc_unavailable" });
  });

  it("holds with a new key after a rotation, and with the old one no more once that is dropped", async () => {
    const tokens = verifier(0);
    const old = await mint();
    await tokens.verify(old);
    await local.call("POST", "/oidc/keys");
    await tokens.verify(await mint());
    await local.call("DELETE", "/oidc/keys");
    await tokens.verify(await mint());
    await expect(verifier(0).verify(old)).rejects.toMatchObject({ reason: "oidc_invalid" });
  });

  it("makes nobody read the keys again and again", async () => {
    const reads = async () => (await local.call<{ jwksReads: number }>("GET", "/oidc")).jwksReads;
    const tokens = verifier();
    await tokens.verify(await mint());
    const before = await reads();
    const forged = await mint({ header: { kid: "unknown" } });
    for (let i = 0; i < 20; i += 1) await tokens.verify(forged).catch(() => {});
    await tokens.verify(await mint());
    expect(await reads()).toBe(before);
  });

  it("is in no error's text", async () => {
    for (const more of [{ claims: { aud: "x" } }, { claims: { jti: "" } }, { signedWith: "stranger" }]) {
      const token = await mint(more);
      const error = await verifier()
        .verify(token)
        .catch((thrown: unknown) => thrown);
      expect(String(error)).not.toContain(token.split(".")[1]);
    }
  });
});
