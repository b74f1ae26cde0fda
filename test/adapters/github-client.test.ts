import { describe, expect, it } from "vitest";
import { gitHubWith, ok, said, tokenAnswer } from "../support/contract-github.ts";
import type { Answer, Asked } from "../support/contract-server.ts";

const NOT_GRANTED = "The permissions requested are not granted to this installation.";

describe("requests", () => {
  it("carry the API version, the user agent and a token for the one repository", async () => {
    const { github, here, calls, mints } = await gitHubWith(() => ok({ permission: "read" }));
    await github.readPermission(here, "mona");
    await github.readPermission(here, "mona");
    expect(calls()[0]?.headers).toMatchObject({
      "x-github-api-version": "2022-11-28",
      authorization: "token ghs_secret",
      "user-agent": expect.stringContaining("offshoot-test"),
    });
    expect(mints().map(({ body }) => JSON.parse(body))).toEqual([
      {
        repository_ids: [42],
        permissions: {
          checks: "write",
          ...{ contents: "read", issues: "write", metadata: "read", pull_requests: "write" },
        },
      },
    ]);
  });

  it("escape what stands in a path", async () => {
    const { github, here, calls } = await gitHubWith(() => ok({ permission: "admin" }));
    await github.readPermission(here, "../../x?y#z");
    expect(calls()[0]?.path).toBe("/repositories/42/collaborators/..%2F..%2Fx%3Fy%23z/permission");
  });

  it.each([{ repositoryName: "acme/shop/../../user" }, { repositoryName: "shop" }, { host: "other.test" }])(
    "are not made for %j",
    async (wrong) => {
      const { github, here, calls } = await gitHubWith(() => ok({}));
      await expect(github.readPull({ ...here, ...wrong })).rejects.toMatchObject({ name: "Refused" });
      expect(calls()).toEqual([]);
    },
  );
});

describe("errors of GitHub", () => {
  const inAMinute = String(Math.floor(Date.now() / 1000) + 60);
  const limit = { name: "Retryable", reason: "github_rate_limit", pauses: "installation" };
  const away = { name: "Retryable", reason: "github_unavailable", pauses: "none" };
  const cases: readonly (readonly [name: string, answer: Answer | "hang", thrown: object])[] = [
    ["retry-after", said(403, "Slow down", { "retry-after": "5" }), { ...limit, afterMs: 5_000 }],
    ["429 with retry-after", said(429, "Slow down", { "retry-after": "9" }), { ...limit, afterMs: 9_000 }],
    [
      "a secondary limit",
      said(403, "You have exceeded a secondary rate limit."),
      { ...limit, afterMs: 60_000 },
    ],
    ["429 without a header", said(429, "No"), { ...limit, afterMs: 60_000 }],
    [
      "an absurd retry-after",
      said(429, "No", { "retry-after": "999999" }),
      { ...limit, afterMs: 65 * 60_000 },
    ],
    ["500", said(500, "Oops"), away],
    ["502 by a proxy", { status: 502, body: "<html>" }, away],
    ["no answer", "hang", away],
    [
      "half an answer",
      { status: 200, body: '{"id":', headers: { "content-type": "application/json" } },
      away,
    ],
    ["a page instead of JSON", { status: 200, body: "<html>" }, away],
    [
      "a locked conversation",
      said(403, "Unable to create comment because issue is locked."),
      { reason: "conversation_locked" },
    ],
    [
      "no permission",
      said(403, "Resource not accessible by integration"),
      { name: "Refused", reason: "forbidden" },
    ],
    ["issues disabled", said(410, "Issues are disabled"), { name: "Refused", reason: "issues_disabled" }],
    ["an invalid body", said(422, "Body is too long"), { name: "Refused", reason: "invalid_request" }],
    ["not found", said(404, "Not Found"), { name: "Refused", reason: "not_found" }],
  ];
  it.each(cases)("%s, met while writing, is sent once and sorted", async (_name, answer, thrown) => {
    const { github, here, calls } = await gitHubWith(() => answer);
    await expect(github.createComment(here, "Hello")).rejects.toMatchObject(thrown);
    expect(calls()).toHaveLength(1);
  });

  it("waits until the primary limit is reset", async () => {
    const headers = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": inAMinute };
    const { github, here } = await gitHubWith(() => said(403, "API rate limit exceeded", headers));
    const error = await github.readPull(here).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(limit);
    expect(Object(error).afterMs).toBeGreaterThan(1_000);
    expect(Object(error).afterMs).toBeLessThanOrEqual(60_000);
  });

  it("never shows a token or the key in what it throws", async () => {
    const { github, here } = await gitHubWith(() => said(500, "Oops"));
    const error = await github.createComment(here, "a secret body").catch((thrown: unknown) => thrown);
    const shown = `${Object(error).stack} ${JSON.stringify(error)} ${String(Object(error).cause)}`;
    expect(shown).not.toMatch(/ghs_|PRIVATE KEY|a secret body/);
  });
});

describe("tokens", () => {
  it.each([
    [401, "A JSON web token could not be decoded", { name: "Refused", reason: "app_credentials" }],
    [403, "This installation has been suspended", { name: "Refused", reason: "installation_gone" }],
    [404, "Not Found", { name: "Refused", reason: "installation_gone" }],
    [422, "The permissions requested are not granted", { name: "Refused", reason: "invalid_request" }],
    [500, "Oops", { name: "Retryable", reason: "github_unavailable" }],
    [429, "Slow", { name: "Retryable", reason: "github_rate_limit", pauses: "installation" }],
  ])("answered with %i %j stop the call", async (status, message, thrown) => {
    const { github, here, calls } = await gitHubWith(() => ok({}), { tokens: () => said(status, message) });
    await expect(github.readPull(here)).rejects.toMatchObject(thrown);
    expect(calls()).toEqual([]);
  });

  it("are not waited for for ever", async () => {
    const { github, here, mints } = await gitHubWith(() => ok({}), { tokens: () => "hang" });
    await expect(github.readPull(here)).rejects.toMatchObject({ reason: "github_unavailable" });
    expect(mints()[0]?.headers["x-github-api-version"]).toBe("2022-11-28");
  });

  it("for a repository outside the installation: it cannot be seen", async () => {
    const message = "There is at least one repository that does not exist or is not accessible.";
    const { github, here } = await gitHubWith(() => ok({}), { tokens: () => said(422, message) });
    expect(await github.readPull(here)).toBeNull();
  });

  it("are for the rest where an installation has not granted everything, and for all of it later", async () => {
    const granted = { contents: "read", issues: "read", metadata: "read" };
    const installation = { account: { login: "acme" }, html_url: "https://x/i", events: ["push"] };
    const tokens = (asked: Asked) => {
      if (asked.method === "GET")
        return ok({ ...installation, permissions: { ...granted, packages: "write" } });
      const wanted = JSON.parse(asked.body).permissions;
      return wanted.issues === "write" ? said(422, NOT_GRANTED) : tokenAnswer();
    };
    const { github, here, mints } = await gitHubWith(() => ok({ permission: "write" }), { tokens });
    expect(await github.readPermission(here, "mona")).toBe("write");
    expect(await github.readPermission(here, "mona")).toBe("write");
    expect(mints().map(({ method }) => method)).toEqual(["POST", "GET", "POST"]);
    expect(JSON.parse(mints()[2]?.body ?? "").permissions).toEqual(granted);
    expect(await github.readGrants(here)).toEqual({
      ...{ account: "acme", url: "https://x/i", events: ["push"] },
      permissions: { ...granted, packages: "write" },
    });
    expect(mints()).toHaveLength(3);
  });

  it("are made anew once when GitHub does not know one any more", async () => {
    let refused = false;
    const { github, here, mints } = await gitHubWith(() => {
      if (refused) return ok({ permission: "write" });
      refused = true;
      return said(401, "Bad credentials");
    });
    expect(await github.readPermission(here, "mona")).toBe("write");
    expect(mints()).toHaveLength(2);
  });

  it("cannot be made with something that is no key", async () => {
    const key = "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----";
    const { github, here } = await gitHubWith(() => ok({}), { privateKey: key });
    const error = await github.readPull(here).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "Refused", reason: "app_credentials" });
    expect(String(error)).not.toContain("c2VjcmV0");
  });
});
