import type { Octokit } from "@octokit/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalGitHub, startLocalGitHub } from "../../support/local-github.ts";
import { asApp, asInstallation, openPull, PULLS, SHOP, withToken } from "./clients.ts";

const BRANCHES = "/repositories/acme/shop/branches";
const NO_COMMIT = "0".repeat(40);

let local: LocalGitHub;
let octokit: Octokit;
beforeAll(async () => {
  local = await startLocalGitHub();
  octokit = await asInstallation(local);
});
afterAll(() => local?.stop());

/** Wendy pushes a file named after the git branch; a slash of the name is %2F in the path. */
const push = (gitBranch: string, more: object = {}) =>
  local.call<{ headSha: string }>("POST", `${BRANCHES}/${encodeURIComponent(gitBranch)}/push`, {
    ...{ author: "wendy", files: { [fileOf(gitBranch)]: "SELECT 1;\n" }, ...more },
  });
const fileOf = (gitBranch: string) => `migrations/${gitBranch.replaceAll("/", "_")}.sql`;
const remove = (gitBranch: string, author = "wendy") =>
  local.call("DELETE", `${BRANCHES}/${encodeURIComponent(gitBranch)}`, { author });
const branch = async (name: string) =>
  (await octokit.request("GET /repos/{owner}/{repo}/branches/{branch}", { ...SHOP, branch: name })).data;

interface Sent {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: payloads are read as their receiver reads them
  readonly payload: any;
}

/** The webhooks that something causes, in the order in which they were sent; it ends with the event `last`. */
async function sentBy(last: string, act: () => Promise<unknown>): Promise<readonly Sent[]> {
  type Item = { readonly id: number; readonly event: string };
  const before = (await local.call<readonly Item[]>("GET", "/deliveries"))[0]?.id ?? 0;
  await act();
  const sent = async (): Promise<readonly Item[]> =>
    (await local.call<readonly Item[]>("GET", "/deliveries")).filter(({ id }) => id > before).reverse();
  await expect.poll(async () => (await sent()).at(-1)?.event).toBe(last);
  return Promise.all(
    (await sent()).map(async ({ id, event }) => {
      const { request } = await local.call<{ request: Sent }>("GET", `/deliveries/${id}`);
      return { event, payload: request.payload };
    }),
  );
}

describe("a git branch", () => {
  it("begins at the default branch, and its files are read at its head", async () => {
    const { headSha } = await push("feature/one");
    const data = await branch("feature/one");
    expect(data).toMatchObject({ name: "feature/one", protected: false, commit: { sha: headSha } });
    expect(data.commit.parents[0]?.sha).toBe((await branch("main")).commit.sha);
    const path = { ...SHOP, path: "migrations", ref: headSha };
    const listed = await octokit.request("GET /repos/{owner}/{repo}/contents/{path}", path);
    expect(listed.data).toHaveLength(3);
    const tree = await octokit.request("GET /repos/{owner}/{repo}/git/trees/{tree_sha}", {
      ...{ ...SHOP, tree_sha: headSha },
    });
    expect(tree.data.tree.map(({ path: name }) => name)).toEqual(["README.md", "migrations"]);
  });

  it("is found with its slashes written out as well", async () => {
    await push("feature/two");
    const { data } = await octokit.request(`GET /repos/acme/shop/branches/feature/two`);
    expect(data.name).toBe("feature/two");
  });

  it("that is not there is not found", async () => {
    await expect(branch("nowhere")).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining("Branch not found"),
    });
  });

  it("is shown to who may read contents, and to the App's own token not at all", async () => {
    const narrow = await asInstallation(local, { permissions: { issues: "read" } });
    const path = { ...SHOP, branch: "main" };
    const url = "GET /repos/{owner}/{repo}/branches/{branch}";
    await expect(narrow.request(url, path)).rejects.toMatchObject({ status: 403 });
    const { token } = (await asApp(local).auth({ type: "app" })) as { token: string };
    await expect(withToken(local, token).request(url, path)).rejects.toMatchObject({ status: 401 });
  });

  it.each([
    ["pushing without write access", () => push("mine", { author: "rita" }), 403],
    ["deleting without write access", () => remove("feature/one", "rita"), 403],
    ["deleting the default branch", () => remove("main", "alice"), 422],
    ["deleting what is not there", () => remove("nowhere"), 422],
    ["a name that git would not take", () => push("a..b"), 422],
  ])("is refused: %s", async (_what, act, status) => {
    await expect(act()).rejects.toThrow(`answered ${status}`);
  });
});

describe("webhooks of git branches", () => {
  it("tell that one was created, by its short name, and what was pushed, by its full one", async () => {
    const sent = await sentBy("push", () => push("told/new"));
    const headSha = (await branch("told/new")).commit.sha;
    expect(sent.map(({ event }) => event)).toEqual(["create", "push"]);
    expect(sent[0]?.payload).toMatchObject({
      ...{ ref: "told/new", ref_type: "branch", master_branch: "main", pusher_type: "user" },
      ...{ repository: { id: 4001 }, installation: { id: local.ready.installationId } },
    });
    expect(sent[1]?.payload).toMatchObject({
      ...{ ref: "refs/heads/told/new", before: NO_COMMIT, after: headSha },
      ...{ created: true, deleted: false, forced: false, head_commit: { id: headSha } },
      commits: [{ added: [fileOf("told/new")], removed: [], modified: [] }],
      ...{ pusher: { name: "wendy" }, sender: { login: "wendy" }, repository: { id: 4001 } },
      installation: { id: local.ready.installationId },
    });
  });

  it("tell where it was before, and whether that is still part of it", async () => {
    const first = await push("told/again");
    const [next] = await sentBy("push", () => push("told/again", { files: { "a.txt": "1" } }));
    expect(next?.payload).toMatchObject({ before: first.headSha, created: false, forced: false });
    const [last] = await sentBy("push", () => push("told/again", { files: { "b.txt": "1" }, force: true }));
    expect(last?.payload).toMatchObject({ before: next?.payload.after, created: false, forced: true });
    const path = { ...SHOP, path: "a.txt", ref: "told/again" };
    const gone = octokit.request("GET /repos/{owner}/{repo}/contents/{path}", path);
    await expect(gone).rejects.toMatchObject({ status: 404 });
  });

  it("tell that one was deleted", async () => {
    const { headSha } = await push("told/gone");
    const sent = await sentBy("push", () => remove("told/gone"));
    expect(sent.map(({ event }) => event)).toEqual(["delete", "push"]);
    expect(sent[0]?.payload).toMatchObject({ ref: "told/gone", ref_type: "branch" });
    expect(sent[1]?.payload).toMatchObject({
      ...{ before: headSha, after: NO_COMMIT, deleted: true, head_commit: null, commits: [] },
    });
    await expect(branch("told/gone")).rejects.toMatchObject({ status: 404 });
  });

  it("tell a merge as a push to the base branch", async () => {
    const { number } = await openPull(local);
    const before = (await branch("main")).commit.sha;
    const merge = () => local.call("POST", `${PULLS}/${number}/close`, { author: "alice", merged: true });
    const sent = await sentBy("pull_request", merge);
    const merged = (await branch("main")).commit.sha;
    expect(sent[0]).toMatchObject({ event: "push", payload: { ref: "refs/heads/main", before } });
    expect(sent[0]?.payload.after).toBe(merged);
  });

  it("do not tell what happens in a fork, but that its pull request moved", async () => {
    const { number } = await openPull(local, { author: "mallory" });
    const files = { "a.txt": "1" };
    const act = () => local.call("POST", `${PULLS}/${number}/push`, { author: "mallory", files });
    expect((await sentBy("pull_request", act)).map(({ event }) => event)).toEqual(["pull_request"]);
  });
});

describe("a pull request whose git branch is pushed first", () => {
  const open = async (name: string, more: object = {}) => {
    const { headSha } = await push(name);
    const pull = await openPull(local, { branch: name, files: {}, ...more });
    expect(pull.headSha).toBe(headSha);
    return pull;
  };

  it("brings the commits that the default branch lacks", async () => {
    const { number: pull_number } = await open("first/files");
    const path = { ...SHOP, pull_number };
    const { data } = await octokit.request("GET /repos/{owner}/{repo}/pulls/{pull_number}", path);
    expect(data).toMatchObject({ commits: 1, changed_files: 1, head: { ref: "first/files" } });
  });

  it("is refused when there are none", async () => {
    const { number } = await open("first/none");
    await local.call("POST", `${PULLS}/${number}/close`, { author: "alice", merged: true });
    const again = openPull(local, { branch: "first/none", files: {} });
    await expect(again).rejects.toThrow("No commits between main and first/none");
  });

  it("follows it, with both webhooks, whichever way it is pushed", async () => {
    const { number, headSha } = await open("first/follow");
    const files = { "a.txt": "1" };
    const byBranch = await sentBy("pull_request", () => push("first/follow", { files }));
    const again = { author: "wendy", files: { "b.txt": "1" } };
    const byPull = await sentBy("pull_request", () => local.call("POST", `${PULLS}/${number}/push`, again));
    for (const sent of [byBranch, byPull])
      expect(sent.map(({ event, payload }) => [event, payload.action])).toEqual([
        ["push", undefined],
        ["pull_request", "synchronize"],
      ]);
    expect(byBranch[1]?.payload).toMatchObject({ before: headSha, after: byBranch[0]?.payload.after });
    expect(byPull[1]?.payload.pull_request).toMatchObject({ commits: 3 });
  });

  it("is closed when it is deleted, and cannot be opened again", async () => {
    const { number } = await open("first/deleted");
    const sent = await sentBy("pull_request", () => remove("first/deleted"));
    expect(sent.at(-1)?.payload).toMatchObject({ action: "closed", pull_request: { merged: false } });
    const reopen = local.call("POST", `${PULLS}/${number}/reopen`, { author: "wendy" });
    await expect(reopen).rejects.toThrow("branch has been deleted");
  });
});
