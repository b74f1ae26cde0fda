import { createRemoteJWKSet, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  idTokenOf,
  type JobVariables,
  type LocalGitHub,
  startJob,
  startLocalGitHub,
} from "../../support/local-github.ts";
import { asInstallation, openPull, PULLS, SHOP } from "./clients.ts";

const AUDIENCE = "https://offshoot.test";

let local: LocalGitHub;
beforeAll(async () => {
  local = await startLocalGitHub();
});
afterAll(() => local?.stop());

/** Verifies as whoever takes tokens of jobs; the keys are read once. */
function createVerifier() {
  const issuer = local.ready.oidcIssuer;
  const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks`), { timeoutDuration: 300 });
  return async (token: string): Promise<JWTPayload> => {
    const options = { issuer, audience: AUDIENCE, algorithms: ["RS256"] };
    return (await jwtVerify(token, keys, options)).payload;
  };
}

const claimsOf = async (job: JobVariables) => createVerifier()(await idTokenOf(job, AUDIENCE));

describe("the token of a job", () => {
  it("of a pull request names its number, its test merge and both sides", async () => {
    const { number, headSha } = await openPull(local, { branch: "feature/oidc" });
    const job = await startJob(local, { event: "pull_request", number, actor: "alice" });
    const claims = await claimsOf(job);
    const ref = `refs/pull/${number}/merge`;
    expect(claims).toMatchObject({
      ...{ sub: "repo:acme/shop:pull_request", event_name: "pull_request", ref, ref_type: "branch" },
      ...{ head_ref: "feature/oidc", base_ref: "main", actor: "alice", runner_environment: "github-hosted" },
      ...{ repository: "acme/shop", repository_id: "4001", repository_owner: "acme" },
      ...{ repository_visibility: "public", run_id: job["GITHUB_RUN_ID"], run_attempt: "1" },
      workflow_ref: `acme/shop/.github/workflows/preview.yml@${ref}`,
      job_workflow_ref: `acme/shop/.github/workflows/preview.yml@${ref}`,
    });
    const octokit = await asInstallation(local);
    const path = { ...SHOP, commit_sha: String(claims["sha"]) };
    const { data } = await octokit.request("GET /repos/{owner}/{repo}/git/commits/{commit_sha}", path);
    const main = await octokit.request("GET /repos/{owner}/{repo}/branches/{branch}", {
      ...{ ...SHOP, branch: "main" },
    });
    expect(data.parents.map(({ sha }) => sha)).toEqual([main.data.commit.sha, headSha]);
  });

  it("has ids that are texts, a fresh jti, and five minutes to live", async () => {
    const job = await startJob(local, { event: "push" });
    const [one, other] = await Promise.all([claimsOf(job), claimsOf(job)]);
    for (const [name, value] of Object.entries(one))
      expect([name, typeof value]).toEqual([
        name,
        ["iat", "nbf", "exp"].includes(name) ? "number" : "string",
      ]);
    const { iat = 0, exp = 0, nbf = 0, jti } = one;
    expect([exp - iat, iat - nbf]).toEqual([300, 600]);
    expect(jti).not.toBe(other.jti);
  });

  it("is signed with RS256 and names its key", async () => {
    const token = await idTokenOf(await startJob(local, { event: "push" }), AUDIENCE);
    const { kids } = await local.call<{ kids: string[] }>("GET", "/oidc");
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: "RS256", typ: "JWT", kid: kids[0] });
  });

  it("is for the owner when no audience is given, which every other service takes too", async () => {
    const token = await idTokenOf(await startJob(local, { event: "push" }));
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    expect(claims.aud).toBe(`${local.ready.pageUrl}/acme`);
    await expect(createVerifier()(token)).rejects.toThrow('unexpected "aud" claim value');
  });

  it("of a git branch names it, whatever event started the job", async () => {
    const path = "/repositories/acme/shop/branches/feature%2Fpushed/push";
    const { headSha } = await local.call<{ headSha: string }>("POST", path, {
      ...{ author: "wendy", files: { "a.txt": "1" } },
    });
    for (const event of ["push", "workflow_dispatch"]) {
      const claims = await claimsOf(await startJob(local, { event, gitBranch: "feature/pushed" }));
      expect(claims).toMatchObject({
        ...{ event_name: event, sub: "repo:acme/shop:ref:refs/heads/feature/pushed", sha: headSha },
        ...{ ref: "refs/heads/feature/pushed", head_ref: "", base_ref: "" },
      });
    }
  });

  it("of a closed pull request tells no number any more", async () => {
    const { number } = await openPull(local);
    await local.call("POST", `${PULLS}/${number}/close`, { author: "wendy" });
    const claims = await claimsOf(await startJob(local, { event: "pull_request", number }));
    expect(claims).toMatchObject({ event_name: "pull_request", ref: "refs/heads/main" });
    expect(claims["job_workflow_ref"]).toMatch(/@refs\/heads\/main$/);
  });

  it("that was started before the pull request closed still tells it", async () => {
    const { number } = await openPull(local);
    const job = await startJob(local, { event: "pull_request", number });
    await local.call("POST", `${PULLS}/${number}/close`, { author: "wendy" });
    expect(await claimsOf(job)).toMatchObject({ ref: `refs/pull/${number}/merge` });
  });

  it("of pull_request_target runs on the base, also for a fork", async () => {
    const { number } = await openPull(local, { author: "mallory", branch: "evil" });
    const claims = await claimsOf(await startJob(local, { event: "pull_request_target", number }));
    expect(claims).toMatchObject({
      ...{ event_name: "pull_request_target", ref: "refs/heads/main", repository_id: "4001" },
      ...{ head_ref: "evil", actor: "mallory" },
    });
  });

  it("has the environment of the job in its subject", async () => {
    const { number } = await openPull(local);
    const job = await startJob(local, { event: "pull_request", number, environment: "a:b" });
    expect(await claimsOf(job)).toMatchObject({
      sub: "repo:acme/shop:environment:a%3Ab",
      environment: "a:b",
    });
  });

  it("has a subject with ids where the repository or the job wants it", async () => {
    const shop = await claimsOf(await startJob(local, { event: "push", immutableSubject: true }));
    const blog = await claimsOf(await startJob(local, { event: "push" }, "acme/blog"));
    const owner = shop["repository_owner_id"];
    expect([shop.sub, blog.sub]).toEqual([
      `repo:acme@${owner}/shop@4001:ref:refs/heads/main`,
      `repo:acme@${owner}/blog@4002:ref:refs/heads/main`,
    ]);
  });
});

describe("a job", () => {
  it("is told what a runner tells it", async () => {
    const { number } = await openPull(local, { branch: "feature/variables" });
    expect(await startJob(local, { event: "pull_request", number })).toMatchObject({
      ...{ GITHUB_ACTIONS: "true", GITHUB_EVENT_NAME: "pull_request", GITHUB_REPOSITORY: "acme/shop" },
      ...{ GITHUB_REPOSITORY_ID: "4001", GITHUB_REF: `refs/pull/${number}/merge` },
      ...{ GITHUB_HEAD_REF: "feature/variables", GITHUB_SHA: expect.stringMatching(/^[0-9a-f]{40}$/) },
      ...{ GITHUB_SERVER_URL: local.ready.pageUrl, GITHUB_API_URL: local.ready.apiUrl },
      ACTIONS_ID_TOKEN_REQUEST_URL: expect.stringContaining("?"),
    });
  });

  it("of a fork's pull request cannot ask for tokens", async () => {
    const { number } = await openPull(local, { author: "mallory" });
    const job = await startJob(local, { event: "pull_request", number });
    expect(job).toMatchObject({ GITHUB_REPOSITORY: "acme/shop" });
    expect(Object.keys(job).filter((name) => name.startsWith("ACTIONS_"))).toEqual([]);
  });

  it.each([
    ["a pull request that is not there", { event: "pull_request", number: 9999 }],
    ["no pull request", { event: "pull_request" }],
    ["a git branch that is not there", { event: "push", gitBranch: "nowhere" }],
    ["an event that starts nothing", { event: "star" }],
    ["an actor whom nobody knows", { event: "push", actor: "nobody" }],
  ])("is refused with %s", async (_what, body) => {
    await expect(startJob(local, body)).rejects.toThrow("answered 422");
  });

  it("cannot ask with another job's token, or with none", async () => {
    const [job, other] = [await startJob(local, { event: "push" }), await startJob(local, { event: "push" })];
    const url = String(job["ACTIONS_ID_TOKEN_REQUEST_URL"]);
    const authorization = `bearer ${other["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]}`;
    expect((await fetch(url, { headers: { authorization } })).status).toBe(401);
    expect((await fetch(url)).status).toBe(401);
  });
});

describe("the issuer", () => {
  afterEach(async () => {
    await local.call("PUT", "/oidc/jwks", { answer: "on" });
    await local.call("DELETE", "/oidc/keys");
  });
  const job = { repository: "acme/shop", event: "push", audience: AUDIENCE };
  const mint = async (more: object = {}) =>
    (await local.call<{ value: string }>("POST", "/oidc/tokens", { ...job, ...more })).value;

  it("says where its keys are", async () => {
    const { oidcIssuer } = local.ready;
    const answer = await fetch(`${oidcIssuer}/.well-known/openid-configuration`);
    expect(await answer.json()).toMatchObject({
      ...{ issuer: oidcIssuer, jwks_uri: `${oidcIssuer}/.well-known/jwks` },
      id_token_signing_alg_values_supported: ["RS256"],
    });
  });

  it("publishes the public half of its keys only", async () => {
    const text = await (await fetch(`${local.ready.oidcIssuer}/.well-known/jwks`)).text();
    const [key] = JSON.parse(text).keys;
    expect(Object.keys(key).sort()).toEqual(["alg", "e", "kid", "kty", "n", "use", "x5t"]);
  });

  it("signs with a new key after a rotation, and both count until the old one is dropped", async () => {
    const old = await mint();
    await local.call("POST", "/oidc/keys");
    const young = await mint();
    expect(decodeProtectedHeader(young).kid).not.toBe(decodeProtectedHeader(old).kid);
    const both = createVerifier();
    await Promise.all([both(old), both(young)]);
    await local.call("DELETE", "/oidc/keys");
    const one = createVerifier();
    await one(young);
    await expect(one(old)).rejects.toBeInstanceOf(errors.JWKSNoMatchingKey);
  });

  it.each([
    [500, "Expected 200 OK"],
    ["hang", "request timed out"],
  ])("can fail to give its keys: %s", async (answer, message) => {
    await local.call("PUT", "/oidc/jwks", { answer });
    await expect(createVerifier()(await mint())).rejects.toThrow(message);
    await local.call("PUT", "/oidc/jwks", { answer: "on" });
    await expect(createVerifier()(await mint())).resolves.toBeDefined();
  });

  it("counts how often its keys are read", async () => {
    const reads = async () => (await local.call<{ jwksReads: number }>("GET", "/oidc")).jwksReads;
    const before = await reads();
    const verify = createVerifier();
    await verify(await mint());
    await verify(await mint());
    expect(await reads()).toBe(before + 1);
  });

  const now = () => Math.floor(Date.now() / 1000);
  it.each([
    ["another issuer", () => ({ claims: { iss: "https://evil.test" } }), "ERR_JWT_CLAIM_VALIDATION_FAILED"],
    [
      "another audience",
      () => ({ claims: { aud: "https://other.test" } }),
      "ERR_JWT_CLAIM_VALIDATION_FAILED",
    ],
    ["no audience", () => ({ claims: { aud: null } }), "ERR_JWT_CLAIM_VALIDATION_FAILED"],
    ["a time that is over", () => ({ claims: { exp: now() - 60 } }), "ERR_JWT_EXPIRED"],
    ["a time that is to come", () => ({ claims: { nbf: now() + 60 } }), "ERR_JWT_CLAIM_VALIDATION_FAILED"],
    ["another algorithm", () => ({ header: { alg: "HS256" } }), "ERR_JOSE_ALG_NOT_ALLOWED"],
    ["an unknown key", () => ({ header: { kid: "unknown" } }), "ERR_JWKS_NO_MATCHING_KEY"],
    ["a stranger's key", () => ({ signedWith: "stranger" }), "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"],
  ])("mints for tests what must be refused: %s", async (_what, forgery, code) => {
    const refused = createVerifier()(await mint(forgery()));
    await expect(refused).rejects.toMatchObject({ code });
  });

  it("mints any claim for tests, also for a fork's pull request", async () => {
    const { number } = await openPull(local, { author: "mallory" });
    const claims = { repository_id: "1", jti: "mine" };
    const token = await mint({ event: "pull_request", number, claims });
    const ref = `refs/pull/${number}/merge`;
    expect(await createVerifier()(token)).toMatchObject({ ...claims, ref, repository: "acme/shop" });
  });
});
