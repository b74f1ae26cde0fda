import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { localGitHubSubject } from "../../support/contract-github-local.ts";
import { type LocalGitHub, startLocalGitHub } from "../../support/local-github.ts";
import { asInstallation, SHOP } from "./clients.ts";

let local: LocalGitHub;
beforeAll(async () => {
  local = await startLocalGitHub();
});
afterAll(() => local?.stop());

describe("a repository's name", () => {
  const SHOP_ID = 4001;

  it("takes our comments after a rename: what writes is led on as it is, where reading may change the method", async () => {
    const { github, target } = await localGitHubSubject(local);
    await local.call("POST", "/repositories/acme/shop/rename", { name: "depot" });
    const { id } = await github.createComment(target, "hello");
    expect(await github.editComment(target, id, "hello again")).toBe("edited");
    const pull = `/repositories/acme/depot/pulls/${target.number}`;
    const { comments } = await local.call<{ comments: readonly object[] }>("GET", pull);
    expect(comments.at(-1)).toMatchObject({ id, body: "hello again" });

    const octokit = await asInstallation(local);
    const status = (route: string, more = {}) =>
      octokit.request(route, { ...SHOP, ...more, request: { redirect: "manual" } }).then(
        ({ status }) => status,
        ({ status }) => status,
      );
    expect(await status("GET /repos/{owner}/{repo}")).toBe(301);
    const comment = { issue_number: target.number, body: "hello" };
    expect(await status("POST /repos/{owner}/{repo}/issues/{issue_number}/comments", comment)).toBe(307);
    await local.call("POST", "/repositories/acme/depot/rename", { name: "shop" });
  });

  it("leads nobody on who may not see the repository", async () => {
    await local.call("POST", "/repositories/acme/blog/rename", { name: "diary" });
    const octokit = await asInstallation(local, { repository_ids: [SHOP_ID] });
    const seen = octokit.request("GET /repos/{owner}/{repo}", { owner: "acme", repo: "blog" });
    await expect(seen).rejects.toMatchObject({ status: 404 });
    await local.call("POST", "/repositories/acme/diary/rename", { name: "blog" });
  });

  it("leads to it after a rename, until another repository takes it", async () => {
    const octokit = await asInstallation(local);
    await local.call("POST", "/repositories/acme/shop/rename", { name: "store" });
    const led = await octokit.request("GET /repos/{owner}/{repo}", SHOP);
    expect(led.data).toMatchObject({ id: SHOP_ID, full_name: "acme/store" });
    expect(led.url).toMatch(/\/repositories\/4001$/);
    await local.call("POST", "/repositories", { author: "mallory", name: "shop", files: { "a.md": "a" } });
    const { data } = await octokit.request("GET /repos/{owner}/{repo}", SHOP);
    expect(data.id).not.toBe(SHOP_ID);
    expect(data.full_name).toBe("acme/shop");
  });

  it("is not needed where its id is known, and no id stands for none", async () => {
    const octokit = await asInstallation(local);
    const branch = await octokit.request("GET /repositories/4001/branches/main");
    expect(branch.data.name).toBe("main");
    await expect(octokit.request("GET /repositories/1/branches/main")).rejects.toMatchObject({ status: 404 });
  });

  it("of one that exists is not given to another", async () => {
    await expect(local.call("POST", "/repositories/acme/store/rename", { name: "blog" })).rejects.toThrow(
      "422",
    );
  });
});
