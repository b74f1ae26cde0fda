import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text as readText } from "node:stream/consumers";
import { Webhooks } from "@octokit/webhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createRedelivery } from "../../../service/adapters/github-deliveries.ts";
import { type LocalGitHub, startLocalGitHub } from "../../support/local-github.ts";
import { asApp, asInstallation, openPull, PULLS, SHOP } from "./clients.ts";

interface Received {
  readonly headers: Record<string, string>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: payloads are read as their receiver reads them
  readonly payload: any;
}

let server: Server;
let local: LocalGitHub;
let answerStatus = 202;
let received: Received[] = [];
let arrived = () => {};

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const text = await readText(request);
    received.push({ headers: request.headers as Record<string, string>, text, payload: JSON.parse(text) });
    response.writeHead(answerStatus).end("noted");
    arrived();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  local = await startLocalGitHub({ flags: { "webhook-url": `http://127.0.0.1:${port}/hooks` } });
});
afterAll(async () => {
  await local?.stop();
  server?.close();
});
beforeEach(() => {
  answerStatus = 202;
  received = [];
});

/** Waits for a webhook of the event, among those of this test. */
function webhook(event: string, action: string): Promise<Received> {
  return new Promise((resolve) => {
    arrived = () => {
      const found = received.find(
        ({ headers, payload }) => headers["x-github-event"] === event && payload.action === action,
      );
      if (found) resolve(found);
    };
    arrived();
  });
}

describe("webhooks", () => {
  it("are signed and carry GitHub's headers", async () => {
    await openPull(local);
    const { headers, text } = await webhook("pull_request", "opened");
    const webhooks = new Webhooks({ secret: local.ready.webhookSecret });
    expect(await webhooks.verify(text, headers["x-hub-signature-256"] ?? "")).toBe(true);
    expect(headers).toMatchObject({
      "content-type": "application/json",
      "x-github-delivery": expect.stringMatching(/^[0-9a-f-]{36}$/),
      "x-github-hook-id": expect.any(String),
      "x-github-hook-installation-target-id": "1001",
      "x-github-hook-installation-target-type": "integration",
      "user-agent": expect.stringMatching(/^GitHub-Hookshot\//),
    });
  });

  it("tell that a pull request was opened, by whom and where", async () => {
    const { number, headSha } = await openPull(local);
    const { payload } = await webhook("pull_request", "opened");
    expect(payload).toMatchObject({
      number,
      pull_request: {
        number,
        state: "open",
        merged: false,
        head: { sha: headSha },
        user: { login: "wendy" },
      },
      repository: { id: 4001, full_name: "acme/shop" },
      installation: { id: local.ready.installationId },
      sender: { login: "wendy", type: "User" },
    });
  });

  it("tell a push with what was there before", async () => {
    const { number, headSha } = await openPull(local);
    const files = { "migrations/0004_more.sql": "select 1;\n" };
    const pushed = await local.call("POST", `${PULLS}/${number}/push`, { author: "wendy", files });
    const { payload } = await webhook("pull_request", "synchronize");
    expect(pushed).toEqual({ headSha: payload.after });
    expect(payload).toMatchObject({
      before: headSha,
      pull_request: { head: { sha: payload.after }, commits: 2 },
    });
  });

  it("tell that a pull request was merged", async () => {
    const { number } = await openPull(local);
    await local.call("POST", `${PULLS}/${number}/close`, { author: "alice", merged: true });
    const { payload } = await webhook("pull_request", "closed");
    expect(payload.pull_request).toMatchObject({
      ...{ state: "closed", merged: true, merged_by: { login: "alice" } },
      merge_commit_sha: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
    const octokit = await asInstallation(local);
    const path = "migrations/0003_notes.sql";
    const content = await octokit.request("GET /repos/{owner}/{repo}/contents/{path}", { ...SHOP, path });
    expect(content.status).toBe(200);
  });

  it("tell that a pull request was closed and opened again", async () => {
    const { number } = await openPull(local);
    await local.call("POST", `${PULLS}/${number}/close`, { author: "wendy" });
    await local.call("POST", `${PULLS}/${number}/reopen`, { author: "wendy" });
    expect((await webhook("pull_request", "closed")).payload.pull_request.merged).toBe(false);
    expect((await webhook("pull_request", "reopened")).payload.pull_request.closed_at).toBeNull();
  });

  it("tell another title", async () => {
    const { number } = await openPull(local, { title: "Old" });
    await local.call("PATCH", `${PULLS}/${number}`, { author: "wendy", title: "New" });
    const { payload } = await webhook("pull_request", "edited");
    expect(payload).toMatchObject({ changes: { title: { from: "Old" } }, pull_request: { title: "New" } });
  });

  it("tell comments, on an issue that is a pull request", async () => {
    const { number } = await openPull(local);
    const said = { author: "rita", body: "/db status" };
    const { id } = await local.call<{ id: number }>("POST", `${PULLS}/${number}/comments`, said);
    const url = `${PULLS}/${number}/comments/${id}`;
    await local.call("PATCH", url, { author: "rita", body: "never mind" });
    await local.call("DELETE", url, { author: "rita" });
    expect((await webhook("issue_comment", "created")).payload).toMatchObject({
      issue: { number, pull_request: { merged_at: null } },
      comment: { id, body: "/db status", user: { login: "rita" }, performed_via_github_app: null },
    });
    expect((await webhook("issue_comment", "edited")).payload.changes).toEqual({
      body: { from: "/db status" },
    });
    expect((await webhook("issue_comment", "deleted")).payload.comment.id).toBe(id);
  });

  it("tell the App its own comments too", async () => {
    const { number: issue_number } = await openPull(local);
    const octokit = await asInstallation(local);
    await octokit.request("POST /repos/{owner}/{repo}/issues/{issue_number}/comments", {
      ...{ ...SHOP, issue_number, body: "hello" },
    });
    const { payload } = await webhook("issue_comment", "created");
    expect(payload.sender).toMatchObject({ login: "offshoot-local[bot]", type: "Bot" });
  });
});

describe("deliveries", () => {
  it("that failed are not repeated, and can be sent again with the same GUID", async () => {
    answerStatus = 500;
    const listener = await local.listen();
    await openPull(local);
    await listener.next(({ event }) => event === "delivery");
    const octokit = asApp(local);
    const [failed] = (await octokit.request("GET /app/hook/deliveries")).data;
    expect(failed).toMatchObject({ status_code: 500, redelivery: false, event: "pull_request" });

    answerStatus = 202;
    await octokit.request(`POST /app/hook/deliveries/${failed?.id}/attempts`);
    await listener.next(({ event }) => event === "delivery");
    listener.close();
    const [again, ...before] = (await octokit.request("GET /app/hook/deliveries")).data;
    expect(again).toMatchObject({ guid: failed?.guid, status: "OK", redelivery: true });
    expect(before[0]?.id).toBe(failed?.id);
    const both = received.map(({ headers, text }) => [headers["x-github-delivery"], text]);
    expect(both).toEqual([both[0], both[0]]);
  });

  it("are listed by what became of them, page by page, for our own redelivery", async () => {
    const listener = await local.listen();
    const open = async (status: number) => {
      answerStatus = status;
      await openPull(local);
      await listener.next(({ event }) => event === "delivery");
    };
    for (const status of [500, 202, 302, 404]) await open(status);
    const { ready } = local;
    const redelivery = createRedelivery({
      ...{ appId: ready.appId, privateKey: readFileSync(ready.privateKeyFile, "utf8") },
      ...{ apiUrl: ready.apiUrl, host: "github.test", appUserAgent: "offshoot-test" },
    });
    const first = await redelivery.failed(1, null);
    const second = await redelivery.failed(1, first?.next ?? null);
    expect([first, second].flatMap((page) => page?.attempts ?? [])).toMatchObject([
      { statusCode: 404, isRepeat: false },
      { statusCode: 500, isRepeat: false },
    ]);
    answerStatus = 202;
    expect(await redelivery.again(second?.attempts[0]?.id ?? "")).toBe("asked");
    await listener.next(({ event }) => event === "delivery");
    listener.close();
    expect(received.at(-1)?.headers["x-github-delivery"]).toBe(second?.attempts[0]?.guid);
    expect(await redelivery.again("7")).toBe("absent");
    expect(await redelivery.failed(1, "7")).toBeNull();
    const octokit = asApp(local);
    const list = async (status: "success" | "failure") =>
      (await octokit.request("GET /app/hook/deliveries", { status })).data.map((one) => one.status_code);
    expect(await list("success")).toEqual(expect.arrayContaining([202, 302]));
    expect(await list("failure")).not.toEqual(expect.arrayContaining([302]));
    const other = octokit.request("GET /app/hook/deliveries", { status: "lost" as "failure" });
    await expect(other).rejects.toMatchObject({ status: 422 });
  });

  it("tell what was sent and answered", async () => {
    const listener = await local.listen();
    await openPull(local);
    await listener.next(({ event }) => event === "delivery");
    listener.close();
    const octokit = asApp(local);
    const [last] = (await octokit.request("GET /app/hook/deliveries", { per_page: 1 })).data;
    // Its id has more digits than a number holds.
    expect(Number.isSafeInteger(Number(last?.id))).toBe(false);
    const { data } = await octokit.request(`GET /app/hook/deliveries/${last?.id}`);
    expect(data).toMatchObject({
      id: last?.id,
      request: { payload: { action: "opened" } },
      response: { payload: "noted" },
    });
  });

  it("fail while nobody listens, and a person may have them sent again", async () => {
    const lonely = await startLocalGitHub();
    const listener = await lonely.listen();
    await openPull(lonely);
    await listener.next(({ event }) => event === "delivery");
    const list = () => lonely.call<readonly { id: string }[]>("GET", "/deliveries");
    const [first, ...more] = await list();
    expect([first, more]).toMatchObject([{ status_code: 502, status: "failed to connect to host" }, []]);
    await lonely.call("POST", `/deliveries/${first?.id}/redeliver`);
    await listener.next(({ event }) => event === "delivery");
    listener.close();
    expect(await list()).toMatchObject([{ redelivery: true }, { id: first?.id, redelivery: false }]);
    expect(await lonely.stop()).toBe(0);
  });
});
