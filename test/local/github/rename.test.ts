import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalGitHub, startLocalGitHub } from "../../support/local-github.ts";
import { asInstallation, SHOP } from "./clients.ts";

let local: LocalGitHub;
beforeAll(async () => {
  local = await startLocalGitHub();
});
afterAll(() => local?.stop());

describe("a repository's name", () => {
  const SHOP_ID = 4001;

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
