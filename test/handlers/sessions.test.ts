import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createGitHub } from "../../service/adapters/github.ts";
import { createJobTokens } from "../../service/adapters/job-tokens.ts";
import { createSignIn } from "../../service/adapters/sign-in.ts";
import { JOB_SESSION_SECONDS, PERSON_SESSION_SECONDS } from "../../service/domain/limits.ts";
import { createAuthenticate } from "../../service/handlers/authenticate.ts";
import type { ApiContext } from "../../service/handlers/ports-api.ts";
import { beginLogin, exchangeJobToken, pollLogin } from "../../service/handlers/sessions.ts";
import { openPull, PULLS } from "../local/github/clients.ts";
import { idTokenOf, type LocalGitHub, startJob, startLocalGitHub } from "../support/local-github.ts";
import { startStore, type TestStore } from "../support/store.ts";
import { credentialScene } from "./credentials-scene.ts";

const HOST = "github.test";
const AUDIENCE = "https://offshoot.test";

let base: TestStore;
let local: LocalGitHub;
beforeAll(async () => {
  [base, local] = await Promise.all([
    startStore({ max: 8 }),
    startLocalGitHub({ flags: { "device-interval-seconds": 1 } }),
  ]);
});
afterAll(async () => {
  await Promise.all([base?.stop(), local?.stop()]);
});
beforeEach(() => base.clear());

/** The real store, GitHub's real adapters over the local GitHub. */
function scene(change: Partial<ApiContext> = {}) {
  const { ready } = local;
  const { context, ...rest } = credentialScene(base.store);
  const options = { appId: ready.appId, privateKey: readFileSync(ready.privateKeyFile, "utf8"), host: HOST };
  const api = {
    ...context,
    github: createGitHub({ ...options, apiUrl: ready.apiUrl, appUserAgent: "offshoot-test" }),
    jobTokens: createJobTokens({ issuers: [ready.oidcIssuer], audience: AUDIENCE }),
    signIn: createSignIn({
      clientId: ready.clientId,
      webUrl: ready.pageUrl,
      apiUrl: ready.apiUrl,
      host: HOST,
    }),
    publicUrl: AUDIENCE,
    host: HOST,
    ...change,
  } as ApiContext;
  return { api, ...rest, authenticate: createAuthenticate(context) };
}

const tokenOf = async (job: object, repository?: string) =>
  idTokenOf(await startJob(local, job, repository), AUDIENCE);
const mint = async (more: object) => {
  const job = { repository: "acme/shop", audience: AUDIENCE, ...more };
  return (await local.call<{ value: string }>("POST", "/oidc/tokens", job)).value;
};

describe("the session of a job", () => {
  it("reaches the pull request that the job runs for, and ends by itself", async () => {
    const { api, authenticate, pass } = scene();
    const { number } = await openPull(local);
    const { credential, expiresAt } = await exchangeJobToken(
      api,
      await tokenOf({ event: "pull_request", number }),
    );
    expect(await authenticate(credential)).toEqual({
      ...{ kind: "job", id: expect.stringMatching(/^ses_/), expiresAt },
      name: expect.stringMatching(new RegExp(`^acme/shop#${number} \\(run \\d+\\)$`)),
      place: { kind: "pull", host: HOST, repositoryId: 4001, number },
    });
    pass(JOB_SESSION_SECONDS * 1_000);
    await expect(authenticate(credential)).rejects.toMatchObject({ reason: "credential_expired" });
  });

  it.each(["push", "workflow_dispatch"])("reaches the git branch of %s", async (event) => {
    const { api, authenticate } = scene();
    const { credential } = await exchangeJobToken(api, await tokenOf({ event, gitBranch: "main" }));
    const caller = await authenticate(credential);
    expect(caller).toMatchObject({ place: { kind: "branch", repositoryId: 4001, gitBranch: "main" } });
  });

  it("comes once for a token, also if the token comes many times at once", async () => {
    const { api } = scene();
    const { number } = await openPull(local);
    const token = await tokenOf({ event: "pull_request", number });
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => exchangeJobToken(api, token)));
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    await expect(exchangeJobToken(api, token)).rejects.toMatchObject({ reason: "oidc_replayed" });
    expect((await base.pool.query("select 1 from session")).rowCount).toBe(1);
  });

  it("does not use the token up if GitHub could not be asked", async () => {
    const { number } = await openPull(local);
    const token = await tokenOf({ event: "pull_request", number });
    const { api } = scene();
    const away = createGitHub({
      ...{ appId: local.ready.appId, privateKey: readFileSync(local.ready.privateKeyFile, "utf8") },
      ...{ host: HOST, apiUrl: "http://127.0.0.1:9", appUserAgent: "offshoot-test" },
    });
    const put = exchangeJobToken({ ...api, github: away }, token);
    await expect(put).rejects.toMatchObject({ name: "Retryable" });
    await expect(exchangeJobToken(api, token)).resolves.toHaveProperty("credential");
  });

  it("is refused once the pull request is closed, though the token was made before", async () => {
    const { number } = await openPull(local);
    const token = await tokenOf({ event: "pull_request", number });
    await local.call("POST", `${PULLS}/${number}/close`, { author: "wendy" });
    await expect(exchangeJobToken(scene().api, token)).rejects.toMatchObject({ reason: "oidc_closed" });
  });

  it.each<[string, (number: number) => object, string]>([
    [
      "of a pull request that was closed",
      () => ({ event: "pull_request", claims: { ref: "refs/heads/main" } }),
      "oidc_event",
    ],
    ["of pull_request_target", (number) => ({ event: "pull_request_target", number }), "oidc_event"],
    ["of a tag", () => ({ event: "push", claims: { ref: "refs/tags/v1" } }), "oidc_event"],
    [
      "with another head",
      (number) => ({ event: "pull_request", number, claims: { head_ref: "other" } }),
      "oidc_invalid",
    ],
    [
      "with another base",
      (number) => ({ event: "pull_request", number, claims: { base_ref: "other" } }),
      "oidc_invalid",
    ],
    [
      "of a pull request that is not there",
      (number) => ({ event: "pull_request", number, claims: { ref: "refs/pull/99999/merge" } }),
      "oidc_not_installed",
    ],
    [
      "of another repository's id",
      (number) => ({ event: "pull_request", number, claims: { repository_id: "4002" } }),
      "oidc_not_installed",
    ],
    [
      "of a repository without the App",
      (number) => ({
        event: "pull_request",
        number,
        claims: { repository: "evil/shop", repository_id: "9" },
      }),
      "oidc_not_installed",
    ],
    [
      "of a git branch that is gone",
      () => ({ event: "push", claims: { ref: "refs/heads/gone" } }),
      "oidc_not_installed",
    ],
  ])("is refused for a job %s", async (_what, job, reason) => {
    const { number } = await openPull(local);
    const more = job(number);
    const token = await mint({ number, ...more });
    await expect(exchangeJobToken(scene().api, token)).rejects.toMatchObject({ reason });
    expect((await base.pool.query("select 1 from session")).rowCount).toBe(0);
  });

  it("is refused for a fork, though its token were right", async () => {
    const { number } = await openPull(local, { author: "mallory" });
    const token = await mint({ event: "pull_request", number });
    await expect(exchangeJobToken(scene().api, token)).rejects.toMatchObject({ reason: "oidc_fork" });
  });

  it("is looked up under the name that GitHub has now, if the store's is older", async () => {
    const { api, authenticate } = scene();
    const { number } = await openPull(local);
    const old = { host: HOST, repositoryId: 4001, installationId: 999, repositoryName: "acme/old" };
    await base.store.transaction((tx) => tx.putRepository(old, new Date()));
    const { credential } = await exchangeJobToken(api, await tokenOf({ event: "pull_request", number }));
    expect(await authenticate(credential)).toMatchObject({ kind: "job" });
  });

  it("leaves an event with the job as its actor, and neither token nor credential anywhere", async () => {
    const { api, lines } = scene();
    const { number } = await openPull(local);
    const token = await tokenOf({ event: "pull_request", number });
    const { credential } = await exchangeJobToken(api, token);
    const tables = ["session", "event", "oidc_token"];
    const rows = await Promise.all(tables.map((table) => base.pool.query(`select * from ${table}`)));
    expect(rows[1]?.rows[0]).toMatchObject({
      kind: "session_created",
      actor: expect.stringContaining("acme/shop#"),
    });
    const written = JSON.stringify([rows.map((result) => result.rows), lines]);
    expect(written).not.toContain(credential.slice(-43));
    expect(written).not.toContain(token.slice(-40));
  });

  it("is not to be had where no issuer is trusted", async () => {
    const refused = exchangeJobToken(scene({ jobTokens: null }).api, "x");
    await expect(refused).rejects.toMatchObject({ reason: "oidc_missing" });
  });
});

describe("the session of a person", () => {
  const decide = (userCode: string, login: string, approve: boolean) =>
    local.call("POST", "/login/device", { userCode, login, approve });
  const interval = () => new Promise((resolve) => setTimeout(resolve, 1_100));

  it("begins when the person has agreed, and ends by itself", async () => {
    const { api, authenticate, pass } = scene();
    const { deviceCode, userCode, verificationUri, expiresAt } = await beginLogin(api);
    expect(verificationUri).toBe(`${local.ready.pageUrl}/login/device`);
    expect(expiresAt.getTime()).toBeGreaterThan(Date.now());
    expect(await pollLogin(api, deviceCode)).toEqual({ intervalSeconds: expect.any(Number) });
    await decide(userCode, "rita", true);
    await interval();
    const session = await pollLogin(api, deviceCode);
    if (!("credential" in session)) throw new Error("still pending");
    expect(await authenticate(session.credential)).toMatchObject({
      kind: "person",
      host: HOST,
      login: "rita",
    });
    pass(PERSON_SESSION_SECONDS * 1_000);
    await expect(authenticate(session.credential)).rejects.toMatchObject({ reason: "credential_expired" });
  });

  it("is slowed down if it is asked for too often", async () => {
    const { api } = scene();
    const { deviceCode } = await beginLogin(api);
    await pollLogin(api, deviceCode);
    const slower = await pollLogin(api, deviceCode);
    expect(slower).toMatchObject({ intervalSeconds: 6 });
  });

  it("is refused if the person refuses, and for a code that nobody made", async () => {
    const { api } = scene();
    const { deviceCode, userCode } = await beginLogin(api);
    await decide(userCode, "rita", false);
    await expect(pollLogin(api, deviceCode)).rejects.toMatchObject({ reason: "login_denied" });
    await expect(pollLogin(api, "nobodys")).rejects.toMatchObject({ reason: "login_expired" });
    expect((await base.pool.query("select 1 from session")).rowCount).toBe(0);
  });

  it("is not to be had without a client id, nor with one that GitHub does not know", async () => {
    await expect(beginLogin(scene({ signIn: null }).api)).rejects.toMatchObject({ reason: "login_missing" });
    const { apiUrl, pageUrl: webUrl } = local.ready;
    const signIn = createSignIn({ clientId: "unknown", webUrl, apiUrl, host: HOST });
    await expect(beginLogin({ signIn })).rejects.toMatchObject({ reason: "login_missing" });
  });

  it("is put off while GitHub is away", async () => {
    const away = "http://127.0.0.1:9";
    const signIn = createSignIn({
      clientId: "c",
      webUrl: away,
      apiUrl: away,
      host: HOST,
      callTimeoutMs: 500,
    });
    await expect(beginLogin({ signIn })).rejects.toMatchObject({
      name: "Retryable",
      reason: "github_unavailable",
    });
  });
});
