import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCommandLine } from "../support/command-line.ts";
import { FAKE_KEY, FAKE_SESSION, type FakeApi, fakeEnvironment, startFakeApi } from "../support/fake-api.ts";

const ID = `env_${"a".repeat(22)}`;

let api: FakeApi;
let cli: Awaited<ReturnType<typeof openCommandLine>>;

beforeEach(async () => {
  api = await startFakeApi();
  api.environments.set(ID, fakeEnvironment());
  cli = await openCommandLine({ OFFSHOOT_URL: api.url });
});
afterEach(async () => {
  await cli.close();
  await api.close();
});

const loginsFile = () => join(cli.home, "offshoot", "logins.json");

describe("usage", () => {
  it.each([
    [[], /offshoot: a database of its own/],
    [["nonsense"], /There is no command nonsense/],
    [["tenant"], /put\|list\|show/],
    [["env", "show"], /Usage: offshoot env show <database>/],
    [["env", "lsit"], /names no database/],
    [["env", "show", ID, "--colour"], /Unknown option '--colour'/],
    [["run"], /Which command\?/],
    [["tenant", "put", "a", "--label", "nothing"], /is no label/],
    [["env", "keep", ID, "soon"], /no time/],
    [["tenant", "patch", "a"], /Nothing to change/],
  ])("%j is wrong, and says what is right", async (args, message) => {
    const { code, err } = await cli.run(args);
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });

  it("has help for every command", async () => {
    const { out } = await cli.run(["help"]);
    const names = out.split("\n").flatMap((line) => /^ {2}([a-z]+(?: [a-z]+)?)(?: |$)/.exec(line)?.[1] ?? []);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) {
      const help = await cli.run(["help", ...name.split(" ")]);
      expect([name, help.code]).toEqual([name, 0]);
      expect(help.out).toContain("--json");
    }
  });

  it("has an exit code for each kind of end", async () => {
    expect((await cli.run(["env", "show", ID])).code).toBe(0);
    expect((await cli.run(["env", "show", `env_${"z".repeat(22)}`])).code).toBe(3);
    expect((await cli.run(["env", "show", ID], { env: { OFFSHOOT_KEY: "ofk_wrong" } })).code).toBe(4);
    expect((await cli.run(["env", "show", ID], { env: { OFFSHOOT_KEY: "" } })).code).toBe(4);
    api.environments.set(ID, fakeEnvironment({ phase: "creating" }));
    expect((await cli.run(["env", "wait", ID, "--wait-seconds", "0"])).code).toBe(5);
    api.environments.set(ID, fakeEnvironment({ phase: "skipped" }));
    expect((await cli.run(["env", "wait", ID])).code).toBe(6);
    api.environments.set(ID, fakeEnvironment({ phase: "failed" }));
    expect((await cli.run(["env", "wait", ID])).code).toBe(1);
  });

  it("tells programs about errors in JSON, with the request's id", async () => {
    const { err } = await cli.run(["tenant", "show", "nobody", "--json"]);
    expect(JSON.parse(err)).toEqual({
      error: {
        ...{ reason: "not_found", status: 404, requestId: "req-1", exitCode: 3 },
        message: "It is not_found. Do something else.",
      },
    });
  });
});

describe("environments", () => {
  it("are listed as a table, and as JSON", async () => {
    const { out } = await cli.run(["env", "list"]);
    expect(out).toMatch(/^FOR +DATABASE +PHASE/);
    expect(out).toContain("acme/shop#42");
    const json = JSON.parse((await cli.run(["env", "list", "--json"])).out);
    expect(json).toEqual([fakeEnvironment()]);
  });

  it("fit the width of a terminal, and cannot command it", async () => {
    const gitBranch = `\u001b[2J\u202eevil-${"x".repeat(200)}`;
    api.environments.set(ID, fakeEnvironment({ owner: { kind: "branch", gitBranch } }));
    const { out } = await cli.run(["env", "list"], { terminal: true, env: { NO_COLOR: "1" } });
    for (const line of out.trimEnd().split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    expect(out.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    const json = (await cli.run(["env", "list", "--json"])).out;
    expect(json.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(JSON.parse(json)[0].owner.gitBranch).toBe(gitBranch);
    expect((await cli.run(["env", "why", ID])).out).not.toContain("\u001b");
  });

  it.each([
    ["https://github.com/acme/shop/pull/42", "url", "https://github.com/acme/shop/pull/42"],
    ["acme/shop#42", "number", "42"],
    ["acme/shop@feature/a", "gitBranch", "feature/a"],
  ])("are found by %s", async (target, parameter, value) => {
    expect((await cli.run(["env", "show", target])).code).toBe(0);
    expect(api.seen.at(-1)?.query.get(parameter)).toBe(value);
  });

  it("must be chosen when a place has several", async () => {
    const other = fakeEnvironment({ id: `env_${"b".repeat(22)}`, owner: { database: "stock" } });
    api.environments.set(other.id, other);
    const { code, err } = await cli.run(["env", "show", "acme/shop#42"]);
    expect([code, err]).toEqual([2, expect.stringMatching(/several databases.*shop.*stock.*--database/)]);
    const { out } = await cli.run(["env", "show", "acme/shop#42", "--database", "stock", "--json"]);
    expect(JSON.parse(out).id).toBe(other.id);
  });

  it("are destroyed only after the id was repeated", async () => {
    const { code, err } = await cli.run(["env", "destroy", ID]);
    expect([code, err]).toEqual([2, expect.stringContaining("--confirm")]);
    expect((await cli.run(["env", "destroy", ID, "--confirm", "env_x"])).code).toBe(2);
    expect(api.seen.every(({ method }) => method === "GET")).toBe(true);
    expect((await cli.run(["env", "destroy", ID, "--confirm", ID])).code).toBe(0);
    expect(api.seen.at(-1)?.method).toBe("DELETE");
  });

  it("are kept for a duration", async () => {
    await cli.run(["env", "keep", ID, "3d"]);
    const until = Date.parse(String(api.seen.at(-1)?.body["until"]));
    expect(Math.abs(until - Date.now() - 3 * 86_400_000)).toBeLessThan(60_000);
  });
});

describe("env <database>", () => {
  it("prints what an application needs, without a secret", async () => {
    const { out } = await cli.run(["env", ID]);
    expect(out).toContain("PGHOST=kiqenqglxyl2snyvkvnj2c3s2e.dsql.eu-central-1.on.aws\n");
    expect(out).toContain("AWS_REGION=eu-central-1");
    expect(out).not.toContain("PGPASSWORD");
    expect((await cli.run(["env", ID, "--token"])).out).toContain("PGPASSWORD=secret-token");
  });

  it("writes into a file that keeps its other lines, and that only its owner reads", async () => {
    const file = join(cli.home, ".env");
    await writeFile(file, "OTHER=1\nPGHOST=old\n");
    await cli.run(["env", ID, "--write", file]);
    const text = await readFile(file, "utf8");
    expect(text).toMatch(/^OTHER=1\n/);
    expect(text.match(/PGHOST=/g)).toHaveLength(1);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });
});

describe("tenants", () => {
  it("are put, changed and deleted by their key", async () => {
    const put = [
      "tenant",
      "put",
      "acme",
      "--label",
      "plan=pro",
      "--grace-hours",
      "24",
      "--protect",
      "--wait",
    ];
    expect((await cli.run(put)).out).toContain("tenant:acme: ready (create done)");
    expect(api.seen[0]?.body).toEqual({
      labels: { plan: "pro" },
      limits: { graceHours: 24 },
      protected: true,
    });
    expect((await cli.run(["tenant", "delete", "acme", "--confirm", "acme"])).err).toMatch(/protected/);
    await cli.run(["tenant", "patch", "acme", "--unprotect", "--remove-label", "plan", "--if-revision", "1"]);
    expect(api.seen.at(-1)?.body).toEqual({ labels: { plan: null }, protected: false });
    expect(api.seen.at(-1)?.headers["if-match"]).toBe('"1"');
    expect((await cli.run(["tenant", "delete", "acme", "--confirm", "acme"])).code).toBe(0);
    expect((await cli.run(["tenant", "token", "acme"])).out).toBe("secret-token\n");
  });

  it("are migrated by the .sql files of a directory, in order", async () => {
    await cli.run(["tenant", "put", "acme"]);
    for (const name of ["0002_b.sql", "0001_a.sql", "README.md"]) await writeFile(join(cli.home, name), name);
    await cli.run(["tenant", "migrate", "acme", cli.home]);
    expect(api.seen.at(-1)?.body).toEqual({
      files: [
        { path: "0001_a.sql", sql: "0001_a.sql" },
        { path: "0002_b.sql", sql: "0002_b.sql" },
      ],
    });
  });
});

describe("signing in", () => {
  const without = { env: { OFFSHOOT_KEY: "" } };

  it("keeps a key from standard input in a file of its owner, until logout", async () => {
    const { code, out } = await cli.run(["login", "--key"], { ...without, input: `${FAKE_KEY}\n` });
    expect([code, out]).toEqual([0, expect.stringContaining("as key ci: read")]);
    expect((await stat(loginsFile())).mode & 0o777).toBe(0o600);
    expect((await cli.run(["env", "list"], without)).code).toBe(0);
    expect((await cli.run(["env", "list"], { env: { OFFSHOOT_KEY: "", OFFSHOOT_URL: "" } })).code).toBe(0);
    await cli.run(["logout"], without);
    expect((await cli.run(["env", "list"], without)).code).toBe(4);
  });

  it("keeps nothing that the service does not know", async () => {
    const wrong = FAKE_KEY.replace("ofk_0", "ofk_9");
    expect((await cli.run(["login", "--key"], { ...without, input: wrong })).code).toBe(4);
    await expect(stat(loginsFile())).rejects.toThrow();
  });

  it("takes a person to GitHub, and waits for the answer", async () => {
    api.confirmed = false;
    setTimeout(() => {
      api.confirmed = true;
    }, 300);
    const { code, err } = await cli.run(["login"], without);
    expect([code, err]).toEqual([0, expect.stringContaining("type the code ABCD-EFGH")]);
    expect(await readFile(loginsFile(), "utf8")).toContain(FAKE_SESSION);
  });

  it("never sends the key of one service to another that only an address names", async () => {
    const other = await startFakeApi();
    const { code } = await cli.run(["env", "show", `${other.url}/acme/shop/pull/42`], {
      env: { OFFSHOOT_URL: "" },
    });
    expect(code).toBe(4);
    expect(other.seen).toEqual([]);
    await other.close();
  });

  it("sends no credential over plain http to another machine", async () => {
    const { code, err } = await cli.run(["env", "list", "--url", "http://offshoot.acme.dev"]);
    expect([code, err]).toEqual([2, expect.stringContaining("https://")]);
  });
});

describe("doctor", () => {
  it("tells what works and what does not", async () => {
    const { code, out } = await cli.run(["doctor"]);
    expect(out).toMatch(/ok {6}ready[\s\S]*ok {6}clock[\s\S]*ok {6}sign-in: you are key ci/);
    expect(code).toBe(0);
    const wrong = await cli.run(["doctor"], { env: { OFFSHOOT_KEY: "ofk_wrong" } });
    expect([wrong.code, wrong.out]).toEqual([1, expect.stringContaining("FAILED  sign-in")]);
  });

  it("checks an operator's configuration, and names each problem", async () => {
    const { code, out } = await cli.run(["doctor"], { env: { OFFSHOOT_STORE_URL: "nonsense" } });
    expect([code, out]).toEqual([1, expect.stringMatching(/FAILED {2}configuration[\s\S]*FAILED {2}store/)]);
  });
});

describe("a CI job's own database", () => {
  const head = "b".repeat(40);
  const ofHead = fakeEnvironment({ migrations: { digest: head, statements: 3, applied: 3 } });

  /** The variables of a job that the pull request's head began. */
  async function jobOfHead(): Promise<Record<string, string>> {
    const file = join(cli.home, "event.json");
    await writeFile(file, JSON.stringify({ pull_request: { head: { sha: head } } }));
    const identity = { ACTIONS_ID_TOKEN_REQUEST_URL: api.url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "t" };
    return { ...identity, GITHUB_EVENT_NAME: "pull_request", GITHUB_EVENT_PATH: file };
  }
  const looks = () => api.seen.filter(({ path }) => path === "/v1/environments").length;

  it.each([
    ["env wait", ["env", "wait", "--json"]],
    ["run", ["run", "--", process.execPath, "-e", "0"]],
    ["env", ["env"]],
  ])("is waited for by %s until it is of the job's commit", async (_what, args) => {
    const env = await jobOfHead();
    const running = cli.run(args, { env });
    while (looks() === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    api.environments.set(ID, ofHead);
    expect(await running).toMatchObject({ code: 0 });
    expect(looks()).toBe(2);
  });

  it("is never the one of another commit", async () => {
    const env = await jobOfHead();
    const { code, err } = await cli.run(["env", "wait", "--wait-seconds", "1"], { env });
    expect([code, err]).toEqual([1, expect.stringContaining("is at 3f9c2e1, and this job is for bbbbbbb")]);
  });

  it("that was closed is skipped at once when it is named", async () => {
    api.environments.set(ID, { ...fakeEnvironment({ phase: "closed" }), settled: false });
    expect((await cli.run(["env", "wait", ID])).code).toBe(6);
  });
});
