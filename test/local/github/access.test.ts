import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalGitHub, startLocalGitHub } from "../../support/local-github.ts";
import { asApp, asInstallation, openPull, SHOP, withToken } from "./clients.ts";

let local: LocalGitHub;
beforeAll(async () => {
  local = await startLocalGitHub();
});
afterAll(() => local?.stop());

describe("the App's JSON web token", () => {
  const now = () => Math.floor(Date.now() / 1000);
  const ask = async (
    claims: Record<string, unknown>,
    pem = readFileSync(local.ready.privateKeyFile, "utf8"),
  ) => {
    const jwt = await new SignJWT(claims).setProtectedHeader({ alg: "RS256" }).sign(createPrivateKey(pem));
    return fetch(`${local.ready.apiUrl}/app`, { headers: { authorization: `Bearer ${jwt}` } });
  };

  it("may name the App by its id or by its client id", async () => {
    const { data } = await asApp(local).request("GET /app");
    for (const iss of ["1001", data?.client_id]) {
      expect((await ask({ iss, iat: now() - 30, exp: now() + 500 })).status).toBe(200);
    }
  });

  it.each([
    ["expires too late", () => ({ iss: "1001", iat: now(), exp: now() + 3600 })],
    ["has expired", () => ({ iss: "1001", iat: now() - 900, exp: now() - 300 })],
    ["was issued in the future", () => ({ iss: "1001", iat: now() + 300, exp: now() + 500 })],
    ["names another App", () => ({ iss: "7", iat: now(), exp: now() + 500 })],
    ["names nobody", () => ({ iat: now(), exp: now() + 500 })],
  ])("is refused when it %s", async (_why, claims) => {
    const answer = await ask(claims());
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ status: "401", documentation_url: expect.any(String) });
  });

  it("is refused when another key has signed it", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
    expect((await ask({ iss: "1001", iat: now(), exp: now() + 500 }, pem)).status).toBe(401);
  });

  it("opens nothing that needs an installation token", async () => {
    await expect(asApp(local).request("GET /app")).resolves.toBeDefined();
    const { token } = (await asApp(local).auth({ type: "app" })) as { token: string };
    await expect(withToken(local, token).request("GET /installation/repositories")).rejects.toMatchObject({
      status: 401,
    });
  });
});

describe("an installation token", () => {
  it("has the long form, one hour to live, and all that was granted", async () => {
    const { data, status } = await asApp(local).request(
      "POST /app/installations/{installation_id}/access_tokens",
      { installation_id: local.ready.installationId },
    );
    expect(status).toBe(201);
    expect(data.token).toMatch(/^ghs_1001_[\w.]{400,}$/);
    expect(Date.parse(data.expires_at) - Date.now()).toBeGreaterThan(59 * 60_000);
    expect(data).toMatchObject({ repository_selection: "all", permissions: { issues: "write" } });
  });

  it("shows only the repositories that it was asked for", async () => {
    const octokit = await asInstallation(local, { repository_ids: [4001] });
    const { data } = await octokit.request("GET /installation/repositories");
    expect(data.repositories.map((one) => one.full_name)).toEqual(["acme/shop"]);
    const blog = { owner: "acme", repo: "blog" };
    await expect(octokit.request("GET /repos/{owner}/{repo}", blog)).rejects.toMatchObject({ status: 404 });
  });

  it("reads what is public elsewhere, and writes nothing there", async () => {
    const { number: issue_number } = await openPull(local);
    const octokit = await asInstallation(local, { repository_ids: [4002] });
    await expect(octokit.request("GET /repos/{owner}/{repo}", SHOP)).resolves.toMatchObject({ status: 200 });
    const comment = { ...SHOP, issue_number, body: "no" };
    await expect(
      octokit.request("POST /repos/{owner}/{repo}/issues/{issue_number}/comments", comment),
    ).rejects.toMatchObject({ status: 404 });
  });

  it("is not made for a repository that is not installed", async () => {
    await expect(asInstallation(local, { repository_ids: [1] })).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining("does not exist or is not accessible"),
    });
  });

  it.each([{ administration: "write" }, { contents: "write" }, { issues: "admin" }])(
    "is not made with %j, which was not granted",
    async (permissions) => {
      await expect(asInstallation(local, { permissions })).rejects.toMatchObject({ status: 422 });
    },
  );

  it("is not made for another installation", async () => {
    const path = { installation_id: 1 };
    const asked = asApp(local).request("POST /app/installations/{installation_id}/access_tokens", path);
    await expect(asked).rejects.toMatchObject({ status: 404 });
  });

  it("may do no more than it was narrowed to", async () => {
    const { number: issue_number } = await openPull(local);
    const octokit = await asInstallation(local, { permissions: { pull_requests: "read" } });
    const path = { ...SHOP, issue_number };
    await expect(
      octokit.request("GET /repos/{owner}/{repo}/issues/{issue_number}/comments", path),
    ).resolves.toMatchObject({ status: 200 });
    await expect(
      octokit.request("POST /repos/{owner}/{repo}/issues/{issue_number}/comments", { ...path, body: "no" }),
    ).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining("not accessible by integration"),
    });
  });

  it("is worth nothing once it was given back, or when it was never made", async () => {
    const octokit = await asInstallation(local);
    await octokit.request("DELETE /installation/token");
    for (const refused of [octokit, withToken(local, "ghs_made_up")]) {
      await expect(refused.request("GET /installation/repositories")).rejects.toMatchObject({
        status: 401,
        message: expect.stringContaining("Bad credentials"),
      });
    }
  });
});

describe("the installation", () => {
  it("is found by a repository, whatever the case of its name", async () => {
    const { data } = await asApp(local).request("GET /repos/{owner}/{repo}/installation", {
      ...{ owner: "ACME", repo: "Shop" },
    });
    expect(data).toMatchObject({ id: local.ready.installationId, app_slug: "offshoot-local" });
  });

  it("is the only one of the App", async () => {
    const { data } = await asApp(local).request("GET /app/installations");
    expect(data.map(({ id }) => id)).toEqual([local.ready.installationId]);
  });
});
