import { describe, expect, it } from "vitest";
import { gitHubWith, ok, SHA, said } from "../support/contract-github.ts";

describe("pull requests", () => {
  const repo = { id: 42, full_name: "acme/shop" };
  const pull = (more: object = {}) => ({
    number: 3,
    state: "open",
    merged: false,
    created_at: "2026-01-02T03:04:05Z",
    closed_at: null,
    head: { sha: SHA, ref: "feature", repo },
    base: { ref: "main", repo },
    user: { login: "mona", type: "User" },
    ...more,
  });

  it("are read by number, with the name that GitHub has now", async () => {
    const renamed = { ...repo, full_name: "acme/store" };
    const { github, here } = await gitHubWith(() => ok(pull({ base: { ref: "main", repo: renamed } })));
    expect(await github.readPull(here)).toEqual({
      number: 3,
      repositoryId: 42,
      repositoryName: "acme/store",
      state: "open",
      merged: false,
      createdAt: new Date("2026-01-02T03:04:05Z"),
      closedAt: null,
      headSha: SHA,
      headRef: "feature",
      baseRef: "main",
      fork: false,
      author: "mona",
      authorIsBot: false,
    });
  });

  it.each([
    ["of a fork", { head: { sha: SHA, ref: "f", repo: { id: 43 } } }],
    ["of a fork that was deleted", { head: { sha: SHA, ref: "f", repo: null } }],
  ])("%s are forks", async (_name, more) => {
    const { github, here } = await gitHubWith(() => ok(pull(more)));
    expect(await github.readPull(here)).toMatchObject({ fork: true });
  });

  it("of another repository under the same name are not seen", async () => {
    const { github, here } = await gitHubWith(() =>
      ok(pull({ base: { ref: "main", repo: { ...repo, id: 43 } } })),
    );
    expect(await github.readPull(here)).toBeNull();
  });

  it("of a deleted account are by ghost", async () => {
    const { github, here } = await gitHubWith(() => ok(pull({ user: null })));
    expect(await github.readPull(here)).toMatchObject({ author: "ghost", authorIsBot: false });
  });
});

describe("permissions", () => {
  it.each([
    ["triage", "none"],
    [undefined, "none"],
    ["read", "read"],
    ["write", "write"],
    ["admin", "admin"],
  ])("%s is %s", async (permission, expected) => {
    const { github, here } = await gitHubWith(() => ok({ permission }));
    expect(await github.readPermission(here, "mona")).toBe(expected);
  });

  it.each([404, 403, 422])("a %i is none", async (status) => {
    const { github, here } = await gitHubWith(() => said(status, "No"));
    expect(await github.readPermission(here, "mona")).toBe("none");
  });

  it("a server error is not an answer", async () => {
    const { github, here } = await gitHubWith(() => said(503, "No"));
    await expect(github.readPermission(here, "mona")).rejects.toMatchObject({ name: "Retryable" });
  });
});

describe("comments", () => {
  it("are found over all pages, only this App's own, oldest first", async () => {
    const comment = (id: number, app: number | null, body = "<!-- mark --> text") => ({
      id,
      body,
      performed_via_github_app: app === null ? null : { id: app },
    });
    const pages = [
      [comment(9, 11), comment(2, 12), comment(3, null)],
      [comment(4, 11, "no marker"), comment(5, 11)],
    ];
    const { github, here, calls } = await gitHubWith(({ path }) => {
      const page = Number(new URL(path, "http://x").searchParams.get("page"));
      const link = { link: '<https://x/?page=2>; rel="next"' };
      return ok(pages[page - 1], page === 1 ? link : {});
    });
    expect(await github.findComments(here, "<!-- mark -->")).toEqual([
      { id: 5, body: "<!-- mark --> text" },
      { id: 9, body: "<!-- mark --> text" },
    ]);
    expect(calls()).toHaveLength(2);
  });

  it("are not searched for ever", async () => {
    const { github, here } = await gitHubWith(() => ok([], { link: '<https://x/?page=2>; rel="next"' }));
    await expect(github.findComments(here, "m")).rejects.toMatchObject({ reason: "too_many_comments" });
  });

  it("are not taken for written when a rename turned the POST into a GET", async () => {
    const { github, here, calls } = await gitHubWith(({ method, path }) =>
      method === "POST" ? { status: 301, headers: { location: `${path}?moved` } } : ok([]),
    );
    await expect(github.createComment(here, "Hello")).rejects.toMatchObject({ reason: "repository_moved" });
    expect(calls().map(({ method }) => method)).toEqual(["POST", "GET"]);
  });

  it("know whether they were edited", async () => {
    const comment = {
      id: 5,
      body: "/db create",
      issue_url: "https://api.github.test/repos/acme/shop/issues/3",
      created_at: "2026-01-02T03:04:05Z",
      updated_at: "2026-01-02T03:05:00Z",
      user: { login: "dependabot[bot]", type: "Bot" },
    };
    const { github, here } = await gitHubWith(() => ok(comment));
    expect(await github.readComment(here, 5)).toEqual({
      id: 5,
      number: 3,
      body: "/db create",
      createdAt: new Date("2026-01-02T03:04:05Z"),
      edited: true,
      author: "dependabot[bot]",
      authorIsBot: true,
    });
  });
});
