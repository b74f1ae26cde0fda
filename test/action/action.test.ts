import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ACTION_FILE, actionOptions } from "../../scripts/build.ts";
import { createRunner } from "../../service/action/runner.ts";
import { FAKE_SESSION, type FakeApi, fakeEnvironment, startFakeApi } from "../support/fake-api.ts";
import { type LocalGitHub, startJob, startLocalGitHub } from "../support/local-github.ts";
import { runJob } from "../support/runner.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const ID = `env_${"a".repeat(22)}`;

let github: LocalGitHub;
let api: FakeApi;
let workflow = "";

beforeAll(async () => {
  github = await startLocalGitHub();
  const head = { title: "A change", files: { "README.md": "changed" } };
  await github.call("POST", "/repositories/acme/shop/pulls", head).catch(() => undefined);
  // The query needs a database; here the variables are enough.
  workflow = (await readFile(join(ROOT, "docs", "workflow.yml"), "utf8")).replace(
    /psql .*/,
    "env | grep ^PG | sort",
  );
});
afterAll(() => github.stop());
beforeEach(async () => {
  api = await startFakeApi();
  api.environments.set(ID, fakeEnvironment());
});
afterEach(() => api.close());

const job = async (variables?: Record<string, string>, more: Record<string, string> = {}) =>
  runJob(workflow, variables ?? (await startJob(github, { event: "push" })), (inputs) => ({
    ...inputs,
    url: api.url,
    ...more,
  }));

/** Changes something once the Action has seen how it was before. */
async function afterLook(change: () => void): Promise<void> {
  const before = api.seen.length;
  while (!api.seen.slice(before).some(({ path }) => path === "/v1/environments"))
    await new Promise((resolve) => setTimeout(resolve, 20));
  change();
}

it("is the bundle that is committed", async () => {
  const { outputFiles } = await build({ ...actionOptions(), write: false });
  expect(await readFile(ACTION_FILE, "utf8")).toBe(outputFiles?.[0]?.text);
  const ignored = spawnSync("git", ["check-ignore", "-q", ACTION_FILE], { cwd: ROOT }).status;
  expect(ignored).toBe(1);
});

describe("the Action", () => {
  it("connects the later steps, by the job's identity alone", async () => {
    const { steps, masks, env, raw } = await job();
    const [database, query] = steps;
    expect(database).toMatchObject({
      code: 0,
      outputs: {
        ...{ skipped: "false", "environment-id": ID, user: "admin", database: "postgres" },
        host: "kiqenqglxyl2snyvkvnj2c3s2e.dsql.eu-central-1.on.aws",
      },
    });
    expect(query?.log).toMatch(
      /PGDATABASE=postgres\nPGHOST=kiq\S+\nPGPASSWORD=\*\*\*\nPGPORT=5432\nPGSSLMODE=verify-full\nPGUSER=admin/,
    );
    expect(env["PGPASSWORD"]).toBe("secret-token");
    expect(masks).toContain("secret-token");
    expect(masks).toContain(FAKE_SESSION);
    expect(masks).not.toContain("");
    // The OIDC token is hidden, too: it was never written but to be hidden.
    const oidc = String(api.seen[0]?.body["oidcToken"]);
    expect(masks).toContain(oidc);
    expect(raw.split(oidc)).toHaveLength(2);
  });

  it("asks for a token of the service's audience and of the wanted role", async () => {
    await job(undefined, { role: "reader" });
    const [, payload = ""] = String(api.seen[0]?.body["oidcToken"]).split(".");
    expect(JSON.parse(Buffer.from(payload, "base64url").toString())).toMatchObject({ aud: api.url });
    expect(api.seen.at(-1)?.body).toMatchObject({ role: "reader" });
  });

  it("waits until the database is ready", async () => {
    api.environments.set(ID, fakeEnvironment({ phase: "creating" }));
    const changed = afterLook(() => api.environments.set(ID, fakeEnvironment()));
    const { steps } = await job();
    await changed;
    expect(steps[0]).toMatchObject({ code: 0, log: expect.stringContaining(`${ID}: creating`) });
  });

  it.each(["skipped", "closed", "retired", "destroyed"] as const)(
    "skips when the place is %s",
    async (phase) => {
      api.environments.set(ID, fakeEnvironment({ phase }));
      const { steps, env } = await job();
      expect(steps[0]).toMatchObject({ code: 0, outputs: { skipped: "true" } });
      expect(steps[1]?.code).toBeNull();
      expect(env).toEqual({});
    },
  );

  it("waits for its own commit, also when the database of an earlier one is ready or was closed", async () => {
    const head = "b".repeat(40);
    const directory = await mkdtemp(join(tmpdir(), "offshoot-event-"));
    const file = join(directory, "event.json");
    await writeFile(file, JSON.stringify({ pull_request: { head: { sha: head } } }));
    const variables = await startJob(github, { event: "push" });
    const asPull = { ...variables, GITHUB_EVENT_NAME: "pull_request", GITHUB_EVENT_PATH: file };
    const migrations = { digest: head, statements: 3, applied: 3 };
    for (const before of [{}, { phase: "retired" as const, migrations }]) {
      api.environments.set(ID, fakeEnvironment(before));
      const changed = afterLook(() => api.environments.set(ID, fakeEnvironment({ migrations })));
      const { steps } = await job(asPull);
      await changed;
      expect(steps[0]).toMatchObject({ code: 0, outputs: { skipped: "false" } });
      expect(steps[0]?.log).toContain(`${ID} is not at this commit yet`);
    }
    await rm(directory, { recursive: true });
  });

  it("skips a fork, whose job has no identity", async () => {
    const { steps } = await job({ GITHUB_EVENT_NAME: "pull_request" });
    expect(steps[0]).toMatchObject({
      code: 0,
      outputs: { skipped: "true" },
      log: expect.stringContaining("fork"),
    });
    expect(api.seen).toEqual([]);
  });

  it("skips what the service says is a fork's or closed", async () => {
    api.faults.push({ status: 403, reason: "oidc_closed" });
    expect((await job()).steps[0]).toMatchObject({ code: 0, outputs: { skipped: "true" } });
  });

  it("fails with what failed", async () => {
    const failure = {
      reason: "migration_failed",
      message: "Statement 2%\nfailed.",
      file: "migrations/1.sql",
      line: 7,
    };
    api.environments.set(ID, fakeEnvironment({ phase: "failed", failure }));
    const { steps } = await job();
    expect(steps[0]?.code).toBe(1);
    expect(steps[0]?.log).toContain(
      "::error title=Offshoot::The database is failed migrations/1.sql:7: Statement 2%25%0Afailed.",
    );
    expect(steps[1]?.code).toBeNull();
  });

  it("fails when it takes too long, or its inputs are wrong", async () => {
    api.environments.set(ID, fakeEnvironment({ phase: "queued" }));
    expect((await job(undefined, { "wait-seconds": "1" })).steps[0]).toMatchObject({
      code: 1,
      log: expect.stringContaining("still queued after"),
    });
    expect((await job(undefined, { url: "offshoot.acme.dev" })).steps[0]?.log).toContain("Input url");
    expect((await job(undefined, { role: "root" })).steps[0]?.log).toContain("Input role");
  });

  it("exports libpq's variables only, whatever a service answers", async () => {
    api.token = { environment: { PATH: "/evil", NODE_OPTIONS: "--evil", PGSSLROOTCERT: "system" } };
    const { env } = await job();
    expect(Object.keys(env).sort()).toEqual([
      ...["PGDATABASE", "PGHOST", "PGPASSWORD", "PGPORT", "PGSSLMODE", "PGSSLROOTCERT", "PGUSER"],
    ]);
  });
});

describe("the runner's files and commands", () => {
  it("hide each line of a secret, and never nothing", () => {
    const lines: string[] = [];
    createRunner({}, (line) => lines.push(line)).mask("one\n\n two%\n");
    expect(lines).toEqual(["::add-mask::one", "::add-mask:: two%25"]);
  });

  it("let no text from outside become a command", () => {
    const lines: string[] = [];
    createRunner({}, (line) => lines.push(line)).info("a\n::set-output name=x::y");
    expect(lines).toEqual(["a ::set-output name=x::y"]);
  });
});
