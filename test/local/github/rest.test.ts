import { get } from "node:http";
import type { Octokit } from "@octokit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalGitHub, startLocalGitHub } from "../../support/local-github.ts";
import { asInstallation, openPull, PULLS, SHOP } from "./clients.ts";

let local: LocalGitHub;
let octokit: Octokit;
beforeAll(async () => {
  local = await startLocalGitHub();
  octokit = await asInstallation(local);
});
afterAll(() => local?.stop());

describe("pull requests", () => {
  it("are listed, the newest first, by their state", async () => {
    const first = await openPull(local);
    const second = await openPull(local);
    await local.call("POST", `${PULLS}/${second.number}/close`, { author: "wendy" });
    const numbers = async (state: "open" | "closed" | "all") => {
      const { data } = await octokit.request("GET /repos/{owner}/{repo}/pulls", { ...SHOP, state });
      return data.map(({ number }) => number);
    };
    expect(await numbers("open")).toContain(first.number);
    expect(await numbers("open")).not.toContain(second.number);
    expect(await numbers("closed")).toContain(second.number);
    expect((await numbers("all")).slice(0, 2)).toEqual([second.number, first.number]);
  });

  it("list what they change", async () => {
    const { number: pull_number } = await openPull(local, {
      files: { "README.md": null, "a/b.sql": "select 1;\n" },
    });
    const { data } = await octokit.request("GET /repos/{owner}/{repo}/pulls/{pull_number}/files", {
      ...{ ...SHOP, pull_number },
    });
    expect(data.map(({ filename, status }) => [filename, status])).toEqual([
      ["README.md", "removed"],
      ["a/b.sql", "added"],
    ]);
  });

  it("of a fork have its repository as their head, and their commits are read from the base", async () => {
    const { number, headSha } = await openPull(local, { author: "mallory" });
    const { data } = await octokit.request("GET /repos/{owner}/{repo}/pulls/{pull_number}", {
      ...{ ...SHOP, pull_number: number },
    });
    expect(data.head).toMatchObject({ sha: headSha, repo: { full_name: "mallory/shop", fork: true } });
    expect(data.base.repo.full_name).toBe("acme/shop");
    const path = { ...SHOP, commit_sha: headSha };
    const commit = await octokit.request("GET /repos/{owner}/{repo}/git/commits/{commit_sha}", path);
    expect(commit.data.sha).toBe(headSha);
  });
});

describe("git objects", () => {
  it("have the SHAs that git gives them", async () => {
    const { headSha } = await openPull(local, { files: { "same.txt": "hello\n" } });
    const path = { ...SHOP, path: "same.txt", ref: headSha };
    const { data } = await octokit.request("GET /repos/{owner}/{repo}/contents/{path}", path);
    // printf 'hello\n' | git hash-object --stdin
    expect(data).toMatchObject({ sha: "ce013625030ba8dba906f756967f9e9ca394464a", type: "file" });
  });

  it("are listed with their directories when a tree is asked for recursively", async () => {
    const { headSha: tree_sha } = await openPull(local);
    const path = { ...SHOP, tree_sha, recursive: "1" };
    const { data } = await octokit.request("GET /repos/{owner}/{repo}/git/trees/{tree_sha}", path);
    expect(data.tree.map(({ path: at, type }) => `${type} ${at}`)).toEqual([
      "blob README.md",
      "tree migrations",
      "blob migrations/0001_customers.sql",
      "blob migrations/0002_orders.sql",
      "blob migrations/0003_notes.sql",
    ]);
  });

  it("give a commit with what it changed", async () => {
    const { headSha: ref } = await openPull(local);
    const { data } = await octokit.request("GET /repos/{owner}/{repo}/commits/{ref}", { ...SHOP, ref });
    expect(data).toMatchObject({ author: { login: "wendy" }, stats: { additions: 1, deletions: 0 } });
  });

  it("that do not exist are not found", async () => {
    const sha = "0".repeat(40);
    const asked = [
      octokit.request("GET /repos/{owner}/{repo}/git/commits/{commit_sha}", { ...SHOP, commit_sha: sha }),
      octokit.request("GET /repos/{owner}/{repo}/git/trees/{tree_sha}", { ...SHOP, tree_sha: sha }),
      octokit.request("GET /repos/{owner}/{repo}/git/blobs/{file_sha}", { ...SHOP, file_sha: sha }),
      octokit.request("GET /repos/{owner}/{repo}/contents/{path}", { ...SHOP, path: "no/such" }),
    ];
    await Promise.all(asked.map((one) => expect(one).rejects.toMatchObject({ status: 404 })));
  });
});

describe("requests", () => {
  const rateLimit = (headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      // Unlike fetch it sends no header of its own.
      get(`${local.ready.apiUrl}/rate_limit`, { headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).on("error", reject);
    });

  it("say who asks, and name a version of the API that there is, if any", async () => {
    expect(await rateLimit({ "user-agent": "test" })).toBe(200);
    expect(await rateLimit({})).toBe(403);
    const versions = ["2022-11-28", "2026-03-10", "2022-11-29"];
    const headers = (version: string) => ({ "user-agent": "test", "x-github-api-version": version });
    expect(await Promise.all(versions.map((version) => rateLimit(headers(version))))).toEqual([
      200, 200, 400,
    ]);
  });
});

describe("comments", () => {
  const comment = async (issue_number: number, body: string) =>
    octokit.request("POST /repos/{owner}/{repo}/issues/{issue_number}/comments", {
      ...SHOP,
      issue_number,
      body,
    });

  it("of the App are by its bot and name the App", async () => {
    const { number } = await openPull(local);
    const { data, status } = await comment(number, "hello");
    expect(status).toBe(201);
    expect(data).toMatchObject({
      user: { login: "offshoot-local[bot]", type: "Bot" },
      performed_via_github_app: { id: 1001, slug: "offshoot-local" },
    });
  });

  it("of people name no App", async () => {
    const { number: issue_number } = await openPull(local);
    await local.call("POST", `${PULLS}/${issue_number}/comments`, { author: "rita", body: "hello" });
    const path = { ...SHOP, issue_number };
    const { data } = await octokit.request("GET /repos/{owner}/{repo}/issues/{issue_number}/comments", path);
    expect(data).toMatchObject([{ user: { login: "rita" }, performed_via_github_app: null }]);
  });

  it("come in pages that lead to each other", async () => {
    const { number: issue_number } = await openPull(local);
    for (const body of ["one", "two", "three"]) await comment(issue_number, body);
    const page = (number: number) =>
      octokit.request("GET /repos/{owner}/{repo}/issues/{issue_number}/comments", {
        ...{ ...SHOP, issue_number, per_page: 2, page: number },
      });
    const first = await page(1);
    expect(first.headers.link).toContain('page=2>; rel="next"');
    const second = await page(2);
    expect(second.headers.link).not.toContain('rel="next"');
    expect([...first.data, ...second.data].map(({ body }) => body)).toEqual(["one", "two", "three"]);
  });

  it("may have 65,536 characters and no more", async () => {
    const { number } = await openPull(local);
    await expect(comment(number, "é".repeat(65_536))).resolves.toMatchObject({ status: 201 });
    await expect(comment(number, "é".repeat(65_537))).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining("Body is too long"),
    });
    await expect(comment(number, " ")).rejects.toMatchObject({ status: 422 });
  });

  it("are edited and deleted", async () => {
    const { number } = await openPull(local);
    const { data } = await comment(number, "before");
    const path = { ...SHOP, comment_id: Number(data.id) };
    const edited = await octokit.request("PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}", {
      ...{ ...path, body: "after" },
    });
    expect(edited.data.body).toBe("after");
    expect(edited.data.updated_at).not.toBe(edited.data.created_at);
    await octokit.request("DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}", path);
    await expect(
      octokit.request("GET /repos/{owner}/{repo}/issues/comments/{comment_id}", path),
    ).rejects.toMatchObject({ status: 404 });
  });

  it("get each reaction once", async () => {
    const { number } = await openPull(local);
    const path = { ...SHOP, comment_id: Number((await comment(number, "hello")).data.id) };
    const url = "POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions";
    const first = await octokit.request(url, { ...path, content: "eyes" });
    const again = await octokit.request(url, { ...path, content: "eyes" });
    expect([first.status, again.status, again.data.id]).toEqual([201, 200, first.data.id]);
    await octokit.request(
      "DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions/{reaction_id}",
      {
        ...{ ...path, reaction_id: first.data.id },
      },
    );
    const left = await octokit.request(
      "GET /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions",
      path,
    );
    expect(left.data).toEqual([]);
  });
});

describe("permissions of people", () => {
  it.each([
    ["alice", "shop", "admin"],
    ["wendy", "shop", "write"],
    ["rita", "shop", "read"],
    ["mallory", "shop", "read"],
    ["mallory", "blog", "none"],
  ])("%s has on %s: %s", async (username, repo, permission) => {
    const { data } = await octokit.request("GET /repos/{owner}/{repo}/collaborators/{username}/permission", {
      ...{ owner: "acme", repo, username },
    });
    expect(data).toMatchObject({ permission, user: { login: username } });
  });

  it("of somebody whom nobody knows are not found", async () => {
    const path = { ...SHOP, username: "nobody" };
    await expect(
      octokit.request("GET /repos/{owner}/{repo}/collaborators/{username}/permission", path),
    ).rejects.toMatchObject({ status: 404, message: expect.stringContaining("nobody is not a user") });
  });
});

describe("every answer", () => {
  it("tells the rate limit, and is not sent again to whoever has it", async () => {
    const { number: pull_number } = await openPull(local);
    const ask = (headers: Record<string, string>) =>
      octokit.request("GET /repos/{owner}/{repo}/pulls/{pull_number}", { ...SHOP, pull_number, headers });
    const { headers } = await ask({});
    expect(headers).toMatchObject({ "x-ratelimit-limit": "5000", "x-ratelimit-resource": "core" });
    await expect(ask({ "if-none-match": String(headers.etag) })).rejects.toMatchObject({ status: 304 });
  });

  it("to what is no JSON says so", async () => {
    const { token } = (await octokit.auth()) as { token: string };
    const answer = await fetch(`${local.ready.apiUrl}/repos/acme/shop/issues/1/comments`, {
      ...{ method: "POST", body: "{", headers: { authorization: `token ${token}` } },
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ message: "Problems parsing JSON" });
  });
});
