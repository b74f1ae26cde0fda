import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/core";
import { verify } from "@octokit/webhooks-methods";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type LocalGitHub, startLocalGitHub } from "../../support/local-github.ts";
import { formOf, submit } from "../../support/setup-walk.ts";

interface Heard {
  readonly event: string;
  readonly signature: string;
  readonly body: string;
}

let github: LocalGitHub;
let hook: Server;
let hookUrl = "";
const heard: Heard[] = [];

beforeEach(async () => {
  heard.length = 0;
  hook = createServer(async (request, response) => {
    const body = (await request.toArray()).join("");
    const { headers } = request;
    heard.push({
      event: String(headers["x-github-event"]),
      signature: String(headers["x-hub-signature-256"]),
      body,
    });
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => hook.listen(0, "127.0.0.1", resolve));
  hookUrl = `http://127.0.0.1:${(hook.address() as AddressInfo).port}`;
  github = await startLocalGitHub({ flags: { "no-app": true } });
});
afterEach(async () => {
  await github.stop();
  hook.closeAllConnections();
  await new Promise((resolve) => hook.close(resolve));
});

const manifest = (change: object = {}) =>
  JSON.stringify({
    ...{ name: "Mine", url: "http://mine.test", redirect_url: "http://mine.test/back" },
    hook_attributes: { url: hookUrl },
    default_permissions: { contents: "read", pull_requests: "write" },
    default_events: ["push"],
    ...change,
  });

/** Opens the form as a browser that comes from our page, and presses its button. Out: where it leads. */
async function make(text: string, path = "/settings/apps/new?state=abc"): Promise<URL> {
  const opened = await submit(new URL(path, github.ready.pageUrl), { manifest: text });
  const form = formOf(await opened.text(), github.ready.pageUrl);
  const done = await submit(form.action, form.fields);
  expect(done.status).toBe(302);
  return new URL(done.headers.get("location") ?? "");
}

const convert = (code: string) =>
  fetch(`${github.ready.apiUrl}/app-manifests/${code}/conversions`, { method: "POST" });

async function until<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it("makes an App of a manifest, pings its webhook, and shows its secrets once", async () => {
  const back = await make(manifest());
  expect([back.origin + back.pathname, back.searchParams.get("state")]).toEqual([
    "http://mine.test/back",
    "abc",
  ]);
  const code = back.searchParams.get("code") ?? "";
  const shown = (await (await convert(code)).json()) as Record<string, never>;
  expect(shown).toMatchObject({
    ...{ name: "Mine", events: ["push"] },
    permissions: { contents: "read", pull_requests: "write", metadata: "read" },
  });
  const ping = await until(() => heard[0]);
  expect(ping.event).toBe("ping");
  expect(await verify(shown["webhook_secret"] ?? "", ping.body, ping.signature)).toBe(true);
  expect((await convert(code)).status).toBe(404);
});

it("lets the App in by its key alone, delivers its ping again, and installs it where somebody says so", async () => {
  const code = (await make(manifest())).searchParams.get("code") ?? "";
  const { pem = "" } = (await (await convert(code)).json()) as Record<string, string>;
  const octokit = new Octokit({
    authStrategy: createAppAuth,
    auth: { appId: github.ready.appId, privateKey: pem },
    baseUrl: github.ready.apiUrl,
  });
  const { data: config } = await octokit.request("GET /app/hook/config");
  expect(config).toMatchObject({ url: hookUrl, content_type: "json" });
  const ping = await until(async () => (await octokit.request("GET /app/hook/deliveries")).data[0]);
  expect(ping).toMatchObject({ event: "ping", status_code: 204, installation_id: null });
  await octokit.request(`POST /app/hook/deliveries/${ping.id}/attempts`);
  const again = await until(async () =>
    (await octokit.request("GET /app/hook/deliveries")).data.find(({ redelivery }) => redelivery),
  );
  expect(again).toMatchObject({ guid: ping.guid, event: "ping" });
  expect((await octokit.request("GET /app/installations")).data).toEqual([]);
  const page = await fetch(`${github.ready.pageUrl}/apps/${github.ready.appSlug}/installations/new`);
  const form = formOf(await page.text(), github.ready.pageUrl);
  await submit(form.action, form.fields);
  const { data: installations } = await octokit.request("GET /app/installations");
  expect(installations).toMatchObject([{ permissions: { contents: "read" }, events: ["push"] }]);
  // What was not subscribed to is not told.
  const pull = { author: "wendy", title: "Quiet", branch: "quiet", files: { "a.txt": "a" } };
  await github.call("POST", "/repositories/acme/shop/pulls", pull);
  await github.call("POST", "/repositories/acme/shop/branches/loud/push", {
    author: "wendy",
    files: { b: "b" },
  });
  await until(() => heard.find(({ event }) => event === "push"));
  expect(heard.map(({ event }) => event)).not.toContain("pull_request");
});

it("knows no code that is wrong or older than an hour", async () => {
  expect((await convert("0".repeat(40))).status).toBe(404);
  const code = (await make(manifest())).searchParams.get("code") ?? "";
  await github.call("DELETE", "/app-manifests");
  expect((await convert(code)).status).toBe(404);
});

it("makes an organization's App at the organization's address only", async () => {
  const path = "/organizations/acme/settings/apps/new?state=s";
  expect((await make(manifest(), path)).searchParams.get("state")).toBe("s");
  const other = new URL("/organizations/nobody/settings/apps/new", github.ready.pageUrl);
  expect((await submit(other, { manifest: manifest() })).status).toBe(404);
});

it.each([
  [{ hook_secret: "mine" }, /additional/],
  [{ name: "x".repeat(35) }, /name/],
  [{ default_events: ["earthquake"] }, /earthquake/],
  [{ default_permissions: { administration: "write" } }, /administration/],
])("refuses the manifest %j", async (change, message) => {
  const url = new URL("/settings/apps/new", github.ready.pageUrl);
  const answer = await submit(url, { manifest: manifest(change) });
  expect([answer.status, await answer.text()]).toEqual([422, expect.stringMatching(message)]);
});

it("shows the form again for a name that is none, and takes another one there", async () => {
  const opened = await submit(new URL("/settings/apps/new?state=s", github.ready.pageUrl), {
    manifest: manifest({ name: '"><script>alert(1)</script>' }),
  });
  const page = await opened.text();
  expect(page).not.toContain("<script>");
  const { action, fields } = formOf(page, github.ready.pageUrl);
  const refused = await submit(action, { ...fields, name: "x".repeat(35) });
  const again = await refused.text();
  expect([refused.status, again]).toEqual([422, expect.stringContaining("too long (maximum is 34")]);
  const form = formOf(again, github.ready.pageUrl);
  const made = await submit(form.action, { ...form.fields, name: "x".repeat(34) });
  expect(new URL(made.headers.get("location") ?? "").searchParams.get("state")).toBe("s");
});

it("lets nobody in before there is an App", async () => {
  const octokit = new Octokit({ baseUrl: github.ready.apiUrl });
  const headers = { authorization: "bearer a.b.c" };
  await expect(octokit.request("GET /app", { headers })).rejects.toMatchObject({ status: 401 });
});
