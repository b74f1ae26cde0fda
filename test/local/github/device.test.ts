import { createOAuthUserAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalGitHub, startLocalGitHub } from "../../support/local-github.ts";
import { asApp, asInstallation, withToken } from "./clients.ts";

const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code";

let local: LocalGitHub;
beforeAll(async () => {
  local = await startLocalGitHub({ flags: { "device-interval-seconds": 1 } });
});
afterAll(() => local?.stop());

interface Codes {
  readonly device_code: string;
  readonly user_code: string;
  readonly [more: string]: string | number;
}

async function post<T>(path: string, body: object): Promise<T> {
  const headers = { accept: "application/json", "content-type": "application/json" };
  const answer = await fetch(local.ready.pageUrl + path, {
    ...{ method: "POST", headers, body: JSON.stringify(body) },
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as T;
}
const begin = () => post<Codes>("/login/device/code", { client_id: local.ready.clientId });
const ask = (device_code: string, more: object = {}) =>
  post<Record<string, string | number>>("/login/oauth/access_token", {
    ...{ client_id: local.ready.clientId, device_code, grant_type: GRANT_TYPE, ...more },
  });
const decide = (userCode: string, login: string, approve: boolean) =>
  local.call("POST", "/login/device", { userCode, login, approve });

describe("the device flow", () => {
  it("signs a person in, as Octokit does it", async () => {
    const octokit = new Octokit({
      authStrategy: createOAuthUserAuth,
      auth: {
        ...{ clientType: "github-app", clientId: local.ready.clientId, clientSecret: "not-needed" },
        onVerification: ({ user_code }: { user_code: string }) => decide(user_code, "rita", true),
      },
      baseUrl: local.ready.apiUrl,
    });
    const { data } = await octokit.request("GET /user");
    expect(data).toMatchObject({ login: "rita", id: expect.any(Number), type: "User" });
  });

  it("begins with two codes and the page to type one of them in", async () => {
    expect(await begin()).toEqual({
      device_code: expect.stringMatching(/^[0-9a-f]{40}$/),
      user_code: expect.stringMatching(/^[A-Z0-9]{4}-[A-Z0-9]{4}$/),
      verification_uri: `${local.ready.pageUrl}/login/device`,
      ...{ expires_in: 900, interval: 1 },
    });
  });

  it("waits for the person, and hands the token over once", async () => {
    const { device_code, user_code } = await begin();
    expect(await ask(device_code)).toMatchObject({
      ...{ error: "authorization_pending", error_description: expect.any(String) },
      error_uri: expect.stringMatching(/^https:/),
    });
    await decide(user_code.toLowerCase().replace("-", ""), "wendy", true);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const answer = await ask(device_code);
    expect(answer).toMatchObject({
      ...{ access_token: expect.stringMatching(/^ghu_\w{36}$/), token_type: "bearer", scope: "" },
      ...{ expires_in: 28_800, refresh_token: expect.stringMatching(/^ghr_/) },
    });
    const { data } = await withToken(local, String(answer["access_token"])).request("GET /user");
    expect(data.login).toBe("wendy");
    expect(await ask(device_code)).toMatchObject({ error: "incorrect_device_code" });
  });

  it("is slowed down when the device asks too often", async () => {
    const { device_code } = await begin();
    await ask(device_code);
    expect(await ask(device_code)).toMatchObject({ error: "slow_down", interval: 6 });
    expect(await ask(device_code)).toMatchObject({ error: "slow_down", interval: 11 });
  });

  it("ends when the person says no", async () => {
    const { device_code, user_code } = await begin();
    await decide(user_code, "wendy", false);
    expect(await ask(device_code)).toMatchObject({ error: "access_denied" });
  });

  it("ends when the code has expired", async () => {
    const { device_code, user_code } = await begin();
    await local.call("DELETE", `/login/device/${user_code}`);
    expect(await ask(device_code)).toMatchObject({ error: "expired_token" });
    await expect(decide(user_code, "wendy", true)).rejects.toThrow("No device waits with the code");
  });

  it.each([
    ["another App", { client_id: "Iv1.other" }, "incorrect_client_credentials"],
    ["another code", { device_code: "f".repeat(40) }, "incorrect_device_code"],
    ["another grant", { grant_type: "refresh_token" }, "unsupported_grant_type"],
  ])("knows no %s", async (_what, more, error) => {
    const { device_code } = await begin();
    expect(await ask(device_code, more)).toMatchObject({ error });
  });

  it("does not begin for another App", async () => {
    const answer = await fetch(`${local.ready.pageUrl}/login/device/code?client_id=other`, {
      method: "POST",
    });
    expect(answer.status).toBe(404);
  });

  it("takes and gives forms unless JSON is asked for", async () => {
    const body = new URLSearchParams({ client_id: local.ready.clientId });
    const answer = await fetch(`${local.ready.pageUrl}/login/device/code`, { method: "POST", body });
    expect(answer.headers.get("content-type")).toContain("application/x-www-form-urlencoded");
    const codes = new URLSearchParams(await answer.text());
    expect(codes.get("user_code")).toMatch(/^\w{4}-\w{4}$/);
    expect(codes.get("verification_uri")).toBe(`${local.ready.pageUrl}/login/device`);
  });
});

describe("the page for people", () => {
  it("exists, and no other site's script runs in it", async () => {
    const answer = await fetch(`${local.ready.pageUrl}/login/device`);
    expect(answer.headers.get("content-type")).toContain("text/html");
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'self'");
  });

  it("knows the codes that wait, and the people; a bot signs in nowhere", async () => {
    const { user_code } = await begin();
    const shown = await local.call<{ userCodes: string[]; people: string[] }>("GET", "/login/device");
    expect(shown.userCodes[0]).toBe(user_code);
    expect(shown.people).toEqual(["alice", "wendy", "rita", "mallory"]);
    await expect(decide(user_code, "renovate[bot]", true)).rejects.toThrow("answered 422");
  });
});

describe("GET /user", () => {
  it("is for people: the App's tokens are refused", async () => {
    const installation = await asInstallation(local);
    await expect(installation.request("GET /user")).rejects.toMatchObject({ status: 403 });
    const { token } = (await asApp(local).auth({ type: "app" })) as { token: string };
    for (const refused of [token, "ghu_made_up"])
      await expect(withToken(local, refused).request("GET /user")).rejects.toMatchObject({ status: 401 });
  });

  it("opens nothing that needs the App", async () => {
    const { device_code, user_code } = await begin();
    await decide(user_code, "alice", true);
    const { access_token } = await ask(device_code);
    const repositories = withToken(local, String(access_token)).request("GET /installation/repositories");
    await expect(repositories).rejects.toMatchObject({ status: 401 });
  });
});
