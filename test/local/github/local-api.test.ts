import { chmod, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type LocalGitHub, startLocalGitHub } from "../../support/local-github.ts";
import { asInstallation, openPull, PULLS, SHOP } from "./clients.ts";

let directory: string;
let local: LocalGitHub;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "offshoot-github-"));
  local = await startLocalGitHub({ directory, flags: { record: join(directory, "record") } });
});
afterAll(async () => {
  await local?.stop();
  await rm(directory, { recursive: true, force: true });
});

interface Shown {
  readonly pull: {
    readonly state: string;
    readonly files: Record<string, string>;
    readonly commits: object[];
  };
  readonly comments: { readonly html: string; readonly reactions: object; readonly isApp: boolean }[];
}

describe("a pull request", () => {
  it("is shown with its files, commits and conversation", async () => {
    const { number, headSha } = await openPull(local);
    await local.call("POST", `${PULLS}/${number}/comments`, { author: "rita", body: "**hello**" });
    const { pull, comments } = await local.call<Shown>("GET", `${PULLS}/${number}`);
    expect(pull).toMatchObject({ number, author: "wendy", state: "open", headSha, fork: false });
    expect(Object.keys(pull.files)).toContain("migrations/0003_notes.sql");
    expect(pull.commits).toMatchObject([{ sha: headSha, files: ["migrations/0003_notes.sql"] }]);
    expect(comments).toMatchObject([{ author: "rita", isApp: false, html: "<p><strong>hello</strong></p>" }]);
  });

  it("shows who reacted to a comment", async () => {
    const { number } = await openPull(local);
    const said = { author: "rita", body: "hello" };
    const { id } = await local.call<{ id: number }>("POST", `${PULLS}/${number}/comments`, said);
    const octokit = await asInstallation(local);
    await octokit.request("POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", {
      ...{ ...SHOP, comment_id: id, content: "eyes" },
    });
    const { comments } = await local.call<Shown>("GET", `${PULLS}/${number}`);
    expect(comments[0]?.reactions).toEqual({ eyes: ["offshoot-local[bot]"] });
  });

  it("comes from a fork when its author may not write", async () => {
    const { number } = await openPull(local, { author: "rita" });
    expect((await local.call<Shown>("GET", `${PULLS}/${number}`)).pull).toMatchObject({ fork: true });
  });

  it("keeps its head while it is closed, and follows its branch when it is opened again", async () => {
    const { number, headSha } = await openPull(local);
    await local.call("POST", `${PULLS}/${number}/close`, { author: "wendy" });
    const files = { "README.md": "new\n" };
    const pushed = await local.call<{ headSha: string }>("POST", `${PULLS}/${number}/push`, {
      ...{ author: "wendy", files },
    });
    expect((await local.call<Shown>("GET", `${PULLS}/${number}`)).pull).toMatchObject({ headSha });
    await local.call("POST", `${PULLS}/${number}/reopen`, { author: "wendy" });
    expect((await local.call<Shown>("GET", `${PULLS}/${number}`)).pull).toMatchObject(pushed);
  });

  it("is told to whoever listens", async () => {
    const listener = await local.listen();
    const { number } = await openPull(local);
    const message = await listener.next(({ event }) => event === "pull_request");
    listener.close();
    expect(message).toMatchObject({ action: "opened", repository: "acme/shop", number });
  });
});

describe("what cannot be", () => {
  const refused = [
    ["a file outside of the repository", "", { files: { "../x": "" } }, 422],
    ["a file in git's own directory", "", { files: { ".git/config": "" } }, 422],
    ["a file below a file", "", { files: { "README.md/x": "" } }, 422],
    ["an author whom nobody knows", "", { author: "nobody" }, 422],
    ["an author who sees nothing", "/../../blog/pulls", { author: "mallory" }, 404],
    ["a branch that is the base", "", { branch: "main" }, 422],
    ["a branch that git would not take", "", { branch: "a..b" }, 422],
    ["a field that does not exist", "", { colour: "red" }, 422],
  ] as const;
  it.each(refused)("is refused: %s", async (_what, path, change, status) => {
    const body = { author: "wendy", title: "No", branch: "no", files: {}, ...change };
    await expect(local.call("POST", PULLS + path, body)).rejects.toThrow(`answered ${status}`);
  });

  it("is refused: closing what is somebody else's without write access", async () => {
    const { number } = await openPull(local);
    await expect(local.call("POST", `${PULLS}/${number}/close`, { author: "rita" })).rejects.toThrow(
      "answered 403",
    );
  });

  it("is refused: rewriting what somebody else said without write access", async () => {
    const { number } = await openPull(local);
    const said = { author: "wendy", body: "hello" };
    const { id } = await local.call<{ id: number }>("POST", `${PULLS}/${number}/comments`, said);
    const rewritten = local.call("PATCH", `${PULLS}/${number}/comments/${id}`, {
      author: "rita",
      body: "no",
    });
    await expect(rewritten).rejects.toThrow("answered 403");
  });

  it("is refused: opening again what was merged", async () => {
    const { number } = await openPull(local);
    await local.call("POST", `${PULLS}/${number}/close`, { author: "alice", merged: true });
    await expect(local.call("POST", `${PULLS}/${number}/reopen`, { author: "alice" })).rejects.toThrow(
      "answered 422",
    );
  });

  it("is refused: a second open pull request of the same branch", async () => {
    await openPull(local, { branch: "twice" });
    await expect(openPull(local, { branch: "twice" })).rejects.toThrow("A pull request already exists");
  });

  it("is refused: text that no page of this origin sent", async () => {
    const url = `${local.ready.pageUrl}/_local${PULLS}`;
    const answer = await fetch(url, {
      method: "POST",
      body: "{}",
      headers: { "content-type": "text/plain" },
    });
    expect(answer.status).toBe(415);
  });
});

describe("faults", () => {
  afterEach(() => local.call("DELETE", "/faults"));
  const comment = async () => {
    const { number } = await openPull(local);
    const octokit = await asInstallation(local);
    const send = () =>
      octokit.request("POST /repos/{owner}/{repo}/issues/{issue_number}/comments", {
        ...{ ...SHOP, issue_number: number, body: "hello", request: { signal: AbortSignal.timeout(1_000) } },
      });
    return { number, send };
  };
  const fail = (fault: object) =>
    local.call("POST", "/faults", { method: "POST", pathPattern: "/comments$", times: 1, ...fault });
  const count = async (number: number) =>
    (await local.call<Shown>("GET", `${PULLS}/${number}`)).comments.length;

  it.each([
    [{ answer: 500 }, { status: 500 }],
    [
      { answer: 429, retryAfterSeconds: 7 },
      { status: 429, response: { headers: { "retry-after": "7" } } },
    ],
    [{ answer: "secondary" }, { status: 403, message: expect.stringContaining("secondary rate limit") }],
  ])("answer %j once, and nothing happens", async (fault, expected) => {
    const { number, send } = await comment();
    await fail(fault);
    await expect(send()).rejects.toMatchObject(expected);
    expect(await count(number)).toBe(0);
    await expect(send()).resolves.toMatchObject({ status: 201 });
  });

  it("lose an answer after its effect", async () => {
    const { number, send } = await comment();
    await fail({ answer: "lost" });
    await expect(send()).rejects.toThrow();
    expect(await count(number)).toBe(1);
  });

  it("leave a request without any answer", async () => {
    const { number, send } = await comment();
    await fail({ answer: "hang" });
    await expect(send()).rejects.toThrow(/timeout|aborted/i);
    expect(await count(number)).toBe(0);
  });

  it("with a pattern that is none are refused", async () => {
    await expect(fail({ answer: 500, pathPattern: "(" })).rejects.toThrow("not a regular expression");
  });
});

describe("the process", () => {
  it("keeps the private key from other people", async () => {
    expect((await stat(local.ready.privateKeyFile)).mode & 0o777).toBe(0o600);
  });

  it("keeps the App's key over a restart, unless others could have read it, and gives no id twice", async () => {
    const home = await mkdtemp(join(tmpdir(), "offshoot-github-"));
    const startOnce = async () => {
      const one = await startLocalGitHub({ directory: home });
      try {
        const octokit = await asInstallation(one);
        const { data } = await octokit.request("GET /repos/{owner}/{repo}", SHOP);
        const { number } = await openPull(one);
        const { id: comment } = await one.call<{ id: number }>("POST", `${PULLS}/${number}/comments`, {
          author: "wendy",
          body: "Hello",
        });
        return { key: await readFile(one.ready.privateKeyFile, "utf8"), ids: [data.id, comment] };
      } finally {
        await one.stop();
      }
    };
    const first = await startOnce();
    const second = await startOnce();
    await chmod(join(home, "app.pem"), 0o644);
    const third = await startOnce();
    expect(second.key).toBe(first.key);
    expect(third.key).not.toBe(first.key);
    expect(new Set([first, second, third].flatMap(({ ids }) => ids)).size).toBe(6);
    await rm(home, { recursive: true });
  });

  it("records requests and answers, without tokens", async () => {
    await asInstallation(local);
    const text = await readFile(join(directory, "record"), "utf8");
    const calls = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(calls).toContainEqual(
      expect.objectContaining({ method: "POST", path: "/app/installations/5001/access_tokens", status: 201 }),
    );
    expect(text).not.toMatch(/ghs_1001|Bearer/);
  });

  it("says what is wrong with its flags", async () => {
    await expect(startLocalGitHub({ flags: { port: "x" } })).rejects.toThrow("--port x");
    await expect(startLocalGitHub({ flags: { "webhook-url": "nowhere" } })).rejects.toThrow(
      "--webhook-url nowhere",
    );
  });

  it("shows no clusters without a local DSQL", async () => {
    expect(await local.call("GET", "/clusters")).toEqual([]);
  });
});
