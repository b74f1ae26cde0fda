import { generateKeyPairSync } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { createGitHub } from "../../service/adapters/github.ts";
import { MIGRATION_FILE_BYTES, MIGRATION_FILES_MAX } from "../../service/domain/limits.ts";
import { type Answer, type Asked, startScriptedServer } from "../support/contract-server.ts";

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const SHA = "a".repeat(40);
const target = {
  host: "github.test",
  installationId: 7,
  repositoryId: 42,
  repositoryName: "acme/shop",
  number: 3,
};

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** Installations of their own, because auth-app shares tokens that are under way between all Apps of a process. */
let installations = 100;
const ok = (body: unknown, headers = {}): Answer => ({ status: 200, body, headers });
const said = (status: number, message: string, headers = {}): Answer => ({
  status,
  body: { message },
  headers,
});
const token = (): Answer => ({
  status: 201,
  body: { token: "ghs_secret", expires_at: new Date(Date.now() + 3_600_000).toISOString(), permissions: {} },
});

async function gitHubWith(script: (asked: Asked) => Answer | "hang", tokens: () => Answer | "hang" = token) {
  const server = await startScriptedServer((asked) =>
    asked.path.startsWith("/app/installations/") ? tokens() : script(asked),
  );
  ends.push(server.close);
  const github = createGitHub({
    appId: 11,
    privateKey,
    apiUrl: server.url,
    host: "github.test",
    appUserAgent: "offshoot-test",
    callTimeoutMs: 300,
  });
  installations += 1;
  const here = { ...target, installationId: installations };
  const calls = () => server.asked.filter(({ path }) => !path.startsWith("/app/"));
  const mints = () => server.asked.filter(({ path }) => path.startsWith("/app/"));
  return { github, here, calls, mints };
}

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
        permissions: { contents: "read", issues: "write", metadata: "read", pull_requests: "write" },
      },
    ]);
  });

  it("escape what stands in a path", async () => {
    const { github, here, calls } = await gitHubWith(() => ok({ permission: "admin" }));
    await github.readPermission(here, "../../x?y#z");
    expect(calls()[0]?.path).toBe("/repos/acme/shop/collaborators/..%2F..%2Fx%3Fy%23z/permission");
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
    const { github, here, calls } = await gitHubWith(
      () => ok({}),
      () => said(status, message),
    );
    await expect(github.readPull(here)).rejects.toMatchObject(thrown);
    expect(calls()).toEqual([]);
  });

  it("for a repository outside the installation: it cannot be seen", async () => {
    const message = "There is at least one repository that does not exist or is not accessible.";
    const { github, here } = await gitHubWith(
      () => ok({}),
      () => said(422, message),
    );
    expect(await github.readPull(here)).toBeNull();
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
    const server = await startScriptedServer(() => token());
    ends.push(server.close);
    const options = { appId: 11, apiUrl: server.url, host: "github.test", appUserAgent: "offshoot-test" };
    const github = createGitHub({
      ...options,
      privateKey: "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----",
    });
    const error = await github.readPull({ ...target, installationId: 99 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "Refused", reason: "app_credentials" });
    expect(String(error)).not.toContain("c2VjcmV0");
  });
});

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

describe("migrations", () => {
  type Entry = { path: string; mode?: string; type?: string; sha?: string; size?: number };
  const entry = (one: Entry) => ({ mode: "100644", type: "blob", sha: `blob-${one.path}`, size: 10, ...one });
  const tree = (...entries: Entry[]) => ok({ tree: entries.map(entry), truncated: false });
  const DB = { path: "db", type: "tree", mode: "040000", sha: "tree-db" };
  const MIGRATIONS = { path: "migrations", type: "tree", mode: "040000", sha: "tree-migrations" };
  /** A repository with the directory db/migrations. */
  const repository = (files: readonly Entry[], content = (sha: string) => Buffer.from(`-- ${sha}`)) =>
    gitHubWith(({ path }) => {
      if (path.includes("/git/commits/")) return ok({ tree: { sha: "tree-root" } });
      if (path.endsWith("/tree-root")) return tree(DB, { path: "README.md" });
      if (path.endsWith("/tree-db")) return tree(MIGRATIONS);
      if (path.endsWith("/tree-migrations")) return tree(...files);
      const sha = decodeURIComponent(path.split("/").at(-1) ?? "");
      return ok({ encoding: "base64", content: content(sha).toString("base64").replace(/.{60}/g, "$&\n") });
    });

  it("are read in the order of their names' bytes, and nothing else", async () => {
    const { github, here } = await repository([
      { path: "\u{1f600}.sql" },
      { path: "\uff5e.sql" },
      { path: "b.sql" },
      { path: "B.sql" },
      { path: "README.md" },
      { path: "old.sql", type: "tree", mode: "040000" },
    ]);
    const files = await github.readMigrations(here, SHA, "db/migrations/");
    expect(files.map(({ path }) => path)).toEqual([
      "db/migrations/B.sql",
      "db/migrations/b.sql",
      "db/migrations/\uff5e.sql",
      "db/migrations/\u{1f600}.sql",
    ]);
    expect(files[0]?.text).toBe("-- blob-B.sql");
  });

  it("are asked for once: what a SHA names does not change", async () => {
    const { github, here, calls } = await repository([{ path: "a.sql" }, { path: "b.sql" }]);
    await github.readMigrations(here, SHA, "db/migrations");
    const first = calls().length;
    await github.readMigrations(here, SHA, "db/migrations");
    expect(calls()).toHaveLength(first);
    await github.readMigrations(here, "b".repeat(40), "db/migrations");
    const again = calls()
      .slice(first)
      .map(({ path }) => path);
    expect(again.filter((path) => path.includes("/git/blobs/"))).toEqual([]);
  });

  it.each(["missing", "db/missing"])("are none where there is no directory %s", async (directory) => {
    const { github, here } = await repository([]);
    expect(await github.readMigrations(here, SHA, directory)).toEqual([]);
  });

  const refusals: readonly (readonly [
    name: string,
    files: readonly Entry[],
    reason: string,
    named: string,
  ])[] = [
    ["a symbolic link", [{ path: "a.sql", mode: "120000" }], "migrations_not_a_file", "db/migrations/a.sql"],
    ["a submodule", [{ path: "a.sql", type: "commit" }], "migrations_not_a_file", "db/migrations/a.sql"],
    [
      "a large file",
      [{ path: "a.sql", size: MIGRATION_FILE_BYTES + 1 }],
      "migrations_file_too_large",
      "db/migrations/a.sql",
    ],
    [
      "too many files",
      Array.from({ length: MIGRATION_FILES_MAX + 1 }, (_, at) => ({ path: `${at}.sql` })),
      "migrations_too_many_files",
      "501",
    ],
  ];
  it.each(refusals)("refuse %s and name it", async (_name, files, reason, named) => {
    const { github, here } = await repository(files);
    const reading = github.readMigrations(here, SHA, "db/migrations");
    await expect(reading).rejects.toMatchObject({
      name: "Refused",
      reason,
      message: expect.stringContaining(named),
    });
  });

  it("refuse a file that is not UTF-8", async () => {
    const { github, here } = await repository([{ path: "a.sql" }], () => Buffer.from([0x2d, 0xff, 0xfe]));
    await expect(github.readMigrations(here, SHA, "db/migrations")).rejects.toMatchObject({
      reason: "migrations_not_utf8",
      message: expect.stringContaining("db/migrations/a.sql"),
    });
  });

  it("refuse a file where the directory should be", async () => {
    const { github, here } = await repository([]);
    await expect(github.readMigrations(here, SHA, "README.md")).rejects.toMatchObject({
      reason: "migrations_not_a_directory",
    });
  });

  it("are asked for again later when GitHub does not have the commit yet", async () => {
    const { github, here } = await gitHubWith(() => said(404, "Not Found"));
    await expect(github.readMigrations(here, SHA, "db")).rejects.toMatchObject({
      name: "Retryable",
      reason: "commit_missing",
    });
  });

  it.each([
    ["main", "db"],
    [SHA, "../db"],
  ])("are not read at %s in %s", async (sha, directory) => {
    const { github, here, calls } = await repository([]);
    await expect(github.readMigrations(here, sha, directory)).rejects.toMatchObject({
      reason: "invalid_request",
    });
    expect(calls()).toEqual([]);
  });
});
